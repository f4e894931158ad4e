"""An exponential moving average of a model's weights."""

from __future__ import annotations

import copy

import torch

from xmodal_lite.models.matcher import Matcher


class MovingAverage:
    """A copy of a model that follows its weights, and its batch statistics, as an exponential moving average.

    After n steps it keeps min(decay, (n + 1) / (n + 10)) of itself, so that it soon forgets the initial weights.

    Parameters
    ----------
    matcher : Matcher
        The model to follow, already on its device.
    decay : float
        Share of the average that a step keeps.
    """

    def __init__(self, matcher: Matcher, decay: float) -> None:
        self.matcher = copy.deepcopy(matcher).requires_grad_(False)
        self._decay = decay
        self._own, self._theirs = (
            # torch hands these out once each, where a state_dict has a shared layer under every name
            [x.detach() for x in (*model.parameters(), *model.buffers()) if x.is_floating_point()]
            for model in (self.matcher, matcher)
        )

    def update(self, step: int) -> None:
        """Follow the model after a step, counted from 0."""
        if step == 0:  # what starts as NaN, such as MUN's prototypes, is taken over
            for own, theirs in zip(self._own, self._theirs, strict=True):
                own.copy_(torch.where(own.isnan(), theirs, own))
        keep = min(self._decay, (step + 1) / (step + 10))
        torch._foreach_lerp_(self._own, self._theirs, 1 - keep)
