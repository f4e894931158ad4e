"""Maximum mean discrepancy: two samples come from one distribution when no smooth function tells them apart."""

from __future__ import annotations

import torch
from torch import Tensor

from xmodal_lite.losses._pairwise import at_least_float32, check_two, distances


def mmd(x: Tensor, y: Tensor, kernels: int = 5) -> Tensor:
    r"""Squared maximum mean discrepancy under the mean of several Gaussian kernels.

    .. math:: \overline{k(x, x')} + \overline{k(y, y')} - 2\, \overline{k(x, y)}, \quad
              k(a, b) = \frac{1}{S} \sum_{s=1}^{S} \exp(-|a - b|^2 / (2^{s - (S + 1) / 2}\, h)),

    with h the median of the squared distances of all pairs of different points of x and y together. No gradient
    goes through h. Bars are means over all pairs, a point with itself included, so that the value is not negative.

    Parameters
    ----------
    x, y : Tensor
        (n, D) and (m, D) embeddings of modality v and of modality r; n and m may differ. 16-bit ones are taken
        to float32.
    kernels : int
        Number S of kernels; neighbours differ by a factor of 2 in their squared width.

    Returns
    -------
    Tensor
        Scalar between 0 (the same points) and 2. NaN in gives NaN out, for the trainer to report.

    Raises
    ------
    ValueError
        The shapes do not fit, n or m is 0, or there is no kernel.

    Notes
    -----
    Gretton et al., JMLR 2012, eq. 5 (the biased estimate) and section 8 (the median); several kernels as Long et al.,
    Deep Adaptation Networks, ICML 2015. The factors, and the mean over kernels rather than a sum, are ours.
    """
    check_two(x, y)
    if kernels < 1:
        raise ValueError(f"need one kernel or more, got kernels={kernels}")
    both = at_least_float32(torch.cat([x, y]))  # (n + m, D)
    squares = distances(both).square()
    row, column = torch.triu_indices(len(both), len(both), 1, device=both.device)
    width = squares.detach()[row, column].median().clamp_min(1e-30)
    powers = [2.0 ** (s - (kernels - 1) / 2) for s in range(kernels)]
    kernel = torch.stack([(-squares / (power * width)).exp() for power in powers]).mean(dim=0)
    n = len(x)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
