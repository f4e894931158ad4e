"""Prepared samples on disk: written under a temporary name, renamed when whole, then memory-mapped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import platformdirs

from xmodal_lite.errors import DataError

FORMAT = 2  # raise it when what an entry holds changes its meaning
FOLDER = ".xmodal"  # below the data's root; safe to delete at any time

Entry = tuple[np.ndarray, dict[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Chunks:
    """Samples too many for the memory, made and written piece by piece.

    Parameters
    ----------
    shape : tuple of int
        Shape (n, ...) of all samples together.
    dtype : numpy.dtype
        Type of each.
    arrays : iterable of numpy.ndarray
        (k, ...) each; their lengths add up to n.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    arrays: Iterable[np.ndarray]

    @property
    def nbytes(self) -> int:
        """Size of all samples together."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


def cached(
    root: Path,
    name: str,
    files: Sequence[Path],
    settings: Mapping[str, object],
    build: Callable[[], tuple[np.ndarray | Chunks, dict[str, np.ndarray]]],
    beside: Path | None = None,
) -> Entry:
    """Return prepared samples, from the cache if they were prepared before.

    Two processes may ask at once: both prepare, one entry stays, neither sees half of one.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the data; the cache is ``root/.xmodal``, or the user's cache folder where that cannot
        be written.
    name : str
        Benchmark's name, first part of the entry's name.
    files : sequence of pathlib.Path
        Files below `root` that the samples come from. Their names, sizes and times of change are the key.
    settings : mapping
        All else that the samples depend on; must be JSON-serialisable.
    build : callable
        Prepares ``(samples, columns)``: an array or the pieces of one, and named arrays without Python
        objects.
    beside : pathlib.Path, optional
        Folder that takes the place of `root` in where the cache is: a run, where samples are what it made of the data.

    Returns
    -------
    samples : numpy.ndarray
        What `build` made as one array, memory-mapped, read-only.
    columns : dict of str to numpy.ndarray
        The named arrays.

    Raises
    ------
    DataError
        If the cache cannot be written, for example because the disk is full. Nothing half-written stays.
    """
    key = _key(root, files, settings)
    of_user = _digest(f"{root.resolve()}\0{key}")  # of all data: two copies of a set may look the same
    entries = (
        (beside or root) / FOLDER / f"{name}-{key}",
        platformdirs.user_cache_path("xmodal-lite") / f"{name}-{of_user}",
    )
    for entry in entries:
        found = _read(entry)
        if found is not None:
            return found
    samples, columns = build()
    final = _first_writable(entries)
    _write(final, samples, columns)
    stored = _read(final)
    if stored is None:
        raise DataError(f"{final}: the cache just written cannot be read; delete this folder and try again")
    return stored


def _key(root: Path, files: Sequence[Path], settings: Mapping[str, object]) -> str:
    listing = []
    for file in files:
        try:
            stat = file.stat()
        except OSError as error:
            raise DataError(
                f"{file}: cannot be opened ({error.strerror}); fetch it again, or mend the link"
            ) from error
        listing.append((file.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns))
    return _digest(json.dumps([FORMAT, dict(settings), sorted(listing)], sort_keys=True))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _first_writable(entries: Sequence[Path]) -> Path:
    for entry in entries:
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=entry.parent):
                return entry
        except OSError as error:
            reason = error.strerror
    tried = " nor ".join(str(entry.parent) for entry in entries)
    raise DataError(f"neither {tried} can be written ({reason}); free space or make one of them writable")


def _read(entry: Path) -> Entry | None:
    """Open an entry; None if there is none or it is damaged."""
    try:
        with np.load(entry / "columns.npz") as archive:
            columns = {key: archive[key] for key in archive.files}
        return np.load(entry / "samples.npy", mmap_mode="r"), columns
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(final: Path, samples: np.ndarray | Chunks, columns: Mapping[str, np.ndarray]) -> None:
    """Write an entry under a temporary name, then rename it; if another process was first its entry stays."""
    temporary = final.with_name(f"{final.name}.{uuid.uuid4().hex}.tmp")
    try:
        temporary.mkdir()
        _save(temporary / "samples.npy", lambda file: _save_samples(file, samples))
        _save(temporary / "columns.npz", lambda file: np.savez(file, allow_pickle=False, **columns))
        if final.exists() and _read(final) is None:
            shutil.rmtree(final, ignore_errors=True)
        try:
            temporary.rename(final)
        except OSError:
            if _read(final) is None:
                raise
    except OSError as error:
        size = (samples.nbytes + sum(column.nbytes for column in columns.values())) / 1e6
        raise DataError(
            f"{final}: the prepared samples could not be written ({error}); the disk may be full: "
            f"free {size:.0f} MB there and try again"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _save_samples(file: BinaryIO, samples: np.ndarray | Chunks) -> None:
    if isinstance(samples, np.ndarray):
        np.save(file, samples, allow_pickle=False)
        return
    header = {"descr": samples.dtype.str, "fortran_order": False, "shape": samples.shape}
    np.lib.format.write_array_header_1_0(file, header)
    for piece in samples.arrays:  # by writing, not through a memory map: no page of it stays resident
        file.write(np.ascontiguousarray(piece, samples.dtype).data)


def _save(path: Path, write: Callable[[BinaryIO], None]) -> None:
    with open(path, "wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
