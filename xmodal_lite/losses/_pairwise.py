"""What several losses need of a batch: its squared distances, and the mean of each identity in each modality."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def check_labelled(embeddings: Tensor, labels: Tensor, modality: Tensor | None = None) -> None:
    """Refuse what is not embeddings (N, D) with labels (N,), and modality (N,) where one is given, N > 0.

    Raises
    ------
    ValueError
        Some shape does not fit.
    """
    columns = {"labels": labels} if modality is None else {"labels": labels, "modality": modality}
    if (
        embeddings.ndim != 2
        or len(embeddings) == 0
        or any(column.shape != embeddings.shape[:1] for column in columns.values())
    ):
        found = ", ".join(f"{name} {tuple(column.shape)}" for name, column in columns.items())
        needed = " and ".join(f"{name} (N,)" for name in columns)
        raise ValueError(
            f"need embeddings (N, D), {needed} with N > 0, got embeddings {tuple(embeddings.shape)}, {found}"
        )


def check_two(x: Tensor, y: Tensor) -> None:
    """Refuse what is not two batches (n, D) and (m, D), n, m > 0.

    Raises
    ------
    ValueError
        Some shape does not fit, or one modality is missing.
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1:] != y.shape[1:] or 0 in (len(x), len(y)):
        raise ValueError(
            f"need x (n, D) and y (m, D) with n, m > 0, got {tuple(x.shape)} and {tuple(y.shape)}"
        )


def at_least_float32(points: Tensor) -> Tensor:
    """Return points of 16 bits in float32, as their squares would overflow or lose digits, and others as they are."""
    return points.float() if points.dtype in (torch.float16, torch.bfloat16) else points


def positives_negatives(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return masks (N, N) bool: other samples of the row's identity, and samples of other identities."""
    same = labels[:, None] == labels[None, :]
    return same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~same


def squared_distances(points: Tensor) -> Tensor:
    """Return (N, N) squared distances of (N, D) points by a matrix product, about the mean of the points.

    Fast, and good enough to tell near from far. In float32 it errs by about 1e-6 of the squared radius of the batch:
    where groups lie 1e4 apart, it cannot say which of two points a few units away is the nearer.
    """
    points = points - points.mean(dim=0)
    squares = points.square().sum(dim=1)
    return torch.addmm(squares[:, None] + squares[None, :], points, points.T, alpha=-2)


def distances(points: Tensor) -> Tensor:
    """Return (N, N) distances of (N, D) points, taken as lengths of differences.

    No digit is lost between points that lie close together and far out. The way back is a matrix product about the
    mean; where two points coincide it sends nothing.
    """
    return _Distances.apply(points - points.mean(dim=0).detach())


class _Distances(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, points: Tensor) -> Tensor:
        n = len(points)
        row, column = torch.triu_indices(n, n, 1, device=points.device)
        half = points.new_zeros(n, n).index_put_((row, column), torch.pdist(points))
        lengths = half + half.T
        ctx.save_for_backward(points, lengths)
        return lengths

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        points, lengths = ctx.saved_tensors
        pull = torch.where(lengths > 0, (grads[0] + grads[0].T) / lengths, 0.0)  # (N, N)
        return pull.sum(dim=1, keepdim=True) * points - pull @ points


def first_true(mask: Tensor) -> Tensor:
    """Return for each row of a mask (N, N) the position (N,) of its first True.

    Among equal entries argmax takes the first. Torch has no argmax of bool, and that of int32 is slow on a processor.
    """
    return mask.byte().argmax(dim=1)


def group_mean(x: Tensor, labels: Tensor, modality: Tensor) -> tuple[Tensor, Tensor]:
    """Average over the samples of one identity in one modality; no shape depends on what the labels say.

    Parameters
    ----------
    x : Tensor
        (N, D).
    labels, modality : Tensor
        (N,) integers.

    Returns
    -------
    means : Tensor
        (N, D), for every sample the mean of its group.
    leads : Tensor
        (N,) bool, True at the first sample of each group.
    """
    same = (labels[:, None] == labels[None, :]) & (modality[:, None] == modality[None, :])
    first = first_true(same)  # (N,)
    sums = torch.zeros_like(x).index_add(0, first, x) / same.sum(dim=1, keepdim=True)
    return sums.index_select(0, first), first == torch.arange(len(x), device=x.device)


def partners(labels: Tensor, modality: Tensor) -> tuple[Tensor, Tensor]:
    """Find for every sample of modality 0 one of its identity in modality 1.

    Returns
    -------
    partner : Tensor
        (N,) position of the first such sample.
    found : Tensor
        (N,) bool, False for samples of another modality and where there is no such sample; `partner` is then any.
    """
    pairs = (labels[:, None] == labels[None, :]) & (modality[:, None] == 0) & (modality[None, :] == 1)
    return first_true(pairs), pairs.any(dim=1)


def masked_mean(losses: Tensor, usable: Tensor) -> Tensor:
    """Return the mean of the usable entries; 0, with a gradient of 0, where none is; NaN where any entry is NaN."""
    return torch.where(usable | losses.isnan(), losses, 0.0).sum() / usable.sum().clamp_min(1)
