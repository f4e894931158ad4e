"""Hetero-centre loss: an identity has its centre at the same place in both modalities."""

from __future__ import annotations

from torch import Tensor

from xmodal_lite.losses._pairwise import at_least_float32, check_labelled, group_mean, masked_mean, partners


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
    centres, leads = group_mean(at_least_float32(embeddings), labels, modality)  # (N, D), (N,)
    partner, found = partners(labels, modality)
    squares = (centres - centres.index_select(0, partner)).square().sum(dim=1)  # (N,)
    return masked_mean(squares, found & leads)
