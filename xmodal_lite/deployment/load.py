"""Load a finished run: from its folder in the store, or from the folder that `xmodal export` wrote."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from xmodal_lite.benchmarks.base import shorten
from xmodal_lite.data.kinds import kind_of
from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments.spec import HASH_LENGTH, RunRecord
from xmodal_lite.experiments.store import (
    CALIBRATION,
    RECORD,
    Calibration,
    check_owner,
    read_calibration,
    read_record,
)
from xmodal_lite.files import sha256
from xmodal_lite.models import build
from xmodal_lite.models.matcher import Matcher
from xmodal_lite.recipe import Recipe
from xmodal_lite.training.checkpoint import Checkpoint, latest_checkpoint, load_checkpoint

WEIGHTS, SUMS = "model.safetensors", "SHA256SUMS"  # of an exported folder
RUN_FOLDER = re.compile(f"[0-9a-f]{{{HASH_LENGTH}}}")  # how a store names the folder of a run


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
    if os.path.isdir(run):  # which is False, too, for a name longer than the file system takes
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
    exported = (folder / SUMS).exists()
    if exported:
        _check_sums(folder)  # before anything else: a file that was altered is to be fetched, not run, again
    record = _read_record(folder)
    spec, recipe = record.spec, record.spec.recipe
    if not isinstance(recipe, Recipe):
        raise SpecError(f"{folder}: '{spec.method}' stores no weights; use a run of a trained method")
    try:
        matcher = build_untrained(spec.method, recipe).eval()
    except ValueError as error:  # of pydantic, too
        raise SpecError(
            f"{folder}: made by another version of xmodal-lite, whose recipes differ. {error}"
        ) from error
    if exported:
        tensors, history = _read_export(folder, spec.hash), []
        if unexpected := sorted(tensors.keys() - embedding_tensors(matcher).keys()):
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
    _load(matcher, tensors, folder)
    return LoadedRun(folder, record, recipe, read_calibration(folder, spec.hash), matcher, history)


def build_untrained(method: str, recipe: Recipe) -> Matcher:
    """Build a recipe's model for embedding: with one class, and without fetching pretrained weights."""
    options: dict[str, Any] = dict(recipe.model)
    if "pretrained" in options:
        options["pretrained"] = False
    return build(method, dims=kind_of(recipe.image_size).dims, num_classes=1, **options)


def random_samples(recipe: Recipe, count: int) -> Tensor:
    """Return made-up samples (count, C, ...) of a recipe's kind, the same each time."""
    return torch.from_numpy(kind_of(recipe.image_size).random(count))


def embedding_tensors(matcher: Matcher) -> dict[str, Tensor]:
    """Return the parameters and buffers that `embed` needs, by name: all but those of `Matcher.training_only`.

    The counters of batch normalisation are left out, as no model reads them.
    """
    kept = matcher.state_dict()  # without what `build` makes by itself, such as the colours' mean
    own = {**dict(matcher.named_parameters()), **dict(matcher.named_buffers())}  # shared ones under one name
    return {
        name: x.detach()
        for name, x in own.items()
        if name in kept
        and name.partition(".")[0] not in matcher.training_only
        and not name.endswith(".num_batches_tracked")
    }


def _read_record(folder: Path) -> RunRecord:
    """Read the record of a finished run; a folder of a store is named by the run's hash."""
    path = folder / RECORD
    if not path.exists():
        raise CheckpointError(f"{folder} has no {RECORD}, so it is no finished run; run it to the end first")
    record = read_record(path)
    if RUN_FOLDER.fullmatch(folder.name):
        check_owner(record, folder.name, path)
    return record


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
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{folder / SUMS} cannot be read ({error}); fetch the whole folder again"
        ) from error
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    needed = {WEIGHTS, RECORD} | {name for name in (CALIBRATION,) if (folder / name).exists()}
    if unlisted := needed - sums.keys():
        raise CheckpointError(
            f"{folder / SUMS} does not list {shorten(unlisted)}; fetch the whole folder again"
        )
    if outside := [name for name in sums if Path(name).name != name]:
        raise CheckpointError(
            f"{folder / SUMS} lists files of other folders: {shorten(outside)}; fetch it again"
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


def _load(matcher: Matcher, tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Copy what `embed` needs into a matcher."""
    needed = embedding_tensors(matcher)
    if missing := sorted(needed.keys() - tensors.keys()):
        raise CheckpointError(f"{folder}: its weights lack {shorten(missing)}; run or fetch it again")
    for name, own in needed.items():
        found = tensors[name]
        if (own.shape, own.dtype) != (found.shape, found.dtype):
            raise CheckpointError(
                f"{folder}: the weights of {name} have shape {tuple(found.shape)} and type {found.dtype} where the "
                f"recipe makes {tuple(own.shape)} and {own.dtype}; run or fetch it again"
            )
        own.copy_(found)
