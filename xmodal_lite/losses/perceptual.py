"""Perceptual loss: two samples are alike when a network sees them alike."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from xmodal_lite.losses._pairwise import check_labelled, group_mean


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


def perceptual_transformation(a: Tensor, b: Tensor, labels: Tensor) -> Tensor:
    """One minus the mean cosine of two views of each identity, where no sample of one is a sample of the other.

    People move between two cameras, so a translated image has no aligned partner to be compared with point by point.
    On average, an identity's translated images should look like its images in the other modality.

    Parameters
    ----------
    a, b : Tensor
        (N, D) features of translated samples, and of samples in the target modality, from a network whose weights take
        no gradient.
    labels : Tensor
        (N,) identity of row i of both.

    Returns
    -------
    Tensor
        Scalar between 0 and 2: the perceptual loss of the means over each identity, which weighs as its rows.

    Raises
    ------
    ValueError
        The shapes do not fit, or there is no sample.

    Notes
    -----
    Ours, for the cross-modality transformation that the paper names (Niu et al. 2024).
    """
    check_labelled(a, labels)
    check_labelled(b, labels)
    one = torch.zeros_like(labels)  # a group is an identity
    return perceptual(*(group_mean(x, labels, one)[0] for x in (a, b)))
