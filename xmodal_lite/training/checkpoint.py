"""Checkpoints that are whole or absent: written beside, flushed, then renamed.

A checkpoint is a folder `checkpoint-0000120/` with `model.safetensors` (weights, no code inside), `optimiser.pt`
(read back with `weights_only=True`) and `state.json`. Renaming a folder is one step of the file system, so a kill
or a full disk at any moment leaves the previous checkpoint as it was.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from xmodal_lite.errors import CheckpointError

PREFIX = "checkpoint-"


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a run needs to go on from a step.

    Attributes
    ----------
    step : int
        Number of finished training steps.
    owner : str
        Hash of the run specification that the weights belong to.
    model : Mapping[str, Tensor]
        Weights and buffers by name.
    optimiser : dict
        State of the optimiser, as its `state_dict` gives it.
    history : list of dict
        The log lines so far (step, learning rate, mean of each loss).
    seconds : float
        Training time so far.
    code, precision : str
        Hash of the code that trained, and the precision that it trained in; empty where nobody said.
    """

    step: int
    owner: str
    model: Mapping[str, Tensor]
    optimiser: dict[str, Any]
    history: list[dict[str, float]]
    seconds: float
    code: str = ""
    precision: str = ""


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint below `folder`, then drop the older ones.

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
    partial = folder / f".{target.name}.partial"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _write_files(partial, checkpoint)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    except (
        OSError,
        RuntimeError,
        SafetensorError,
    ) as error:  # torch and safetensors wrap a full disk in their own
        shutil.rmtree(partial, ignore_errors=True)
        if latest_checkpoint(folder):
            kept = "The checkpoint before it is whole: free some space and start the same run again, it goes on there"
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
    """Read a checkpoint and refuse one that belongs to another run, or that cannot be gone on from as it was made.

    Parameters
    ----------
    path : Path
        A folder that `save_checkpoint` made.
    owner : str
        Hash of the run specification that asks for it.
    code, precision : str
        Of who goes on from it: both must be those that it was made by. Empty to read it only.

    Raises
    ------
    CheckpointError
        A file is missing or damaged, or the checkpoint is of another specification, other code or another precision.
    """
    try:
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        model = load_file(path / "model.safetensors")
        optimiser = torch.load(path / "optimizer.pt", weights_only=True, map_location="cpu")
    except Exception as error:  # each of the three readers has its own idea of a damaged file
        raise CheckpointError(
            f"{path} is damaged ({type(error).__name__}: {error}); delete that folder and start the run again"
        ) from error
    if state["owner"] != owner:
        raise CheckpointError(
            f"{path} belongs to run {state['owner']}, not to {owner}: its method, data, recipe or seed differs. "
            "Use another --store, or delete that folder to start afresh."
        )
    found = {name: state.get(name, "") for name in ("code", "precision")}
    if code and found["code"] != code:
        raise CheckpointError(
            f"{path} was made by other code ({found['code'][:12] or 'an older version'}, not {code[:12]}), and a run "
            "is of one; use that version, or delete that folder to start afresh"
        )
    if precision and found["precision"] not in ("", precision):
        used, now = ("float32" if name == "no" else name for name in (found["precision"], precision))
        raise CheckpointError(
            f"{path} was trained in {used}, not in {now} as this device would, and a run is of one; go on where it was "
            "trained, or delete that folder to start afresh"
        )
    return Checkpoint(state["step"], owner, model, optimiser, state["history"], state["seconds"], **found)


def _finished(folder: Path) -> list[Path]:
    """Return the whole checkpoints, oldest first (the step has leading zeros)."""
    return sorted(folder.glob(f"{PREFIX}*"))


def _write_files(folder: Path, checkpoint: Checkpoint) -> None:
    # copies: safetensors refuses tensors that share memory, as those of a layer under two names do
    whole = {
        name: value.to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, value in checkpoint.model.items()
    }
    save_file(whole, folder / "model.safetensors")
    torch.save(checkpoint.optimiser, folder / "optimizer.pt")
    names = ("step", "owner", "history", "seconds", "code", "precision")
    state = {name: getattr(checkpoint, name) for name in names}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    for file in folder.iterdir():
        with file.open("rb+") as handle:
            os.fsync(handle.fileno())
