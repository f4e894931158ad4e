"""Runs on disk: one folder per specification, one writer at a time, a record only when the run is finished."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout
from pydantic import ValidationError

from xmodal_lite.errors import CheckpointError, XmodalError
from xmodal_lite.experiments.spec import RunRecord, RunSpec


class RunBusyError(XmodalError, RuntimeError):
    """Another process holds this run at the moment."""


class RunStore:
    """A folder of runs.

    Parameters
    ----------
    root : Path or str
        Made at the first write. Put it on a mounted drive to keep runs across sessions.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def folder(self, spec: RunSpec) -> Path:
        """Return the folder of a run, whether or not it is there yet."""
        return self.root / spec.hash

    def record(self, spec: RunSpec) -> RunRecord | None:
        """Return the record of a finished run, or None.

        Raises
        ------
        CheckpointError
            There is a record, and it is damaged.
        """
        path = self.folder(spec) / "record.json"
        return read_record(path) if path.exists() else None

    def finish(self, record: RunRecord) -> Path:
        """Store the record of a finished run."""
        path = self.folder(record.spec) / "record.json"
        write_record(record, path)
        return path

    @contextmanager
    def writing(self, spec: RunSpec, *, wait: bool = True) -> Iterator[Path]:
        """Hold a run's folder; the lock is the operating system's, so it falls with the process that held it.

        Parameters
        ----------
        spec : RunSpec
            The run.
        wait : bool
            Wait while another process holds the run, which is said on standard error, or raise at once.

        Raises
        ------
        RunBusyError
            Another process holds the run, and `wait` is false.
        CheckpointError
            The store cannot be written, or its disk has no file locks.
        """
        folder = self.folder(spec)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = _locked(folder / "lock", spec.hash, wait=wait)
        except (OSError, NotImplementedError) as error:  # the latter: older filelock, without locks
            raise CheckpointError(
                f"cannot write to the run store {self.root}: {error}; choose another --store"
            ) from error
        try:
            write_whole(folder / "spec.json", spec.model_dump_json(indent=1))
            yield folder
        finally:
            lock.release()


def _locked(path: Path, run: str, *, wait: bool) -> BaseFileLock:
    """Return a lock that this process holds from now on."""
    lock = FileLock(path)
    with suppress(Timeout):
        lock.acquire(blocking=False)
    if isinstance(lock, SoftFileLock):  # filelock's makeshift, which stays behind when its process dies
        lock.release()
        raise OSError("its disk has no file locks")
    if not lock.is_locked:
        if not wait:
            raise RunBusyError(f"run {run} is being made by another process; wait for it")
        print(f"run {run} is being made by another process; waiting", file=sys.stderr, flush=True)
        lock.acquire()
    return lock


def read_record(path: Path) -> RunRecord:
    """Read one record.

    Raises
    ------
    CheckpointError
        The file is not a whole record (cut short, or edited by hand).
    """
    try:
        return RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{path} is not a whole run record; delete that file and start the run again. {error}"
        ) from error


def write_record(record: RunRecord, path: Path) -> None:
    """Write one record; see `write_whole`."""
    write_whole(path, record.model_dump_json(indent=1) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a text beside its final name and rename it, so that a reader never sees half of it.

    Raises
    ------
    CheckpointError
        The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CheckpointError(
            f"cannot write {path}: {error}; free some space or choose another folder"
        ) from error


def read_records(folder: Path) -> list[RunRecord]:
    """Read every record below a folder, in the order of their file names."""
    return [read_record(path) for path in sorted(folder.rglob("*.json"))]
