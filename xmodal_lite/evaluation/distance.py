"""Distances between embeddings, in the form every metric here takes: smaller is nearer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def cosine_distances(queries: ArrayLike, gallery: ArrayLike) -> np.ndarray:
    """Return one minus the cosine of the angle between every query and every gallery feature.

    A feature of zero length has no direction. Its cosine with anything is taken as 0, so it lies at
    distance 1 from everything, itself included: a dead embedding makes ties, never a lucky hit.

    Parameters
    ----------
    queries : array_like, shape (Q, D)
        Features; they need not be of unit length.
    gallery : array_like, shape (G, D)
        Features of the same width.

    Returns
    -------
    np.ndarray, shape (Q, G)
        Distances from 0 (same direction) to 2 (opposite), up to rounding. float64 where one of the inputs
        is float64, float32 otherwise.

    Raises
    ------
    ValueError
        If an input is not a matrix, the widths differ, or a value is NaN or infinite.
    """
    a, b = unit_rows("queries", queries), unit_rows("gallery", gallery)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"queries have {a.shape[1]} features each but gallery items have {b.shape[1]}")
    cosine = a @ b.T  # (Q, G)
    return np.subtract(1, cosine, out=cosine)


def unit_rows(name: str, features: ArrayLike) -> np.ndarray:
    """Scale every row to unit length, in float32 or float64; rows of zeros stay as they are.

    Raises
    ------
    ValueError
        Not a matrix, or a value is NaN or infinite; the message calls it by `name`.
    """
    x = np.asarray(features)  # (N, D)
    if x.ndim != 2:
        raise ValueError(f"{name} must be a matrix (samples, features), not an array of shape {x.shape}")
    if x.dtype != np.float64:
        x = x.astype(np.float32)
    largest = np.abs(x).max(axis=1, keepdims=True, initial=0)  # (N, 1)
    if not np.isfinite(largest).all():
        bad = np.count_nonzero(~np.isfinite(largest))
        raise ValueError(f"{name} holds NaN or infinite values in {bad} of {len(x)} rows")
    x = x / np.where(largest > 0, largest, 1)  # so that no square under- or overflows
    length = np.sqrt(np.einsum("nd,nd->n", x, x))[:, None]  # (N, 1)
    return x / np.where(length > 0, length, 1)
