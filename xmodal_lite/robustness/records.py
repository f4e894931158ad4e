"""What a study of a run left behind, validated, and as a small JSON file that is named by the run's hash."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, ValidationError, model_validator

from xmodal_lite.errors import CheckpointError
from xmodal_lite.experiments.spec import Metrics, RunSpec
from xmodal_lite.files import write_atomic
from xmodal_lite.robustness.changes import Change
from xmodal_lite.robustness.studies import AnyChange

Case = Literal["query", "gallery", "both"]
DIGITS = 6  # of a stored metric


class Level(BaseModel):
    """The test under one change.

    Attributes
    ----------
    change : Change
        What was changed.
    cases : dict of str to dict
        By what was changed, the metrics of the protocol's report, all directions together. A change of one modality
        alone leaves in each case the directions in which that modality has that role.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    change: AnyChange
    cases: dict[Case, Metrics]


class StudyRecord(BaseModel):
    """All levels of one study of one run.

    Attributes
    ----------
    spec : RunSpec
        The run. Its seed is also the seed of the changes.
    study : str
        Such as "occlusion".
    protocol : str
        The protocol's whole name, as its report prints it.
    clean : dict of str to float
        Metrics without a change, from the same embeddings that the levels use.
    levels : tuple of Level
        In the order of the study.
    fingerprint : str
        SHA-256 of the data.
    code : str
        SHA-256 over the source files that decide the numbers of this test.
    run_code : str
        That of the code which trained the run; a run is tested by later code, too. Empty in older records.
    device : str
        Name of the processor or the GPU.
    seconds : float
        Wall time of all tests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    spec: RunSpec
    study: str
    protocol: str
    clean: Metrics
    levels: tuple[Level, ...] = ()
    fingerprint: str
    code: str
    run_code: str = ""
    device: str
    seconds: NonNegativeFloat = 0.0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.fingerprint.startswith(self.spec.data.partition(":")[2]):
            raise ValueError(f"the fingerprint {self.fingerprint[:12]} is not that of data {self.spec.data}")
        changes = [level.change for level in self.levels]
        if any(change in changes[:index] for index, change in enumerate(changes)):
            raise ValueError("two levels are the same change")
        for level in self.levels:
            if unknown := {name for case in level.cases.values() for name in case} - self.clean.keys():
                raise ValueError(f"a level has metrics that the clean test lacks: {sorted(unknown)}")
        return self

    def lines(self) -> list[str]:
        """Say what came out, in one line a level and case: rank-1 and mAP in percent, the clean test first."""
        tests = [("clean", self.clean)]
        for level in self.levels:
            name = f"{level.change.curve}, {level.change.level:g}"
            tests += [(f"{name}, {case} changed", metrics) for case, metrics in level.cases.items()]
        return [f"{name}: {_shown(metrics)}" for name, metrics in tests]

    def level_of(self, change: Change) -> Level | None:
        """Return the level of a change, or None where it was not tested."""
        return next((level for level in self.levels if level.change == change), None)


def _shown(metrics: Metrics) -> str:
    wanted = (name for name in metrics if name.endswith(("/rank1", "/map")))
    return ", ".join(f"{name} {100 * metrics[name]:.1f}" for name in wanted)


def read_study(path: Path) -> StudyRecord:
    """Read one record.

    Raises
    ------
    CheckpointError
        The file is not a whole record: cut short, or edited by hand, or no file.
    """
    try:
        return StudyRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise CheckpointError(
            f"{path} is not a whole record of a study; delete that file and test the run again. {error}"
        ) from error


def write_study(record: StudyRecord, path: Path) -> None:
    """Write one record, whole or not at all.

    Raises
    ------
    CheckpointError
        The file cannot be written.
    """
    try:
        write_atomic(path, record.model_dump_json() + "\n")
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {error}; free some space or choose another folder"
        ) from error
