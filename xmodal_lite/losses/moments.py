"""Mean and standard deviation of a batch of features: the diagonal Gaussian that describes it."""

from __future__ import annotations

import torch
from torch import Tensor

from xmodal_lite.losses._pairwise import at_least_float32


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the standard deviation of features over the batch, each channel apart.

    Parameters
    ----------
    features : Tensor
        (N, D); 16-bit ones are taken to float32.

    Returns
    -------
    mean, std : Tensor
        (D,) each. The maximum-likelihood estimate: squares are divided by N, so one sample alone has a spread of 0.

    Raises
    ------
    ValueError
        The shape is not (N, D), or N is 0.
    """
    if features.ndim != 2 or len(features) == 0:
        raise ValueError(f"need features (N, D) with N > 0, got {tuple(features.shape)}")
    features = at_least_float32(features)
    mean = features.mean(dim=0)
    return mean, safe_sqrt((features - mean).square().mean(dim=0))


def safe_sqrt(variance: Tensor) -> Tensor:
    """Return the square safe_sqrt; where the variance is 0 its gradient is 0, not infinite."""
    return variance.clamp_min(torch.finfo(variance.dtype).tiny).sqrt()
