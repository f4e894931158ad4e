"""One run from end to end: train (or fit) on the split, embed the test samples, evaluate, store the record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list

from xmodal_lite.benchmarks.base import Benchmark, Split
from xmodal_lite.data.memmap import read_rows, to_device
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import SpecError, XmodalError
from xmodal_lite.evaluation import Report
from xmodal_lite.experiments import provenance
from xmodal_lite.experiments.spec import RunRecord, RunSpec
from xmodal_lite.experiments.store import RunStore, calibrate, write_calibration
from xmodal_lite.models import build
from xmodal_lite.models.classical import Classical, build_classical
from xmodal_lite.models.matcher import Matcher
from xmodal_lite.recipe import ClassicalRecipe, Recipe
from xmodal_lite.training import (
    TrainingSet,
    TrainResult,
    draw_seed,
    fit,
    make_accelerator,
    several_processes,
    step_flop,
)
from xmodal_lite.training.memory import AT_TEST, error_if_full

MODEL_DRAW = 2**32 - 1  # the model's first weights use a draw of their own, far from the steps 0, 1, 2, ...


def run(
    spec: RunSpec,
    benchmark: Benchmark,
    store: RunStore,
    *,
    wait: bool = True,
    accelerator: Accelerator | None = None,
) -> RunRecord:
    """Return the record of a run: from the store if it is finished, else by running what is left of it.

    Parameters
    ----------
    spec : RunSpec
        What to run, from `make_spec`.
    benchmark : Benchmark
        The data that the specification names.
    store : RunStore
        Where runs are kept.
    wait : bool
        Wait while another process makes the same run, or raise at once.
    accelerator : Accelerator, optional
        From `make_accelerator`; by default one for the recipe's precision. Of several processes all call this; the
        main one alone holds the run and writes.

    Raises
    ------
    SpecError
        The specification names other data than `benchmark` holds.
    RunBusyError
        Another process holds the run, and `wait` is false.
    CheckpointError, DivergedError, DeviceError
        See `xmodal_lite.training.fit`; the last also where the test does not fit into a GPU.
    """
    if spec.data.partition(":")[2] != benchmark.fingerprint[:12]:
        raise SpecError(
            f"run {spec.hash} is of data {spec.data}, but the data at hand is {benchmark.source}:"
            f"{benchmark.fingerprint[:12]}; give the root that the run was made with, or start a new run"
        )
    _check_size(spec, benchmark)
    if not several_processes() and (finished := store.record(spec)):
        return finished
    if accelerator is None and isinstance(spec.recipe, Recipe):
        accelerator = make_accelerator(spec.recipe.precision)
    found: RunRecord | XmodalError | None = None
    with ExitStack() as held:
        if accelerator is None or accelerator.is_main_process:
            try:
                held.enter_context(store.writing(spec, wait=wait))
                found = store.record(spec)  # another process may have finished it meanwhile
            except XmodalError as error:  # the other processes wait for it
                found = error
        found = _broadcast_from_main(found, accelerator)
        if found is None:
            found = _execute(spec, benchmark, store.folder(spec), accelerator)
            if found is not None:
                store.finish(found)
            found = _broadcast_from_main(found, accelerator)
    if isinstance(found, RunRecord):
        return found
    raise found or RuntimeError(f"run {spec.hash} left no record in the main process")


def train(spec: RunSpec, benchmark: Benchmark, folder: Path | None = None) -> TrainResult:
    """Train the model of a specification; where `folder` has a checkpoint, training resumes from it."""
    recipe = spec.recipe
    _check_size(spec, benchmark)
    if not isinstance(recipe, Recipe):
        raise SpecError(f"method '{spec.method}' has nothing to train; use run()")
    split = benchmark.split(spec.protocol, spec.seed)
    with cpu_threads(recipe.threads):
        return _fit(spec, recipe, benchmark, split, folder, make_accelerator(recipe.precision))[0]


def embed(
    matcher: Matcher, benchmark: Benchmark, rows: np.ndarray, *, batch: int = 256, precision: str = "no"
) -> np.ndarray:
    """Return the embeddings of some rows of a benchmark.

    Parameters
    ----------
    matcher : Matcher
        A trained model.
    benchmark : Benchmark
        Holds the samples and the modality of each.
    rows : (n,) int64
        Row numbers of the benchmark's table.
    batch : int
        Samples a forward pass, and read from the disk at a time.
    precision : {"no", "bf16", "fp16"}
        Automatic mixed precision, as in training.

    Returns
    -------
    (n, D) float32
        In the order of `rows`.
    """

    def of_modality(chosen: np.ndarray, m: int) -> np.ndarray:
        pieces = np.split(chosen, range(batch, len(chosen), batch))
        samples = (read_rows(benchmark.samples, piece) for piece in pieces)  # (batch, C, ...)
        return extract_chunks(matcher, samples, m, precision=precision)  # (n_m, D)

    return _each_modality(benchmark.table.modality[rows], rows, of_modality)


def extract_chunks(
    matcher: Matcher, pieces: Iterable[np.ndarray], modality: int, *, precision: str = "no"
) -> np.ndarray:
    """Return the embeddings (n, D) float32 of samples of one modality, which come in pieces (batch, C, ...)."""
    device = next(matcher.parameters()).device
    kind = torch.float16 if precision == "fp16" else torch.bfloat16
    with torch.inference_mode(), torch.autocast(device.type, kind, enabled=precision != "no"):
        parts = [matcher.embed(to_device(x, device), modality).float().cpu() for x in pieces]
    return torch.cat(parts).numpy()


def _each_modality(
    modality: np.ndarray, items: np.ndarray, embed_one: Callable[[np.ndarray, int], np.ndarray]
) -> np.ndarray:
    """Embed the items of each modality (n,) by themselves, and return the features (n, D) in the order of the items."""
    parts = {int(m): embed_one(items[modality == m], int(m)) for m in np.unique(modality)}
    features = np.empty((len(items), next(iter(parts.values())).shape[1]), dtype=np.float32)
    for m, part in parts.items():
        features[modality == m] = part
    return features


def _broadcast_from_main(
    found: RunRecord | XmodalError | None, accelerator: Accelerator | None
) -> RunRecord | XmodalError | None:
    """Return in every process what the main one has."""
    if accelerator is None or accelerator.num_processes == 1:
        return found
    return broadcast_object_list([found])[0]


def _execute(
    spec: RunSpec, benchmark: Benchmark, folder: Path, accelerator: Accelerator | None
) -> RunRecord | None:
    """Return the record of a run, after what is left to do of it; None in processes that only help to train."""
    recipe = spec.recipe
    split = benchmark.split(spec.protocol, spec.seed)
    with cpu_threads(recipe.threads):
        if isinstance(recipe, ClassicalRecipe):
            return _run_classical(spec, benchmark, split)
        assert accelerator is not None  # `run` has one for every recipe that is trained
        provenance.reset_peak_memory(accelerator.device)
        fitted, flop = _fit(spec, recipe, benchmark, split, folder, accelerator)
        if not accelerator.is_main_process:
            return None
        started = perf_counter()
        precision = accelerator.mixed_precision
        with error_if_full(AT_TEST):
            features = embed(fitted.matcher, benchmark, split.test, precision=precision)
        report = split.evaluate(features)
        losses = {name: value for name, value in fitted.history[-1].items() if name not in ("step", "rate")}
        parameters = sum(p.numel() for p in fitted.matcher.parameters())
        seconds = fitted.seconds + perf_counter() - started
        write_calibration(calibrate(spec, benchmark, split.test, features), folder)
        trained = {
            "precision": precision,
            "processes": accelerator.num_processes,
            "step_flop": flop,
            "steps_per_second": recipe.steps / fitted.seconds,
        }
        return _record(spec, benchmark, report, losses, parameters, seconds, accelerator.device, **trained)


def _check_size(spec: RunSpec, benchmark: Benchmark) -> None:
    """Refuse images that were loaded at another size than the recipe's."""
    size, found = spec.recipe.image_size, benchmark.samples.shape[2:]
    if size is not None and found != size:
        raise SpecError(
            f"the recipe is for images of {size[0]} x {size[1]}, but they were loaded at "
            f"{' x '.join(map(str, found))}; load them with size={size}, or give the run the override 'image_size'"
        )


def _fit(
    spec: RunSpec,
    recipe: Recipe,
    benchmark: Benchmark,
    split: Split,
    folder: Path | None,
    accelerator: Accelerator,
) -> tuple[TrainResult, int]:
    """Return the trained model, and the operations of a step."""
    data = TrainingSet.from_split(benchmark.table, benchmark.samples, split.train, recipe, seed=spec.seed)
    torch.manual_seed(draw_seed(spec.seed, MODEL_DRAW))
    matcher = build(spec.method, dims=benchmark.dims, num_classes=data.num_classes, **recipe.model)
    _refuse_pixels_without_pairs(matcher, benchmark, split)
    flop = step_flop(matcher, data.batch(0))
    own: dict[str, Any] = {"seed": spec.seed, "folder": folder, "owner": spec.hash, "code": provenance.CODE}
    return fit(matcher, data, recipe, accelerator=accelerator, **own), flop


def _refuse_pixels_without_pairs(matcher: Matcher, benchmark: Benchmark, split: Split) -> None:
    """Raise SpecError where a loss compares images pixel by pixel and no pair is aligned: the loss would be 0."""
    if matcher.needs_aligned_pairs and benchmark.dims == 2 and (benchmark.table.pair[split.train] < 0).all():
        raise SpecError(
            f"no two training images of {benchmark.name} are aligned, and the pixel transformation compares aligned "
            "pairs; set model.transform to perceptual"
        )


def fit_classical(spec: RunSpec, benchmark: Benchmark, split: Split) -> Classical:
    """Return a method in closed form, fitted on the pairs that a split trains on."""
    assert isinstance(spec.recipe, ClassicalRecipe)
    model = build_classical(spec.method, **spec.recipe.options)
    model.fit(*(benchmark.samples[rows] for rows in _paired_rows(benchmark.table, split.train)))
    return model


def _run_classical(spec: RunSpec, benchmark: Benchmark, split: Split) -> RunRecord:
    started = perf_counter()
    model = fit_classical(spec, benchmark, split)
    samples = benchmark.samples[split.test]  # (n, C, ...)
    report = split.evaluate(_each_modality(benchmark.table.modality[split.test], samples, model.embed))
    return _record(spec, benchmark, report, {}, 0, perf_counter() - started, torch.device("cpu"))


def _paired_rows(table: SampleTable, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of a v row and an r row, two arrays (n,): all that show one specimen.

    Where nothing is aligned, the first sample of an identity goes with its first in the other modality, and so on.
    """
    frame = pd.DataFrame({"row": rows, "pair": table.pair[rows], "modality": table.modality[rows]})
    keys = ["pair"]
    if (frame.pair < 0).all():
        frame["pair"] = table.identity[rows]
        frame["turn"] = frame.groupby(["pair", "modality"]).cumcount()
        keys.append("turn")
    v, r = (frame[(frame.modality == m) & (frame.pair >= 0)] for m in (0, 1))
    pairs = v.merge(r, on=keys, suffixes=("_v", "_r"))
    return pairs.row_v.to_numpy(), pairs.row_r.to_numpy()


def _record(
    spec: RunSpec,
    benchmark: Benchmark,
    report: Report,
    losses: dict[str, float],
    parameters: int,
    seconds: float,
    device: torch.device,
    **trained: Any,
) -> RunRecord:
    """Return the record of a run; `trained` are the fields that only training fills."""
    return RunRecord(
        spec=spec,
        protocol=report.protocol,
        metrics=dict(report.metrics),
        trials=[dict(trial) for trial in report.trials],
        losses=losses,
        parameters=parameters,
        fingerprint=benchmark.fingerprint,
        code=provenance.CODE,
        commit=provenance.COMMIT,
        versions=provenance.versions(),
        device=provenance.device_name(device),
        threads=torch.get_num_threads(),
        seconds=round(seconds, 2),
        peak_memory_mb=round(provenance.peak_memory_mb(device), 1),
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **trained,
    )


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Use a number of CPU threads here, and give back the number that was set before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
