"""Symmetric InfoNCE: among all samples of the other modality, pick those of your own identity."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def info_nce(v: Tensor, r: Tensor, labels: Tensor, temperature: float = 0.07) -> Tensor:
    r"""Cross-entropy of the cosine similarities between two modalities, read both ways.

    With unit vectors :math:`\hat v_i, \hat r_j`, :math:`s_{ij} = \hat v_i \cdot \hat r_j / \tau` and :math:`P_i` the
    r samples of i's identity,

    .. math:: \ell = -\frac{1}{2N} \sum_i \frac{1}{|P_i|} \sum_{j \in P_i}
              (\log \mathrm{softmax}_j s_{ij} + \log \mathrm{softmax}_j s_{ji}).

    Parameters
    ----------
    v, r : Tensor
        (N, D) embeddings of modality v and of modality r; row i of both is of identity `labels[i]`.
    labels : Tensor
        (N,) integer identities. Rows that share one are positives of each other.
    temperature : float
        Divides the cosines; small values look at the hardest negatives only.

    Returns
    -------
    Tensor
        Scalar. With K pairs per identity it cannot fall below log K. A batch of a single identity carries no
        signal: the gradient is that of spreading evenly. NaN in gives NaN out, for the trainer to report.

    Raises
    ------
    ValueError
        Shapes do not fit, N is 0, or the temperature is not positive.

    Notes
    -----
    Van den Oord et al., arXiv 1807.03748, eq. 4; several positives as in Khosla et al., NeurIPS 2020, eq. 2.
    """
    if v.ndim != 2 or v.shape != r.shape or labels.shape != v.shape[:1] or len(labels) == 0:
        raise ValueError(
            f"need v and r (N, D) and labels (N,) with N > 0, got {tuple(v.shape)}, {tuple(r.shape)} and "
            f"{tuple(labels.shape)}"
        )
    if temperature <= 0:
        raise ValueError(f"the temperature must be positive, got {temperature}")
    similarity = functional.normalize(v, dim=1) @ functional.normalize(r, dim=1).T / temperature  # (N, N)
    same = (labels[:, None] == labels[None, :]).to(similarity.dtype)
    target = same / same.sum(dim=1, keepdim=True)  # (N, N), rows sum to 1; symmetric
    return (functional.cross_entropy(similarity, target) + functional.cross_entropy(similarity.T, target)) / 2
