"""Checkpoints that are whole or absent: written beside, flushed, renamed, and checked by SHA-256 before they are read.

A checkpoint is a folder `checkpoint-0000120/` with `model.safetensors` (weights), `optimizer.safetensors` (state of the
optimizer) and `state.json` (all else, the checksums of the other two, and one of itself). No file holds code.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn, Self

import torch
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveInt, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from xmodal_lite.errors import CheckpointError
from xmodal_lite.files import atomic_folder, sha256

PREFIX = "checkpoint-"
STATE, MODEL, OPTIMIZER = "state.json", "model.safetensors", "optimizer.safetensors"
OptimizerState = Mapping[int, Mapping[str, Tensor]]  # by number of the parameter, then by name


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a run needs to resume from a step.

    Attributes
    ----------
    step : int
        Number of finished training steps.
    owner : str
        Hash of the run specification that the weights belong to.
    model : Mapping[str, Tensor]
        Weights and buffers by name.
    optimizer : Mapping[int, Mapping[str, Tensor]]
        "state" of the optimizer's `state_dict`.
    history : list of dict
        The log lines so far (step, learning rate, mean of each loss).
    seconds : float
        Training time so far.
    code, precision : str
        Hash of the code that trained, and the precision that it trained in; empty where not given.
    scaler : Mapping[str, float]
        State of the gradient scaler of fp16; empty without one.
    """

    step: int
    owner: str
    model: Mapping[str, Tensor]
    optimizer: OptimizerState
    history: list[dict[str, float]]
    seconds: float
    code: str = ""
    precision: str = ""
    scaler: Mapping[str, float] = field(default_factory=dict)


class _State(BaseModel):
    """What `state.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    step: PositiveInt
    owner: str
    history: list[dict[str, float]]
    seconds: NonNegativeFloat
    code: str
    precision: Literal["", "no", "bf16", "fp16"]
    scaler: dict[str, int | float]
    sha256: dict[Literal["model.safetensors", "optimizer.safetensors"], str]

    @model_validator(mode="after")
    def _steps_of_history_rise(self) -> Self:
        steps = [line.get("step", 0.0) for line in self.history]
        if any(after <= before for before, after in zip([0.0, *steps], steps, strict=False)):
            raise ValueError("the steps of its history do not rise")
        if steps and steps[-1] > self.step:
            raise ValueError(f"its history goes to step {steps[-1]:.0f}, and it is of step {self.step}")
        return self


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint below `folder`, then remove the older ones.

    Parameters
    ----------
    folder : Path
        The run's folder; made when missing.
    checkpoint : Checkpoint
        What to keep.

    Returns
    -------
    Path
        The folder of the new checkpoint.

    Raises
    ------
    CheckpointError
        The disk is full or read-only. The previous checkpoint is still whole.
    """
    target = folder / f"{PREFIX}{checkpoint.step:07d}"
    try:
        shutil.rmtree(target, ignore_errors=True)
        with atomic_folder(target) as partial:
            _write_files(partial, checkpoint)
    except (
        OSError,
        RuntimeError,
        SafetensorError,
    ) as error:  # torch and safetensors have their own for a full disk
        if latest_checkpoint(folder):
            kept = "The checkpoint before it is whole: free some space and start the same run again, it resumes there"
        else:
            kept = (
                "There is none before it: free some space, or choose another --store, and start the run again"
            )
        raise CheckpointError(f"could not write {target}: {error}. {kept}") from error
    for old in _finished(folder):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)
    return target


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint below `folder`, or None."""
    found = _finished(folder)
    return found[-1] if found else None


def load_checkpoint(path: Path, owner: str, *, code: str = "", precision: str = "") -> Checkpoint:
    """Read a checkpoint and refuse one that is damaged, belongs to another run, or cannot be resumed as it was made.

    Parameters
    ----------
    path : Path
        A folder that `save_checkpoint` made.
    owner : str
        Hash of the run specification that asks for it.
    code, precision : str
        Of who resumes from it: both must be those that it was made by. Empty to read it only.

    Raises
    ------
    CheckpointError
        A file is missing, damaged or changed, the checkpoint has no checksum (it is of an older version), or it is of
        another specification, other code or another precision.
    """
    state = _read_state(path)
    _refuse_another(path, state, owner, code, precision)
    try:
        for file, wanted in state.sha256.items():
            if sha256(path / file) != wanted:
                _damaged(path, f"{file} is not the file that was written: its SHA-256 differs")
        model, flat = load_file(path / MODEL), load_file(path / OPTIMIZER)
        optimizer: dict[int, dict[str, Tensor]] = {}
        for key, value in flat.items():
            number, _, name = key.partition(".")
            optimizer.setdefault(int(number), {})[name] = value
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        _damaged(path, f"{type(error).__name__}: {error}", error)
    return Checkpoint(
        state.step,
        owner,
        model,
        optimizer,
        state.history,
        state.seconds,
        state.code,
        state.precision,
        state.scaler,
    )


def _read_state(path: Path) -> _State:
    """Return what `state.json` holds, once its checksum and its step are right."""
    try:
        found: dict[str, Any] = json.loads((path / STATE).read_text(encoding="utf-8"))
        wanted = found.pop("checksum", None)
        digest = _digest(found)
    except (OSError, ValueError, RecursionError, AttributeError, TypeError) as error:
        _damaged(path, f"{STATE}: {type(error).__name__}: {error}", error)
    if wanted is None:
        raise CheckpointError(
            f"{path} has no checksum, so an older version of xmodal-lite made it; use that version, or delete that "
            "folder and start the run again"
        )
    if wanted != digest:
        _damaged(path, f"{STATE} is not the file that was written: its SHA-256 differs")
    try:
        state = _State.model_validate(found)
    except (ValidationError, RecursionError) as error:
        _damaged(path, f"{STATE}: {error}", error)
    if path.name != f"{PREFIX}{state.step:07d}":
        _damaged(path, f"it holds step {state.step}")
    if len(state.sha256) < 2:
        _damaged(path, f"{STATE} lists no checksum of {MODEL} or of {OPTIMIZER}")
    return state


def _refuse_another(path: Path, state: _State, owner: str, code: str, precision: str) -> None:
    """Refuse the checkpoint of another run, of other code or of another precision."""
    if state.owner != owner:
        raise CheckpointError(
            f"{path} belongs to run {state.owner}, not to {owner}: its method, data, recipe or seed differs. "
            "Use another --store, or delete that folder to start afresh."
        )
    if code and state.code != code:
        raise CheckpointError(
            f"{path} was made by other code ({state.code[:12] or 'not known which'}, not {code[:12]}), and a run is of "
            "one; use that version, or delete that folder to start afresh"
        )
    if precision and state.precision not in ("", precision):
        used, now = ("float32" if name == "no" else name for name in (state.precision, precision))
        raise CheckpointError(
            f"{path} was trained in {used}, not in {now} as this device would, and a run is of one; resume where it "
            "was trained, or delete that folder to start afresh"
        )


def _finished(folder: Path) -> list[Path]:
    """Return the whole checkpoints, oldest first (the step has leading zeros)."""
    return sorted(folder.glob(f"{PREFIX}*"))


def _write_files(folder: Path, checkpoint: Checkpoint) -> None:
    flat = {f"{n}.{name}": x for n, kept in checkpoint.optimizer.items() for name, x in kept.items()}
    for file, tensors in ((MODEL, checkpoint.model), (OPTIMIZER, flat)):
        # copies: safetensors refuses tensors that share memory, as those of a layer under two names do
        whole = {
            name: value.to("cpu", copy=True, memory_format=torch.contiguous_format)
            for name, value in tensors.items()
        }
        save_file(whole, folder / file)
    names = ("step", "owner", "history", "seconds", "code", "precision", "scaler")
    state = {name: getattr(checkpoint, name) for name in names}
    state["sha256"] = {file: sha256(folder / file) for file in (MODEL, OPTIMIZER)}
    text = json.dumps(state | {"checksum": _digest(state)})
    (folder / STATE).write_text(text, encoding="utf-8")


def _digest(state: dict[str, Any]) -> str:
    """Return the SHA-256 of what `state.json` holds, in an order that does not depend on the file."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _damaged(path: Path, why: str, error: Exception | None = None) -> NoReturn:
    raise CheckpointError(f"{path} is damaged ({why}); delete that folder and start the run again") from error
