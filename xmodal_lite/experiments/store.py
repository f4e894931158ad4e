"""Runs on disk: a folder each, one writer at a time; a record, and a calibration, when the run is finished."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xmodal_lite.errors import CheckpointError, XmodalError
from xmodal_lite.experiments.spec import RunRecord, RunSpec
from xmodal_lite.files import write_atomic

if TYPE_CHECKING:
    import numpy as np
    from filelock import BaseFileLock

    from xmodal_lite.benchmarks.base import Benchmark

RECORD, CALIBRATION = "record.json", "calibration.json"
PACKAGED = (
    Path(__file__).resolve().parent.parent / "results"
)  # in an installed package; a checkout has its own folder
Stored = TypeVar("Stored", bound=BaseModel)
Score = Annotated[float, Field(ge=-1e-3, le=2 + 1e-3)]  # 1 - cosine, rounded


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
            There is a record, and it is damaged or of another run.
        """
        path = self.folder(spec) / RECORD
        if not path.exists():
            return None
        record = read_record(path)
        check_owner(record, spec.hash, path)
        return record

    def finish(self, record: RunRecord) -> Path:
        """Store the record of a finished run."""
        path = self.folder(record.spec) / RECORD
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
            _write(folder / "spec.json", spec.model_dump_json(indent=1))
            yield folder
        finally:
            lock.release()


def _locked(path: Path, run: str, *, wait: bool) -> BaseFileLock:
    """Return a lock that this process holds from now on."""
    from filelock import FileLock, SoftFileLock, Timeout  # here, as who only reads records needs no lock

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


class Calibration(BaseModel):
    """Scores of the test queries of a run, in both directions; see `xmodal_lite.evaluation.conformal`.

    Attributes
    ----------
    run : str
        Hash of the run.
    modalities : tuple of str
        Names of modality 0 (v) and 1 (r).
    scores : dict of str to list of float
        For "v2r" and "r2v": 1 minus the cosine of each query with the nearest test sample of the other modality that
        shows its identity. No trial's gallery and no rule about cameras is applied.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    run: str
    modalities: tuple[str, str]
    scores: dict[str, Annotated[list[Score], Field(min_length=1)]]

    @model_validator(mode="after")
    def _of_two_sides(self) -> Self:
        names = [name.strip().lower() for name in self.modalities]
        if not all(names) or names[0] == names[1]:
            raise ValueError(f"the names of the two modalities are empty or equal: {self.modalities}")
        if self.scores.keys() != {"v2r", "r2v"}:
            raise ValueError(
                f"it needs the scores of v2r and r2v, not of {', '.join(self.scores) or 'nothing'}"
            )
        return self


def calibrate(spec: RunSpec, benchmark: Benchmark, rows: np.ndarray, features: np.ndarray) -> Calibration:
    """Score the test queries of a run.

    Parameters
    ----------
    spec : RunSpec
        The run.
    benchmark : Benchmark
        Its data.
    rows : (n,) int64
        Test rows of the benchmark's table.
    features : (n, D) float32
        Their embeddings.
    """
    from xmodal_lite.evaluation import nonconformity

    identity, modality = benchmark.table.identity[rows], benchmark.table.modality[rows]
    v, r = modality == 0, modality == 1
    scores = {
        direction: nonconformity(
            features[query], features[gallery], identity[query], identity[gallery]
        ).tolist()
        for direction, query, gallery in (("v2r", v, r), ("r2v", r, v))
    }
    return Calibration(run=spec.hash, modalities=benchmark.modalities, scores=scores)


def write_calibration(calibration: Calibration, folder: Path) -> None:
    """Store a calibration in its run's folder, whole or not at all."""
    _write(folder / CALIBRATION, calibration.model_dump_json() + "\n")


def read_calibration(folder: Path, owner: str) -> Calibration | None:
    """Read the calibration of a run; None where the run has none.

    Raises
    ------
    CheckpointError
        The file is damaged or belongs to another run than `owner`.
    """
    path = folder / CALIBRATION
    if not path.exists():
        return None
    remedy = "delete that file to match without prediction sets, or make the run again"
    found = _read(path, Calibration, f"is not a whole calibration; {remedy}")
    if found.run != owner:
        raise CheckpointError(
            f"{path} belongs to run {found.run}, not to {owner}; put that run's own file there"
        )
    return found


def results_folder(given: Path | str) -> Path:
    """Return where published records lie: the given folder of a checkout, or else those that the package came with."""
    folder = Path(given)
    return folder if folder.is_dir() or not PACKAGED.is_dir() else PACKAGED


def read_record(path: Path) -> RunRecord:
    """Read one record.

    Raises
    ------
    CheckpointError
        The file is not a whole record: cut short, or edited by hand, or no file.
    """
    return _read(path, RunRecord, "is not a whole run record; delete that file and start the run again")


def read_records(folder: Path) -> list[RunRecord]:
    """Read every record below a folder, in the order of their names, each of which is the hash of its run.

    Raises
    ------
    CheckpointError
        A file is not a whole record, or is named by another hash.
    """
    paths = sorted(folder.rglob("*.json"))
    records = [read_record(path) for path in paths]
    for path, record in zip(paths, records, strict=True):
        check_owner(record, path.stem, path)
    return records


def check_owner(record: RunRecord, owner: str, path: Path) -> None:
    """Refuse a record whose specification is not the one that its file or folder is named by.

    Raises
    ------
    CheckpointError
        The hashes differ.
    """
    if record.spec.hash != owner:
        raise CheckpointError(
            f"{path} is the record of run {record.spec.hash}, not of {owner}, so it was moved or edited; delete that "
            "file and start the run again"
        )


def write_record(record: RunRecord, path: Path) -> None:
    """Write one record, whole or not at all.

    Raises
    ------
    CheckpointError
        The file cannot be written.
    """
    _write(path, record.model_dump_json(indent=1) + "\n")


def publish(records: Sequence[RunRecord], folder: Path) -> None:
    """Write the records of finished runs into a folder that is kept under version control.

    A record there of the same row and seed, made by another recipe or of another state of the data, is replaced.
    """
    new = {_cell_key(record) for record in records}
    for path in folder.glob("*.json"):
        if _cell_key(read_record(path)) in new:
            path.unlink()
    for record in records:
        write_record(record, folder / f"{record.spec.hash}.json")


def _cell_key(record: RunRecord) -> str:
    """Name the cell of a table that a record counts in."""
    spec = record.spec
    return json.dumps([spec.method, spec.protocol, spec.overrides, spec.seed], sort_keys=True)


def _read(path: Path, kind: type[Stored], message: str) -> Stored:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise CheckpointError(f"{path} {message}. {error}") from error


def _write(path: Path, text: str) -> None:
    try:
        write_atomic(path, text)
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {error}; free some space or choose another folder"
        ) from error
