"""What a run keeps so that its matches can carry a prediction set: how far its test queries were from theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from xmodal_lite.benchmarks import Benchmark
from xmodal_lite.errors import CheckpointError
from xmodal_lite.evaluation import nonconformity
from xmodal_lite.experiments.spec import RunSpec
from xmodal_lite.experiments.store import write_whole

FILE = "calibration.json"


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
        shows its identity. No draw of a gallery and no rule about cameras is applied.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    modalities: tuple[str, str]
    scores: dict[str, list[float]]


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
    write_whole(folder / FILE, calibration.model_dump_json() + "\n")


def read_calibration(folder: Path, owner: str) -> Calibration | None:
    """Read the calibration of a run; None where the run has none.

    Raises
    ------
    CheckpointError
        The file is damaged or belongs to another run than `owner`.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        found = Calibration.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise CheckpointError(
            f"{path} is not a whole calibration; delete that file to match without prediction sets, or make the run "
            f"again. {error}"
        ) from error
    if found.run != owner:
        raise CheckpointError(
            f"{path} belongs to run {found.run}, not to {owner}; put that run's own file there"
        )
    return found
