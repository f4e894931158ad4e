"""Batch-hard triplet loss: each anchor with its furthest positive and its nearest negative."""

from __future__ import annotations

import torch
from torch import Tensor

from xmodal_lite.losses._pairwise import (
    at_least_float32,
    check_labelled,
    masked_mean,
    positives_negatives,
    squared_distances,
)


def batch_hard_triplet(embeddings: Tensor, labels: Tensor, margin: float = 0.3) -> Tensor:
    r"""Ask that the furthest sample of the same identity is nearer, by a margin, than the nearest other.

    With Euclidean distances :math:`d_{ij}`, anchor i costs :math:`[\max_{j \in P} d_{ij} - \min_{k \in N} d_{ik} +
    \mathrm{margin}]_+`, where P are the other samples of its identity and N the samples of other identities.

    Parameters
    ----------
    embeddings : Tensor
        (N, D), normalised or not; 16-bit ones are taken to float32.
    labels : Tensor
        (N,) integer identities.
    margin : float
        In the unit of the embeddings.

    Returns
    -------
    Tensor
        Scalar, the mean over the anchors that have a positive and a negative. It is 0, with a gradient of 0, where no
        anchor has both (a single identity, or no identity twice). NaN in gives NaN out, for the trainer to report.

    Raises
    ------
    ValueError
        The shapes are not (N, D) and (N,), or N is 0.

    Notes
    -----
    Hermans, Beyer and Leibe, arXiv 1703.07737, eq. 5. A matrix product finds the hardest samples; only the 2N
    distances to these are then taken as lengths of differences, which loses no digit, and sent back. The product's
    squares err by about 1e-6 of the squared radius of the batch: in float32, where groups of samples lie 1e4 apart,
    distances of a few units cannot be told from one another, and a sample that is not the hardest may be taken.
    """
    check_labelled(embeddings, labels)
    return hardest_triplet(at_least_float32(embeddings), *positives_negatives(labels), margin)


def hardest_triplet(points: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """Return the batch-hard loss of points (N, D) when masks (N, N) say what is a positive or negative of a row."""
    with torch.no_grad():
        squares = squared_distances(points)
        furthest = squares.masked_fill(~positive, -torch.inf).argmax(dim=1)  # (N,)
        nearest = squares.masked_fill(~negative, torch.inf).argmin(dim=1)
    to_furthest = torch.linalg.vector_norm(points - points.index_select(0, furthest), dim=1)
    to_nearest = torch.linalg.vector_norm(points - points.index_select(0, nearest), dim=1)
    usable = positive.any(dim=1) & negative.any(dim=1)
    return masked_mean((to_furthest - to_nearest + margin).relu(), usable)
