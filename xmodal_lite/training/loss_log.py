"""The training log, and the error for the first number in it that is not finite."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from torch import Tensor

from xmodal_lite.errors import XmodalError
from xmodal_lite.models.matcher import Matcher


class DivergedError(XmodalError, ArithmeticError):
    """A loss or a weight became infinite or not a number; the message says at which step and which one."""


class LossLog:
    """Keeps the losses on the device until a line is due, so that a step never waits for the host.

    Parameters
    ----------
    lines : list of dict
        The lines so far; new ones are appended.
    kept : int
        Step of the last checkpoint, 0 without one.
    """

    def __init__(self, lines: list[dict[str, float]], kept: int) -> None:
        self.lines, self.kept = lines, kept
        self._steps: list[int] = []
        self._terms: list[Tensor] = []  # each (number of losses,)
        self._names: list[str] = []

    def add(self, step: int, terms: dict[str, Tensor]) -> None:
        """Note the losses of a step, counted from 0."""
        self._names = list(terms)
        self._steps.append(step)
        self._terms.append(torch.stack([term.float() for term in terms.values()]))

    def flush(self, lr: float, accelerator: Accelerator) -> dict[str, float]:
        """Append a line with the mean of each loss since the line before, and return it.

        Raises
        ------
        DivergedError
            A loss is infinite or not a number.
        """
        values = torch.stack(self._terms)  # (steps since the last line, losses)
        if accelerator.num_processes > 1:  # a loss may be of each process's own samples
            values = accelerator.reduce(values, "mean")
        values = values.cpu()
        self._refuse_non_finite(values)
        means = dict(zip(self._names, values.mean(dim=0).tolist(), strict=True))
        line = {"step": float(self._steps[-1] + 1), "rate": lr, **means}
        self.lines.append(line)
        self._steps, self._terms = [], []
        return line

    def _refuse_non_finite(self, values: Tensor) -> None:
        bad = (~values.isfinite()).nonzero()
        if len(bad):
            row, column = bad[0].tolist()
            raise _diverged(
                f"loss '{self._names[column]}' is {values[row, column]} at step {self._steps[row]}",
                self.kept,
                "Lower lr or the weight of that loss.",
            )


def refuse_non_finite_weights(matcher: Matcher, step: int, kept: int) -> None:
    """Refuse a weight that is infinite or not a number after a step; asks the device once.

    Raises
    ------
    DivergedError
        The message names the weight and the step.
    """
    names, parameters = zip(*matcher.named_parameters(), strict=True)
    finite = torch.stack([parameter.isfinite().all() for parameter in parameters]).tolist()
    if not all(finite):
        name = names[finite.index(False)]
        raise _diverged(f"after step {step} '{name}' holds numbers that are not finite", kept, "Lower lr.")


def _diverged(what: str, kept: int, advice: str) -> DivergedError:
    """Return the error; `kept` is the step of the last checkpoint, 0 where there is none."""
    left = "The last checkpoint is from before it" if kept else "There is no checkpoint from before it"
    return DivergedError(f"{what}. {left}. {advice}")
