"""A finished run, opened again: from its folder in the store, or from the folder that `xmodal export` wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from xmodal_lite.benchmarks.base import shorten
from xmodal_lite.data.spectra import Preparation
from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments.calibration import Calibration, read_calibration
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.store import read_record
from xmodal_lite.models import Matcher, build
from xmodal_lite.training import Recipe
from xmodal_lite.training.checkpoint import Checkpoint, latest_checkpoint, load_checkpoint

WEIGHTS, SUMS = "model.safetensors", "SHA256SUMS"  # of an exported folder


@dataclass(frozen=True, eq=False)
class LoadedRun:
    """What a finished run left behind.

    Attributes
    ----------
    folder : Path
        Where it lies.
    record : RunRecord
        Its record, which holds the specification.
    recipe : Recipe
        Its recipe, as it was when the run was made.
    calibration : Calibration or None
        None for a run that was made before there were calibrations.
    matcher : Matcher
        In evaluation mode, with the weights that were tested, for `embed` alone: all that `embed` does not touch, such
        as classifiers, is as `build` drew it.
    history : list of dict
        The lines of the training log; empty for an exported folder, which has them as a text.
    """

    folder: Path
    record: RunRecord
    recipe: Recipe
    calibration: Calibration | None
    matcher: Matcher
    history: list[dict[str, float]]

    @property
    def exported(self) -> bool:
        """Whether the folder was written by `xmodal export`."""
        return (self.folder / SUMS).exists()

    @property
    def modalities(self) -> tuple[str, str]:
        """Names of modality 0 and 1; "v" and "r" where none are stored."""
        return ("v", "r") if self.calibration is None else self.calibration.modalities


def find_run(run: str | Path, store: str | Path = "runs") -> Path:
    """Return the folder of a run: the folder itself, or the one in a store whose hash begins so.

    Raises
    ------
    CheckpointError
        There is no such folder, or several hashes begin so.
    """
    if Path(run).is_dir():
        return Path(run)
    found = sorted(path for path in Path(store).glob("*") if path.is_dir() and path.name.startswith(str(run)))
    if len(found) == 1:
        return found[0]
    if found:
        raise CheckpointError(
            f"{len(found)} runs in {store} begin with '{run}' ({', '.join(path.name for path in found)}); give more "
            "of the hash"
        )
    raise CheckpointError(
        f"'{run}' is no folder, and no run in {store} begins so; give the folder of a run, or --store and the start "
        "of its hash"
    )


def load_run(folder: Path) -> LoadedRun:
    """Read a finished run and build its model again.

    Parameters
    ----------
    folder : Path
        From `find_run`.

    Raises
    ------
    CheckpointError
        The run is not finished, or a file of it is missing, damaged, altered or of another run.
    SpecError
        Its method has no stored weights, or another version of the package made it.
    """
    if (folder / SUMS).exists():
        _check_sums(folder)  # first of all: another file than was exported is to be fetched, not run, again
    if not (folder / "record.json").exists():
        raise CheckpointError(
            f"{folder} has no record.json, so it is no finished run; run it to the end first"
        )
    record = read_record(folder / "record.json")
    spec = record.spec
    recipe = spec.recipe
    if not isinstance(recipe, Recipe):
        raise SpecError(f"{folder}: '{spec.method}' stores no weights; use a run of a trained method")
    try:
        matcher = build_untrained(spec.method, recipe).eval()
    except ValueError as error:  # of pydantic, too
        raise SpecError(
            f"{folder}: made by another version of xmodal-lite, whose recipes differ. {error}"
        ) from error
    if (folder / SUMS).exists():
        tensors, history = _read_export(folder, spec.hash), []
        if unexpected := sorted(tensors.keys() - embedding_tensors(matcher, recipe).keys()):
            raise CheckpointError(
                f"{folder / WEIGHTS} has tensors that '{spec.method}' has not: {shorten(unexpected)}"
            )
    else:
        checkpoint = _read_checkpoint(folder, spec.hash, recipe.steps)
        prefix = "average." if recipe.ema_decay else "model."
        tensors = {
            name.removeprefix(prefix): x for name, x in checkpoint.model.items() if name.startswith(prefix)
        }
        history = checkpoint.history
    _load(matcher, recipe, tensors, folder)
    return LoadedRun(folder, record, recipe, read_calibration(folder, spec.hash), matcher, history)


def build_untrained(method: str, recipe: Recipe) -> Matcher:
    """Build a recipe's model for embedding: with one class, and without fetching pretrained weights."""
    options: dict[str, Any] = dict(recipe.model)
    if "pretrained" in options:
        options["pretrained"] = False
    return build(method, dims=1 if recipe.image_size is None else 2, num_classes=1, **options)


def sample_shape(recipe: Recipe) -> tuple[int, ...]:
    """Return the shape of one sample: (3, H, W) of an image, (1, L) of a spectrum."""
    return (1, len(Preparation().axis())) if recipe.image_size is None else (3, *recipe.image_size)


def random_samples(recipe: Recipe, count: int) -> Tensor:
    """Return made-up samples (count, C, ...) of a recipe's kind, the same each time."""
    rng = np.random.default_rng(0)
    shape = (count, *sample_shape(recipe))
    if recipe.image_size is None:
        return torch.from_numpy(rng.random(shape, dtype=np.float32))
    return torch.from_numpy(rng.integers(0, 256, shape, dtype=np.uint8))


def embedding_tensors(matcher: Matcher, recipe: Recipe) -> dict[str, Tensor]:
    """Return the parameters and buffers that `embed` touches, of both modalities, by name.

    Found by embedding two samples and noting every tensor that torch is called with: no method has to list its parts.

    Parameters
    ----------
    matcher : Matcher
        On the CPU, in evaluation mode.
    recipe : Recipe
        Tells what a sample is.
    """
    touched, samples = _Touched(), random_samples(recipe, 2)
    with torch.no_grad(), touched:
        for modality in (0, 1):
            matcher.embed(samples, modality)
    kept = matcher.state_dict(
        keep_vars=True
    )  # without what `build` makes by itself, such as the colours' mean
    own = {**dict(matcher.named_parameters()), **dict(matcher.named_buffers())}  # shared ones under one name
    return {name: x.detach() for name, x in own.items() if name in kept and id(x) in touched.ids}


class _Touched(TorchFunctionMode):
    """Notes the identity of every tensor that is an argument of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[int] = set()

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self.ids.update(id(x) for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor))
        return function(*args, **kwargs)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_checkpoint(folder: Path, owner: str, steps: int) -> Checkpoint:
    """Read the last checkpoint of a run, which must be its end."""
    found = latest_checkpoint(folder)
    if found is None:
        raise CheckpointError(
            f"{folder} has neither a checkpoint nor {SUMS}: its weights are gone; remove its record.json and run it "
            "again"
        )
    checkpoint = load_checkpoint(found, owner)
    if checkpoint.step != steps:
        raise CheckpointError(
            f"{found} is of step {checkpoint.step} of {steps}; remove the run's record.json and run it again"
        )
    return checkpoint


def _check_sums(folder: Path) -> None:
    """Refuse an exported folder in which not every file is as it was written."""
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if unlisted := {WEIGHTS, "record.json"} - sums.keys():
        raise CheckpointError(
            f"{folder / SUMS} does not list {shorten(unlisted)}; fetch the whole folder again"
        )
    for name, wanted in sums.items():
        path = folder / name
        if not path.is_file():
            raise CheckpointError(f"{path} is missing, {SUMS} lists it; fetch the whole folder again")
        if sha256(path) != wanted:
            raise CheckpointError(
                f"{path} is not the file that was exported (its SHA-256 differs); fetch it again"
            )


def _read_export(folder: Path, owner: str) -> dict[str, Tensor]:
    """Read the weights of an exported folder."""
    try:
        with safe_open(folder / WEIGHTS, "pt") as file:
            found = (file.metadata() or {}).get("run", "no run")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder / WEIGHTS} is damaged ({error}); fetch it again") from error
    if found != owner:
        raise CheckpointError(
            f"{folder / WEIGHTS} belongs to {found}, not to run {owner}; fetch the folder again"
        )
    return tensors


def _load(matcher: Matcher, recipe: Recipe, tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Copy what `embed` needs into a matcher."""
    needed = embedding_tensors(matcher, recipe)
    if missing := sorted(needed.keys() - tensors.keys()):
        raise CheckpointError(f"{folder}: its weights lack {shorten(missing)}; run or fetch it again")
    for name, own in needed.items():
        if own.shape != tensors[name].shape:
            raise CheckpointError(
                f"{folder}: the weights of {name} have shape {tuple(tensors[name].shape)} where the recipe makes "
                f"{tuple(own.shape)}; run or fetch it again"
            )
        own.copy_(tensors[name])
