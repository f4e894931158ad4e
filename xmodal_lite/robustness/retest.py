"""A finished run, tested again on changed samples: nothing is trained, and what is not changed is embedded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import perf_counter

import numpy as np
import torch

from xmodal_lite.benchmarks.base import Benchmark, Split
from xmodal_lite.data.memmap import read_rows
from xmodal_lite.deployment import load_run
from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments import RunRecord, RunStore, provenance
from xmodal_lite.experiments.runner import cpu_threads, extract_chunks, fit_classical
from xmodal_lite.recipe import Recipe
from xmodal_lite.robustness.changes import Change
from xmodal_lite.robustness.records import DIGITS, Case, Level, StudyRecord, read_study, write_study
from xmodal_lite.robustness.studies import AnyChange, check_study
from xmodal_lite.training import make_accelerator

PIECE = 256  # samples that are read, changed and embedded at a time
TOLERANCE = 0.02  # by which a metric may differ from the run's record: another machine rounds differently
CODE = provenance.code_hash((*provenance.DECISIVE, "robustness/*.py", "synthetic/faces/*.py"))

Embed = Callable[[Iterable[np.ndarray], int], np.ndarray]


def retest(
    record: RunRecord,
    benchmark: Benchmark,
    store: RunStore,
    study: str,
    *,
    device: str = "auto",
) -> StudyRecord:
    """Return the record of a study of a finished run, after what is left to test of it.

    Each level is one pass over the test samples of both modalities. With the clean embeddings it gives the cases
    "query", "gallery" and "both" of every direction of the protocol. The record lies in the run's folder, is written
    after each level, and a level that it has is not tested again.

    Parameters
    ----------
    record : RunRecord
        The run; its seed is the seed of the changes, so that all methods with that seed see the same changed samples.
    benchmark : Benchmark
        Its data.
    store : RunStore
        Holds its checkpoint; a method in closed form has none and is fitted again.
    study : str
        One of `xmodal_lite.robustness.study_names()`.
    device : {"auto", "cpu", "cuda"}
        Where to embed.

    Raises
    ------
    SpecError
        The study is unknown, or the run is of other data than `benchmark` holds.
    CheckpointError
        The run's checkpoint or the study's record is damaged, of another run, or of other code; or the clean test does
        not give the metrics of the run's record.
    DeviceError
        The device is unknown or not there.
    """
    spec, path = record.spec, store.folder(record.spec) / f"{study}.json"
    _check_data(record, benchmark)
    changes = check_study(study, benchmark)
    found = stored_study_of(record, study, store)
    if found is not None and not _missing(found, changes):
        return found
    with store.writing(spec), cpu_threads(spec.recipe.threads):
        found = stored_study_of(record, study, store)  # another process may have tested it meanwhile
        if found is not None and found.code != CODE:
            raise CheckpointError(
                f"{path} was begun by other code ({found.code[:12]}, not {CODE[:12]}), and a record is of one; delete "
                "that file to test the run afresh"
            )
        started = perf_counter()
        split = benchmark.split(spec.protocol, spec.seed)
        embed, used = _embedder(record, benchmark, split, store, device)
        sides = _Sides(benchmark, split, embed)
        found = found or _clean(record, sides, study, used)
        seconds = found.seconds
        for change in _missing(found, changes):
            level = Level(change=change, cases=sides.cases(change, spec.seed))
            elapsed = round(seconds + perf_counter() - started, 2)
            found = found.model_copy(update={"levels": (*found.levels, level), "seconds": elapsed})
            write_study(found, path)
    return found


def stored_study_of(record: RunRecord, study: str, store: RunStore) -> StudyRecord | None:
    """Return what is stored of a study of a run, or None.

    Raises
    ------
    CheckpointError
        The record is damaged, or of another run or study.
    """
    path = store.folder(record.spec) / f"{study}.json"
    if not path.exists():
        return None
    found = read_study(path)
    if found.spec != record.spec or found.study != study:
        raise CheckpointError(
            f"{path} is of study '{found.study}' of run {found.spec.hash}, not of '{study}' of {record.spec.hash}; "
            "delete that file and test the run again"
        )
    return found


class _Sides:
    """The clean embeddings of both modalities, and those of a change beside them."""

    def __init__(self, benchmark: Benchmark, split: Split, embed: Embed) -> None:
        self.benchmark, self.split, self.embed = benchmark, split, embed
        self.modality = benchmark.table.modality[split.test]  # (n,)
        self.clean = tuple(embed(self.pieces(m), m) for m in (0, 1))  # (n_v, D), (n_r, D)

    def pieces(self, modality: int, change: Change | None = None, seed: int = 0) -> Iterator[np.ndarray]:
        """Yield the test samples of a modality (k, C, ...), changed where a change is given."""
        rows = self.split.test[self.modality == modality]
        for piece in np.array_split(rows, -(-len(rows) // PIECE)):
            if change is None:
                yield read_rows(self.benchmark.samples, piece)
            else:
                yield change.of(self.benchmark, piece, seed)

    def metrics(self, v: np.ndarray, r: np.ndarray) -> dict[str, float]:
        """Evaluate embeddings of the test samples of both modalities, (n_v, D) and (n_r, D)."""
        features = np.empty((len(self.modality), v.shape[1]), dtype=np.float32)
        features[self.modality == 0], features[self.modality == 1] = v, r
        return {name: round(x, DIGITS) for name, x in self.split.evaluate(features).metrics.items()}

    def cases(self, change: Change, seed: int) -> dict[Case, dict[str, float]]:
        """Test a change of the query, of the gallery and of both, in every direction."""
        changed = {m: self.embed(self.pieces(m, change, seed), m) for m in change.modalities}
        found: dict[Case, dict[str, float]] = {}
        for m in change.modalities:
            sides = [changed[m] if side == m else self.clean[side] for side in (0, 1)]
            for name, value in self.metrics(*sides).items():
                case: Case = "query" if self.query_modality(name) == m else "gallery"
                found.setdefault(case, {})[name] = value
        if len(changed) == 2:
            found["both"] = self.metrics(changed[0], changed[1])
        return found

    def query_modality(self, metric: str) -> int:
        """Return the modality of the queries of a metric's direction."""
        for task in self.split.tasks:
            if metric.startswith(f"{task.direction}/"):
                return int(self.modality[task.queries[0]])
        return 0 if metric.startswith("v2r/") else 1


def _missing(found: StudyRecord, changes: list[AnyChange]) -> list[AnyChange]:
    return [change for change in changes if found.level_of(change) is None]


def _check_data(record: RunRecord, benchmark: Benchmark) -> None:
    if record.fingerprint != benchmark.fingerprint:
        raise SpecError(
            f"run {record.spec.hash} is of data {record.spec.data}, but the data at hand is {benchmark.source}:"
            f"{benchmark.fingerprint[:12]}; give the root that the run was made with"
        )


def _embedder(
    record: RunRecord, benchmark: Benchmark, split: Split, store: RunStore, device: str
) -> tuple[Embed, torch.device]:
    """Return what embeds pieces of samples (k, C, ...) of one modality, and where.

    That is the network of the run, or its method in closed form, fitted again.
    """
    if not isinstance(record.spec.recipe, Recipe):
        model = fit_classical(record.spec, benchmark, split)

        def embed(pieces: Iterable[np.ndarray], modality: int) -> np.ndarray:
            return np.concatenate([model.embed(x, modality) for x in pieces])

        return embed, torch.device("cpu")
    accelerator = make_accelerator(record.precision or "no", device)
    matcher = load_run(store.folder(record.spec)).matcher.to(accelerator.device)
    return partial(extract_chunks, matcher, precision=accelerator.mixed_precision), accelerator.device


def _clean(record: RunRecord, sides: _Sides, study: str, device: torch.device) -> StudyRecord:
    """Start the record of a study with the clean test, which must give what the run's record says."""
    metrics = sides.metrics(*sides.clean)
    apart = {name: abs(value - record.metrics.get(name, -1)) for name, value in metrics.items()}
    worst = max(apart, key=lambda name: apart[name])
    if apart[worst] > TOLERANCE:
        raise CheckpointError(
            f"the clean test of run {record.spec.hash} gives {worst} {metrics[worst]:.4f}, and its record "
            f"{record.metrics.get(worst)}; delete the run's folder and make it again"
        )
    return StudyRecord(
        spec=record.spec,
        study=study,
        protocol=record.protocol,
        clean=metrics,
        fingerprint=record.fingerprint,
        code=CODE,
        run_code=record.code,
        device=provenance.device_name(device),
    )
