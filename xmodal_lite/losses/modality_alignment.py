"""MUN's modality alignment loss: v and r meet at the prototype of the auxiliary modality, which time accumulates."""

from __future__ import annotations

import torch
from torch import Tensor

from xmodal_lite.losses.moments import moments


def modality_alignment(f_v: Tensor, f_r: Tensor, prototype_mean: Tensor, prototype_std: Tensor) -> Tensor:
    r"""Squared distance of both modalities' mean and standard deviation to those of the auxiliary modality.

    .. math:: \sum_{m \in \{v, r\}} |\mathrm{mean}(f^m) - q|^2 + |\mathrm{std}(f^m) - s|^2

    with the prototype (q, s) of the auxiliary modality held fixed; `xmodal_lite.models.prototype` keeps it up to date.

    Parameters
    ----------
    f_v, f_r : Tensor
        (n, D) and (m, D) features of modality v and of modality r, as long as those that made the prototype: MUN
        normalises all of them.
    prototype_mean, prototype_std : Tensor
        (D,) q and s; no gradient goes to them.

    Returns
    -------
    Tensor
        Scalar, 0 where both modalities have the prototype's mean and spread. NaN in gives NaN out, for the trainer to
        report.

    Raises
    ------
    ValueError
        The shapes do not fit, or n or m is 0 (one modality is missing).

    Notes
    -----
    MUN: Yu et al., ICCV 2023. Known: modality prototypes bring the distributions of v and r together. Second hand:
    accumulation over time, and the auxiliary modality as the bridge. Ours: mean and spread as what is compared, and
    the squared distance.
    """
    total = torch.zeros((), dtype=f_v.dtype, device=f_v.device)
    for features in (f_v, f_r):
        mean, std = moments(features)
        if not mean.shape == prototype_mean.shape == prototype_std.shape:
            raise ValueError(
                f"need a prototype with mean and std ({len(mean)},), as wide as the features, got "
                f"{tuple(prototype_mean.shape)} and {tuple(prototype_std.shape)}"
            )
        total = total + (mean - prototype_mean.detach()).square().sum()
        total = total + (std - prototype_std.detach()).square().sum()
    return total
