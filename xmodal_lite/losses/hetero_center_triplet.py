"""Hetero-centre triplet loss: batch-hard over the centres of identities, across modalities."""

from __future__ import annotations

from torch import Tensor

from xmodal_lite.losses._pairwise import at_least_float32, check_labelled, group_mean
from xmodal_lite.losses.batch_hard_triplet import hardest_triplet


def hetero_center_triplet(
    embeddings: Tensor, labels: Tensor, modality: Tensor, margin: float = 0.3
) -> Tensor:
    """Ask that an identity's centres in two modalities are nearer, by a margin, than any other identity's centre.

    Every centre is an anchor once: its positive is the furthest centre of its identity in another modality, its
    negative the nearest centre of another identity in any modality.

    Parameters
    ----------
    embeddings : Tensor
        (N, D), samples of all modalities in any order; 16-bit ones are taken to float32.
    labels : Tensor
        (N,) integer identities.
    modality : Tensor
        (N,) integers; two modalities or more.
    margin : float
        In the unit of the embeddings.

    Returns
    -------
    Tensor
        Scalar, the mean over the centres that have a positive and a negative. It is 0, with a gradient of 0, where
        none has both (a single modality or identity). NaN in gives NaN out, for the trainer to report.

    Raises
    ------
    ValueError
        The shapes are not (N, D), (N,) and (N,), or N is 0.

    Notes
    -----
    Liu, Tan and Zhou, Parameter sharing exploration and hetero-center triplet loss, IEEE TMM 2021, for two
    modalities. They sum over anchors; the mean, and more than two modalities, are ours.
    """
    check_labelled(embeddings, labels, modality)
    centres, leads = group_mean(at_least_float32(embeddings), labels, modality)  # (N, D), (N,)
    same = labels[:, None] == labels[None, :]
    other_modality = modality[:, None] != modality[None, :]
    # a centre stands in the row of each of its samples; it is an anchor in the row of the first
    return hardest_triplet(centres, same & other_modality & leads[:, None], ~same, margin)
