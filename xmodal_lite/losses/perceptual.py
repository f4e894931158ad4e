"""Perceptual loss: two samples are alike when a network sees them alike."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def perceptual(a: Tensor, b: Tensor) -> Tensor:
    """One minus the mean cosine of corresponding features.

    Parameters
    ----------
    a, b : Tensor
        (N, D) features of corresponding samples, from a network whose weights take no gradient.

    Returns
    -------
    Tensor
        Scalar between 0 (same direction) and 2. A feature of length 0 counts as unlike, 1.

    Raises
    ------
    ValueError
        The shapes differ, or there is no sample.

    Notes
    -----
    The paper names a perceptual loss (Niu et al. 2024); which network and which distance are ours.
    """
    if a.ndim != 2 or a.shape != b.shape or len(a) == 0:
        raise ValueError(
            f"need two equal shapes (N, D) with N > 0, got {tuple(a.shape)} and {tuple(b.shape)}"
        )
    return 1 - functional.cosine_similarity(a, b, dim=1).mean()
