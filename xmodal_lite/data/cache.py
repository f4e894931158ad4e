"""Prepared samples on disk: written under a temporary name, renamed when whole, then memory-mapped.

A cache stands for files by their names, sizes, inodes, and times of writing and of change: two files that are exchanged
under equal sizes and times of writing still differ in the last two.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from xmodal_lite.errors import DataError
from xmodal_lite.files import atomic_folder, remove_partial

FORMAT = 3  # raise it when what an entry holds changes its meaning
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
        Files below `root` that the samples come from. See `file_states` for what of them is in the key.
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
    import platformdirs  # takes its time, and a recipe needs none

    key = _digest(json.dumps([FORMAT, dict(settings), file_states(root, files)], sort_keys=True))
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


def file_states(root: Path, files: Sequence[Path]) -> list[tuple[str, int, int, int, int]]:
    """Return what tells whether files are the same as before: name, size, inode, times of writing and of change.

    Parameters
    ----------
    root : pathlib.Path
        Folder that holds them; names are relative to it.
    files : sequence of pathlib.Path
        The files; links are followed.

    Returns
    -------
    list of tuple
        Sorted by name; times in nanoseconds. Renaming, exchanging or writing a file changes its tuple.

    Raises
    ------
    DataError
        If a file cannot be reached.
    """
    states = []
    for file in files:
        try:
            stat = file.stat()
        except OSError as error:
            raise DataError(
                f"{file}: cannot be opened ({error.strerror}); restore it, or the link that leads to it"
            ) from error
        name = file.relative_to(root).as_posix()
        states.append((name, stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns))
    return sorted(states)


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
    """Write an entry whole or not at all; if another process was first, its entry stays."""
    try:
        remove_partial(final.parent)  # what killed processes left
        if final.exists() and _read(final) is None:
            shutil.rmtree(final, ignore_errors=True)
        with atomic_folder(final) as folder:
            with open(folder / "samples.npy", "wb") as file:
                _save_samples(file, samples)
            with open(folder / "columns.npz", "wb") as file:
                np.savez(file, allow_pickle=False, **columns)
    except OSError as error:
        if _read(final) is not None:
            return
        size = (samples.nbytes + sum(column.nbytes for column in columns.values())) / 1e6
        raise DataError(
            f"{final}: the prepared samples could not be written ({error}); the disk may be full: "
            f"free {size:.0f} MB there and try again"
        ) from error


def _save_samples(file: BinaryIO, samples: np.ndarray | Chunks) -> None:
    if isinstance(samples, np.ndarray):
        np.save(file, samples, allow_pickle=False)
        return
    header = {"descr": samples.dtype.str, "fortran_order": False, "shape": samples.shape}
    np.lib.format.write_array_header_1_0(file, header)
    for piece in samples.arrays:  # by writing, not through a memory map: no page of it stays resident
        file.write(np.ascontiguousarray(piece, samples.dtype).data)
