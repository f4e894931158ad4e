"""The state of a training between two steps, and how a checkpoint is made of it and restored into it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import torch
from accelerate import Accelerator
from torch import Tensor

from xmodal_lite.errors import CheckpointError
from xmodal_lite.models.matcher import Matcher
from xmodal_lite.recipe import Recipe
from xmodal_lite.training.checkpoint import Checkpoint, OptimizerState
from xmodal_lite.training.ema import MovingAverage
from xmodal_lite.training.optimizer import make_optimizer

KEPT = {
    "adamw": {"step", "exp_avg", "exp_avg_sq"},
    "sgd": {"momentum_buffer"},
}  # by optimizer, of each parameter


class TrainState:
    """A model, its moving average and its optimizer.

    Parameters
    ----------
    matcher : Matcher
        On its device.
    recipe : Recipe
        Gives the average and the optimizer.
    accelerator : Accelerator
        Gives the precision, and the gradient scaler of fp16.
    """

    def __init__(self, matcher: Matcher, recipe: Recipe, accelerator: Accelerator) -> None:
        self.matcher, self.recipe, self.accelerator = matcher, recipe, accelerator
        self.optimizer: torch.optim.Optimizer = make_optimizer(matcher, recipe)
        self.average = MovingAverage(matcher, recipe.ema_decay) if recipe.ema_decay else None

    @property
    def tested(self) -> Matcher:
        """The model that is tested: the average, where the recipe has one."""
        return self.matcher if self.average is None else self.average.matcher

    def checkpoint(
        self, step: int, owner: str, code: str, history: list[dict[str, float]], seconds: float
    ) -> Checkpoint:
        """Return the state after so many steps; see `Checkpoint`."""
        scaler = self.accelerator.scaler
        return Checkpoint(
            step,
            owner,
            self._tensors(),
            {
                number: {name: x for name, x in kept.items() if x is not None}
                for number, kept in self.optimizer.state_dict()["state"].items()
            },
            history,
            seconds,
            code,
            self.accelerator.mixed_precision,
            {} if scaler is None else scaler.state_dict(),
        )

    def restore(self, path: Path, checkpoint: Checkpoint) -> None:
        """Take the state of a checkpoint, which was read from `path`.

        Raises
        ------
        CheckpointError
            A tensor is missing, unknown, or of another shape or type; or the checkpoint has more steps than the recipe.
        """
        if checkpoint.step > self.recipe.steps:
            _unusable(path, f"it is of step {checkpoint.step}, and the run has {self.recipe.steps}")
        _check_tensors(path, checkpoint.model, self._tensors())
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        names, scaler = KEPT[self.recipe.optimizer], self.accelerator.scaler
        if checkpoint.optimizer or not checkpoint.scaler:  # fp16 may have skipped all steps so far
            _check_optimizer(path, checkpoint.optimizer, parameters, names, checkpoint.step)
        if checkpoint.scaler.keys() != ({} if scaler is None else scaler.state_dict()).keys():
            _unusable(path, "its gradient scaler is another one")
        self.matcher.load_state_dict(_part(checkpoint, "model."))
        if self.average is not None:
            self.average.matcher.load_state_dict(_part(checkpoint, "average."))
        groups = self.optimizer.state_dict()["param_groups"]  # their settings are the recipe's
        self.optimizer.load_state_dict({"state": checkpoint.optimizer, "param_groups": groups})
        if scaler is not None:
            scaler.load_state_dict(dict(checkpoint.scaler))

    def _tensors(self) -> dict[str, Tensor]:
        """Return all weights and buffers, of the model and of its average."""
        found = {f"model.{name}": value for name, value in self.matcher.state_dict().items()}
        if self.average is not None:
            found |= {f"average.{name}": value for name, value in self.average.matcher.state_dict().items()}
        return found


def _part(checkpoint: Checkpoint, prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin so, by the rest of the name."""
    return {name.removeprefix(prefix): x for name, x in checkpoint.model.items() if name.startswith(prefix)}


def _check_tensors(path: Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Refuse tensors of other names, shapes or types than those that a model has.

    Raises
    ------
    CheckpointError
        The message names the checkpoint and the tensor.
    """
    for names, what in (
        (expected.keys() - found.keys(), "lacks"),
        (found.keys() - expected.keys(), "has an unknown"),
    ):
        if names:
            _unusable(path, f"it {what} {sorted(names)[0]}")
    for name, own in expected.items():
        other = found[name]
        if (other.shape, other.dtype) != (own.shape, own.dtype):
            _unusable(path, f"{name} is {_described(other)} where the recipe makes {_described(own)}")


def _check_optimizer(
    path: Path, state: OptimizerState, parameters: list[torch.nn.Parameter], names: set[str], step: int
) -> None:
    """Refuse the state of an optimizer that no training of these parameters could have left.

    Parameters
    ----------
    path : Path
        Of the checkpoint, for the message.
    state : Mapping[int, Mapping[str, Tensor]]
        What was read.
    parameters : list of Parameter
        In the optimizer's order.
    names : set of str
        What this kind of optimizer keeps of each parameter.
    step : int
        Finished steps of the checkpoint.

    Raises
    ------
    CheckpointError
        The state is empty, names another parameter, or a tensor has another name, shape, type or number of steps.
    """
    if not state:
        _unusable(path, "the state of its optimizer is empty")
    for number, kept in state.items():
        if number not in range(len(parameters)) or kept.keys() != names:
            _unusable(
                path,
                f"its optimizer keeps {', '.join(sorted(kept))} of parameter {number}, which is not there",
            )
        for name, value in kept.items():
            own = torch.zeros((), dtype=torch.float32) if name == "step" else parameters[number]
            if (value.shape, value.dtype) != (own.shape, own.dtype):
                _unusable(path, f"{name} of parameter {number} is {_described(value)}, not {_described(own)}")
        if "step" in kept and not 1 <= kept["step"].item() <= step:
            _unusable(path, f"its optimizer has made {kept['step'].item():g} of {step} steps")


def _described(x: Tensor) -> str:
    return f"{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)}"


def _unusable(path: Path, why: str) -> NoReturn:
    raise CheckpointError(f"{path} does not fit this run: {why}; delete that folder and start the run again")
