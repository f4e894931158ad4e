"""Gaussian consistency: the two modalities, each described by a diagonal Gaussian, have one distribution."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from xmodal_lite.losses._pairwise import (
    at_least_float32,
    check_labelled,
    check_two,
    group_mean,
    masked_mean,
    partners,
)
from xmodal_lite.losses.moments import moments, safe_sqrt

Kind = Literal["w2", "mean", "kl"]
SMALLEST_STD = 1e-3  # below it the divergence counts a channel as this wide; ours


def gaussian_consistency(
    x: Tensor, y: Tensor, kind: Kind = "w2", labels: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    r"""Distance of the two diagonal Gaussians with the means and standard deviations of two batches.

    - "w2": squared 2-Wasserstein distance :math:`|\mu_x - \mu_y|^2 + |\sigma_x - \sigma_y|^2`;
    - "mean": its first term alone;
    - "kl": symmetric Kullback-Leibler divergence, half the sum of the two directions. No standard deviation counts
      as less than 1e-3 there.

    Parameters
    ----------
    x, y : Tensor
        (n, D) and (m, D) embeddings of modality v and of modality r; n and m may differ. 16-bit ones are taken
        to float32.
    kind : {"w2", "mean", "kl"}
        Which distance.
    labels : (Tensor, Tensor), optional
        (n,) and (m,) identities of x and of y. With them every identity has two Gaussians of its own, and the value is
        the mean over the identities seen in both; "mean" is then the hetero-centre loss.

    Returns
    -------
    Tensor
        Scalar, 0 where the Gaussians are the same. With labels it is 0, with a gradient of 0, where no identity is
        seen in both. One sample alone has a spread of 0. NaN in gives NaN out, for the trainer to report.

    Raises
    ------
    ValueError
        The shapes do not fit, n or m is 0 (one modality is missing), or the kind is unknown.

    Notes
    -----
    Zhang et al., Int. J. Mach. Learn. & Cyber. 2025. Known: a loss that makes the two distributions consistent under a
    Gaussian assumption. Ours: all three distances, the diagonal covariance, and the form per identity.
    """
    check_two(x, y)
    if kind not in ("w2", "mean", "kl"):
        raise ValueError(f"kind is one of 'w2', 'mean' and 'kl' (mmd is a function of its own), got {kind!r}")
    if labels is None:
        return _distance(kind, *moments(x), *moments(y))
    check_labelled(x, labels[0])
    check_labelled(y, labels[1])
    return _per_identity(kind, at_least_float32(torch.cat([x, y])), torch.cat(labels), len(x))


def _per_identity(kind: Kind, both: Tensor, labels: Tensor, in_x: int) -> Tensor:
    modality = (torch.arange(len(both), device=both.device) >= in_x).long()
    mean, leads = group_mean(both, labels, modality)  # (N, D), (N,)
    std = safe_sqrt(group_mean((both - mean).square(), labels, modality)[0])
    partner, found = partners(labels, modality)
    distance = _distance(kind, mean, std, mean.index_select(0, partner), std.index_select(0, partner))  # (N,)
    return masked_mean(distance, found & leads)


def _distance(kind: Kind, mean_x: Tensor, std_x: Tensor, mean_y: Tensor, std_y: Tensor) -> Tensor:
    """Distance of Gaussians (..., D), summed over the channels."""
    gap = (mean_x - mean_y).square()
    if kind == "mean":
        return gap.sum(dim=-1)
    if kind == "w2":
        return (gap + (std_x - std_y).square()).sum(dim=-1)
    p, q = (std.clamp_min(SMALLEST_STD).square() for std in (std_x, std_y))
    # the logarithms of the two directions cancel
    return ((p + gap) / q + (q + gap) / p - 2).sum(dim=-1) / 4
