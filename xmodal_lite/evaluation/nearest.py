"""The nearest of a gallery of any size, in the memory of one block of it.

The metrics need a whole ranked list; who only looks somebody up needs its first k entries. So the gallery is read block
by block, and of each query only the k nearest so far are kept. Ours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from xmodal_lite.evaluation.distance import unit_rows
from xmodal_lite.evaluation.ranking import sort_keys, unpack_keys

QUERIES = 128  # that meet a block at a time


class Neighbours(NamedTuple):
    """The nearest of each query, nearest first.

    Attributes
    ----------
    indices : np.ndarray, shape (Q, k)
        int64, rows of the gallery.
    similarities : np.ndarray, shape (Q, k)
        float32, their cosines with the query, from -1 to 1.
    inside : tuple of np.ndarray
        For each query the int64 rows of all items within the distance that was asked for, nearest first; empty if none
        was.
    """

    indices: np.ndarray
    similarities: np.ndarray
    inside: tuple[np.ndarray, ...] = ()


def nearest(
    queries: ArrayLike, gallery: ArrayLike, k: int, block: int = 4096, within: float | None = None
) -> Neighbours:
    """Find the k gallery items with the largest cosine to each query, exactly, and all items within a distance.

    Of equal similarities the lower row comes first. As in `cosine_distances`, a feature of zero length has cosine 0
    with everything. Time grows as Q * G. Memory is that of the inputs plus at most some ``block * (12 D + 5000)``
    bytes, whatever G is: a memory-mapped gallery (``np.load(path, mmap_mode="r")``) is read once, block by block.

    Parameters
    ----------
    queries : array_like, shape (Q, D)
        Features; they need not be of unit length. Compared in float32.
    gallery : array_like, shape (G, D)
        Features of the same width; G below 2**32.
    k : int
        From 1 to G.
    block : int
        Gallery rows to compare at a time.
    within : float, optional
        Distance, one minus the cosine, up to which all items are returned, such as the threshold of a prediction set
        (`xmodal_lite.evaluation.conformal_threshold`). They take 16 bytes each.

    Returns
    -------
    Neighbours
        ``indices`` and ``similarities``, (Q, k) each, and ``inside``.

    Raises
    ------
    ValueError
        If an input is not a matrix, the widths differ, a value is NaN or infinite, or k or block make no sense.
    """
    asked = unit_rows("queries", np.asarray(queries, np.float32))
    items = np.asarray(gallery)  # a memory map stays one
    if items.ndim != 2 or items.shape[1] != asked.shape[1]:
        raise ValueError(
            f"gallery must have shape (items, {asked.shape[1]}) as the queries do, not {items.shape}"
        )
    if not 1 <= k <= len(items):
        raise ValueError(f"k must be from 1 to the {len(items)} items of the gallery, not {k}")
    if block < 1:
        raise ValueError(f"block must be at least 1, not {block}")
    best = np.empty((len(asked), 0), np.int64)
    inside: list[list[np.ndarray]] = [[] for _ in asked]  # of each query, keys of one block each
    for first in range(0, len(items), block):
        part = unit_rows("gallery", items[first : first + block].astype(np.float32, copy=False))  # (b, D)
        kept = []
        for start in range(0, max(1, len(asked)), QUERIES):
            negative = -asked[start : start + QUERIES] @ part.T  # (q, b)
            keys = sort_keys(negative, first)
            kept.append(_keep(best[start : start + QUERIES], keys, k))
            if within is not None:
                for query, (row, near) in enumerate(zip(keys, 1 + negative <= within, strict=True), start):
                    inside[query].append(row[near])
        best = np.concatenate(kept)  # (Q, k), unsorted
    best.sort(axis=1)
    distances, indices = unpack_keys(best)
    if within is None:
        return Neighbours(indices, -distances)
    members = (np.sort(np.concatenate(keys)) for keys in inside)
    return Neighbours(indices, -distances, tuple(unpack_keys(keys)[1] for keys in members))


def topk(similarities: np.ndarray, k: int) -> Neighbours:
    """Find the k largest similarities of each row of a matrix, the lower column first of equal ones.

    For who has all similarities at hand, because the rest of the row is needed as well.

    Parameters
    ----------
    similarities : np.ndarray, shape (Q, G)
        float32, without NaN.
    k : int
        From 1 to G.

    Returns
    -------
    Neighbours
        ``indices`` and ``similarities``, (Q, k) each.
    """
    size = similarities.shape[1]
    least = np.partition(similarities, size - k, axis=1)[:, size - k, None]  # (Q, 1): the k-th largest
    row, column = np.nonzero(similarities >= least)  # of each row k or, where the last ties with others, more
    order = np.lexsort((column, -similarities[row, column], row))
    first = np.searchsorted(row, np.arange(len(similarities)))  # rows are ascending, sorted or not
    indices = column[order[first[:, None] + np.arange(k)]]  # (Q, k)
    return Neighbours(indices, np.take_along_axis(similarities, indices, axis=1))


def _keep(best: np.ndarray, more: np.ndarray, k: int) -> np.ndarray:
    """Return the k smallest keys of each row of two matrices, in any order."""
    keys = np.concatenate([best, more], axis=1)
    return keys if keys.shape[1] <= k else np.partition(keys, k - 1, axis=1)[:, :k].copy()
