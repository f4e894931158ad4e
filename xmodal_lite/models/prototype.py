"""The prototype of a modality: mean and spread of its features, which time accumulates."""

from __future__ import annotations

import torch
from torch import Tensor

from xmodal_lite.losses import moments


@torch.no_grad()
def update_prototype(
    prototype_mean: Tensor, prototype_std: Tensor, features: Tensor, momentum: float = 0.9
) -> None:
    r"""Move a prototype a step towards a batch, in place: :math:`q \leftarrow 0.9\, q + 0.1\, \mathrm{mean}(f)`.

    Parameters
    ----------
    prototype_mean, prototype_std : Tensor
        (D,) buffers of the model. Fill them with NaN to begin with: the first batch then sets them, instead of a zero
        that no batch was ever near.
    features : Tensor
        (N, D) a batch of that modality; it takes no gradient from here.
    momentum : float
        Share of the prototype that stays.

    Raises
    ------
    ValueError
        The shapes do not fit, or N is 0.

    Notes
    -----
    MUN, second hand: prototypes by accumulation over time. The momentum, the start and the spread are ours.
    """
    for prototype, value in zip((prototype_mean, prototype_std), moments(features), strict=True):
        if prototype.shape != value.shape:
            raise ValueError(
                f"need a prototype ({len(value)},), as wide as the features, got {tuple(prototype.shape)}"
            )
        moved = momentum * prototype + (1 - momentum) * value
        prototype.copy_(torch.where(prototype.isnan(), value, moved))
