"""Which part of a sample a match rests on: how much similarity a genuine pair loses when one cell of it is hidden.

Sliding-occluder importance (Zeiler and Fergus, ECCV 2014, section 4.2) of a pair instead of a class. The pointing score
is after the pointing game (Zhang et al., ECCV 2016), with the whole map instead of its maximum. Both ours in this form.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from xmodal_lite.data.memmap import to_device
from xmodal_lite.models import Matcher

BATCH = 128  # hidden copies that are embedded at a time


def pair_importance(
    matcher: Matcher,
    v: np.ndarray,
    r: np.ndarray,
    grid: tuple[int, ...],
    *,
    hidden: int = 0,
    batch: int = BATCH,
) -> np.ndarray:
    """Return how much the cosine of each pair drops when a cell of one of its samples is hidden.

    Images are hidden by their own mean colour and spectra by 0, which stands for what was not measured.

    Parameters
    ----------
    matcher : Matcher
        A trained model, in the mode for tests.
    v, r : (N, C, ...) uint8 images or float32 spectra
        Pair i is v[i] and r[i]; both show one identity.
    grid : tuple of int
        Rows and columns of cells of an image, or the number of cells along a spectrum. The cells cover a sample without
        overlap and differ in size by one pixel at most.
    hidden : {0, 1}
        Modality of the sample that cells are hidden of; the other sample stays whole.
    batch : int
        Hidden copies that are embedded at a time.

    Returns
    -------
    (N, *grid) float32
        Cosine of the whole pair minus its cosine with the cell hidden. Negative where hiding the cell helps.

    Raises
    ------
    ValueError
        The two modalities have different numbers of samples, or the grid does not fit the samples.
    """
    if len(v) != len(r):
        raise ValueError(f"{len(v)} samples of v and {len(r)} of r are no pairs; give as many of each")
    device = next(matcher.parameters()).device
    whole = [to_device(x, device) for x in (v, r)]
    masks = torch.from_numpy(cells(whole[hidden].shape[2:], grid)).to(device)  # (K, ...)
    with torch.inference_mode():
        unit = [_unit(matcher.embed(x, m)) for m, x in enumerate(whole)]  # (N, D) each
        other = unit[1 - hidden].repeat_interleave(len(masks), dim=0)  # (N K, D)
        embedded = torch.cat(
            [_unit(matcher.embed(piece, hidden)) for piece in _hidden(whole[hidden], masks, batch)]
        )
    drop = (unit[0] * unit[1]).sum(1)[:, None] - (embedded * other).sum(1).view(len(v), -1)  # (N, K)
    return drop.view(-1, *grid).cpu().numpy()


def cells(size: tuple[int, ...], grid: tuple[int, ...]) -> np.ndarray:
    """Return the cells of a sample of a size, row by row, as masks (K, *size) bool.

    Raises
    ------
    ValueError
        The grid has another number of axes, a side without a cell, or more cells than points along a side.
    """
    if len(grid) != len(size) or any(not 1 <= n <= length for n, length in zip(grid, size, strict=True)):
        raise ValueError(f"a grid of {grid} cells does not fit samples of size {tuple(size)}")
    each = [np.arange(length) * n // length for n, length in zip(grid, size, strict=True)]
    number = np.ravel_multi_index(
        np.meshgrid(*each, indexing="ij"), grid
    )  # cell of each point, of the given size
    return number == np.arange(np.prod(grid)).reshape(-1, *[1] * len(size))


def pointing_score(importance: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the share of each map's importance that falls on the object.

    Only positive importance counts. A cell that the object covers in part counts by the share covered, so an importance
    that is the same everywhere scores the share of the sample that the object covers, `masks.mean()`.

    Parameters
    ----------
    importance : (N, *grid) float
        From `pair_importance`.
    masks : (N, *size) bool
        True where the object is.

    Returns
    -------
    (N,) float64
        From 0 to 1; NaN where no cell has a positive importance.

    Raises
    ------
    ValueError
        The numbers of maps and of masks differ, or the grid does not fit.
    """
    if len(importance) != len(masks):
        raise ValueError(
            f"{len(importance)} importance maps come with {len(masks)} masks; give one mask a map"
        )
    inside = cells(masks.shape[1:], importance.shape[1:]).reshape(-1, masks[0].size)  # (K, points)
    covered = masks.reshape(len(masks), -1) @ (inside / inside.sum(1, keepdims=True)).T  # (N, K)
    positive = np.maximum(importance.reshape(len(importance), -1), 0.0)
    total = positive.sum(1)
    return np.divide((positive * covered).sum(1), total, out=np.full(len(total), np.nan), where=total > 0)


def _hidden(x: Tensor, masks: Tensor, batch: int) -> Iterator[Tensor]:
    """Yield copies of samples (N, C, ...) with one cell hidden, sample by sample, at most `batch` at a time."""
    fill = torch.zeros_like(x[:, :, :1])
    if x.dtype == torch.uint8:
        axes = tuple(range(2, x.ndim))
        fill = x.float().mean(axes, keepdim=True).round().to(torch.uint8)  # (N, 3, 1, 1)
    for piece in torch.arange(len(x) * len(masks), device=x.device).split(batch):
        sample, cell = piece // len(masks), piece % len(masks)
        yield torch.where(masks[cell][:, None], fill[sample], x[sample])


def _unit(embeddings: Tensor) -> Tensor:
    return torch.nn.functional.normalize(embeddings.float(), dim=1)
