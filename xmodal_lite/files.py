"""Write files whole or not at all, remove what a killed writer left, and hash files."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".partial"  # how the name of every temporary ends: .NAME.HOST-PID-RANDOM.partial
SYNTHETIC_MARKER = "synthetic.json"  # holds the parameters of the synthetic data set that it lies in
ABANDONED = 24 * 3600.0  # seconds after which a temporary of another machine counts as left behind


def write_atomic(path: Path, content: str | bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file beside its final name, force it to the disk and rename it, so that no reader sees half of it.

    Parameters
    ----------
    path : pathlib.Path
        Final name; its folder is made if it is missing.
    content : str, bytes or callable
        Text is written as UTF-8. A callable takes the open binary file and writes into it.

    Raises
    ------
    OSError
        The disk is full or not writable; the previous file is unchanged and no temporary stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_partial(path.parent, path.name)
    partial = _partial(path)
    try:
        with partial.open("xb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside the final name, and rename it when the block ends without an error.

    Parameters
    ----------
    path : pathlib.Path
        Final name; nothing but an empty folder may be there.

    Raises
    ------
    OSError
        The disk is full or not writable, or `path` holds files. Nothing half-written stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_partial(path.parent, path.name)
    partial = _partial(path)
    partial.mkdir()
    try:
        yield partial
        _sync_tree(partial)
        if path.is_dir():
            path.rmdir()  # an error where it is not empty
        partial.replace(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def remove_partial(folder: Path, name: str = "") -> list[Path]:
    """Remove the temporaries of writers that no longer run, and return what was removed.

    Parameters
    ----------
    folder : pathlib.Path
        Where to look; folders below it are not entered.
    name : str
        Only temporaries of this final name; empty for all.
    """
    left = [
        path
        for path in folder.glob(f".*{PARTIAL}")
        if path.name.startswith(f".{name}." if name else ".") and not _is_written(path)
    ]
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return left


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_synthetic(root: Path) -> bool:
    """Tell whether a folder carries the marker file of a synthetic data set, under its present or its former name."""
    return any((root / name).exists() for name in (SYNTHETIC_MARKER, "standin.json"))


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}{PARTIAL}")


def _host() -> str:
    """Return a short name of this machine: a folder may be shared by several."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_written(path: Path) -> bool:
    """Tell whether the writer of a temporary may still run; of another machine's we only know its age."""
    match path.name.removesuffix(PARTIAL).rpartition(".")[2].split("-"):
        case [host, pid, _] if host == _host() and pid.isdecimal():
            return _runs(int(pid))
        case [_, _, _]:
            return time.time() - path.lstat().st_mtime < ABANDONED
    return True  # no temporary of ours


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _sync_tree(folder: Path) -> None:
    """Force all files below a folder to the disk, many at a time: each waits, and a data set has ten thousands."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(_sync, (path for path in folder.rglob("*") if path.is_file())))


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
