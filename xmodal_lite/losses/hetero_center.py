"""Hetero-centre loss: an identity has its centre at the same place in both modalities."""

from __future__ import annotations

import torch
from torch import Tensor

from xmodal_lite.losses._pairwise import at_least_float32, check_labelled, first_true, masked_mean


def hetero_center(embeddings: Tensor, labels: Tensor, modality: Tensor) -> Tensor:
    r"""Mean over identities of the squared distance :math:`|c_p^v - c_p^r|^2` of their two centres.

    Parameters
    ----------
    embeddings : Tensor
        (N, D), samples of both modalities in any order; 16-bit ones are taken to float32.
    labels : Tensor
        (N,) integer identities.
    modality : Tensor
        (N,) 0 for v, 1 for r. Samples of any other modality are left out.

    Returns
    -------
    Tensor
        Scalar, over the identities seen in both modalities. It is 0, with a gradient of 0, where there is none (one
        modality is missing). NaN in gives NaN out, for the trainer to report.

    Raises
    ------
    ValueError
        The shapes are not (N, D), (N,) and (N,), or N is 0.

    Notes
    -----
    Zhu et al., Hetero-Center loss for cross-modality person re-identification, Neurocomputing 2020. They sum over
    identities; the mean is ours, so that a weight means the same for every batch size.
    """
    check_labelled(embeddings, labels, modality)
    embeddings = at_least_float32(embeddings)
    same = labels[:, None] == labels[None, :]  # (N, N)
    count_v, count_r = (
        (same & (modality == m)).sum(dim=1) for m in (0, 1)
    )  # (N,) each, of the row's identity
    share_v, share_r = (count.to(embeddings.dtype).reciprocal() for count in (count_v, count_r))
    # what a sample adds to c^v - c^r of its identity: one sum, where two centres would take two
    weight = torch.where(modality == 0, share_v, torch.where(modality == 1, -share_r, 0.0))
    first = first_true(same)  # (N,)
    differences = torch.zeros_like(embeddings).index_add(0, first, embeddings * weight[:, None])  # (N, D)
    leads = first == torch.arange(len(first), device=first.device)
    return masked_mean(differences.square().sum(dim=1), leads & (count_v > 0) & (count_r > 0))
