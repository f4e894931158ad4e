"""Adversarial loss by gradient reversal: one backward pass trains both sides."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def adversarial(scores_v: Tensor, scores_r: Tensor) -> Tensor:
    """Binary cross-entropy of a discriminator that tells what came from v from what came from r.

    Put `reverse_gradient` between the generator and the discriminator: then minimising this value trains the
    discriminator to tell them apart and the generator to make that impossible, in one step.

    Parameters
    ----------
    scores_v, scores_r : Tensor
        Logits of any shape, one per patch; high means "from v".

    Returns
    -------
    Tensor
        Scalar; log 2 where the discriminator can only guess.

    Raises
    ------
    ValueError
        One of them is empty.

    Notes
    -----
    The gradient reversal of Ganin et al., JMLR 2016, section 4.2. Its use here is ours.
    """
    if scores_v.numel() == 0 or scores_r.numel() == 0:
        raise ValueError("the adversarial loss needs scores of both modalities")
    real = functional.binary_cross_entropy_with_logits(scores_v, torch.ones_like(scores_v))
    other = functional.binary_cross_entropy_with_logits(scores_r, torch.zeros_like(scores_r))
    return (real + other) / 2


def reverse_gradient(x: Tensor) -> Tensor:
    """Return x unchanged; on the way back the gradient changes its sign."""
    return _Reverse.apply(x)


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return -grads[0]
