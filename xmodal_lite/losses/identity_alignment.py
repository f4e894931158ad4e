"""MUN's identity alignment loss: the centres of an identity meet across all three modalities."""

from __future__ import annotations

from torch import Tensor

from xmodal_lite.losses.hetero_center_triplet import hetero_center_triplet


def identity_alignment(embeddings: Tensor, labels: Tensor, modality: Tensor, margin: float = 0.3) -> Tensor:
    r"""Return `hetero_center_triplet`, which holds the body, of v, r and the auxiliary modality.

    That is the batch-hard triplet loss over the 3P centres :math:`c_p^m` of P identities. The auxiliary modality is the
    bridge: the positive of a centre is the furthest of its identity's other two, the negative the nearest centre of
    another identity, in any modality.

    Parameters
    ----------
    embeddings : Tensor
        (N, D), samples of all modalities in any order; 16-bit ones are taken to float32.
    labels : Tensor
        (N,) integer identities.
    modality : Tensor
        (N,) 0 for v, 1 for r, 2 for the auxiliary modality. Without any 2 it is the loss of v and r alone.
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
    MUN: Yu et al., ICCV 2023. Known: identity centres are aligned across the three modalities. Second hand: a triplet
    form with the hardest positive and the hardest negative. Ours: the anchors, the margin and the mean.
    """
    return hetero_center_triplet(embeddings, labels, modality, margin)
