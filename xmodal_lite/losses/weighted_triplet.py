"""Weighted regularised triplet loss: every positive and negative counts, the hard ones most."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from xmodal_lite.losses._pairwise import (
    at_least_float32,
    check_labelled,
    distances,
    masked_mean,
    positives_negatives,
)


def weighted_triplet(embeddings: Tensor, labels: Tensor) -> Tensor:
    r"""Pull samples of one identity together and push others away, without a margin.

    For anchor i with Euclidean distances :math:`d_{ij}`, positives P (other samples of its identity) and negatives N,

    .. math:: \ell_i = \log(1 + \exp(\sum_{j \in P} w_{ij} d_{ij} - \sum_{k \in N} w_{ik} d_{ik})), \quad
              w_{ij} = \mathrm{softmax}_{P}(d_{ij}), \quad w_{ik} = \mathrm{softmax}_{N}(-d_{ik}).

    The softmax runs over the positives (or negatives) alone, in its shift-invariant form, so that loss and gradient
    stay right at distances of 1e4 and more.

    Parameters
    ----------
    embeddings : Tensor
        (N, D), not normalised or normalised; 16-bit ones are taken to float32.
    labels : Tensor
        (N,) integer identities.

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
    The loss of AGW: Ye et al., Deep Learning for Person Re-identification, TPAMI 2022, section 4 (weighted
    regularisation triplet).
    """
    check_labelled(embeddings, labels)
    lengths = distances(at_least_float32(embeddings))  # (N, N)
    positive, negative = positives_negatives(labels)
    furthest = (_masked_softmax(lengths, positive) * lengths).sum(dim=1)  # (N,)
    nearest = (_masked_softmax(-lengths, negative) * lengths).sum(dim=1)  # (N,)
    usable = positive.any(dim=1) & negative.any(dim=1)
    return masked_mean(functional.softplus(furthest - nearest), usable)


def _masked_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the entries of each row that the mask keeps; a row without any gets zeros."""
    lowest = torch.finfo(logits.dtype).min
    return torch.softmax(logits.masked_fill(~mask, lowest), dim=1) * mask
