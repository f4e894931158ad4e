"""Sets that hold the true match with a stated probability: split conformal prediction for a search.

Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, Springer 2005; in the split form of Angelopoulos and
Bates, Conformal Prediction: A Gentle Introduction, Foundations and Trends in Machine Learning 2023, section 1. What it
rests on: the next query is exchangeable with those of the calibration, so that its score is as likely to fall into any
place among theirs. A query of another camera, another instrument or another kind of people is not, and nothing is
promised for it. Several queries of one identity are alike, so that a query of a new identity is exchangeable with them
only approximately: with n queries of k identities, the coverage can be as low as that of about k queries. It is exact
where each identity has one query.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from xmodal_lite.evaluation.distance import unit_rows

QUERIES = 512  # compared with the whole gallery at a time


def nonconformity(
    queries: ArrayLike, gallery: ArrayLike, query_ids: ArrayLike, gallery_ids: ArrayLike
) -> np.ndarray:
    """Return how far each query is from the nearest gallery sample of its own identity (ours).

    Parameters
    ----------
    queries : array_like, shape (Q, D)
        Features of queries that nothing was trained on, of any length; compared in float32.
    gallery : array_like, shape (G, D)
        Features to search.
    query_ids : array_like, shape (Q,)
        Identity of each query.
    gallery_ids : array_like, shape (G,)
        Identity of each gallery sample.

    Returns
    -------
    np.ndarray, shape (n,)
        float32, 1 minus the cosine, from 0 to 2; queries without a sample of their identity in the gallery are left
        out.

    Raises
    ------
    ValueError
        If shapes disagree, or a feature is NaN or infinite.
    """
    a, b = (
        unit_rows(name, np.asarray(x, np.float32)) for name, x in (("queries", queries), ("gallery", gallery))
    )
    wanted, held = np.asarray(query_ids), np.asarray(gallery_ids)
    if a.shape[1] != b.shape[1] or wanted.shape != a.shape[:1] or held.shape != b.shape[:1]:
        raise ValueError(
            "queries, gallery, query_ids and gallery_ids must have shapes (Q, D), (G, D), (Q,) and (G,), "
            f"not {a.shape}, {b.shape}, {wanted.shape} and {held.shape}"
        )
    nearest = np.full(len(a), np.inf, np.float32)  # (Q,)
    for start in range(0, len(a), QUERIES):
        rows = slice(start, start + QUERIES)
        apart = np.where(wanted[rows, None] == held, 1 - a[rows] @ b.T, np.float32(np.inf))  # (q, G)
        nearest[rows] = apart.min(axis=1, initial=np.inf)
    return nearest[np.isfinite(nearest)]


def conformal_threshold(scores: ArrayLike, alpha: float) -> float:
    """Return the score up to which a gallery item belongs to the prediction set of a new query.

    It is the ceil((n + 1)(1 - alpha))-th smallest of n calibration scores. If the new query is exchangeable with those
    of the calibration, its own score lies at or below it with a probability of at least 1 - alpha; without ties also
    of at most 1 - alpha + 1 / (n + 1). The probability is over queries and calibrations together, not for each query.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Nonconformity of queries that nothing was trained on; larger is less alike.
    alpha : float
        Share of queries whose set may miss, between 0 and 1.

    Returns
    -------
    float
        Infinite where n is too small for alpha: then only the set of everything keeps the promise.

    Raises
    ------
    ValueError
        If alpha is not between 0 and 1, the scores are not a vector, or one is NaN.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1 (0.1 for a coverage of 90 %), not {alpha}")
    x = np.asarray(scores, np.float64)
    if x.ndim != 1:
        raise ValueError(f"scores must be a vector, not an array of shape {x.shape}")
    if np.isnan(x).any():
        raise ValueError(f"scores hold NaN in {np.count_nonzero(np.isnan(x))} of {len(x)} places")
    place = math.ceil(
        round((len(x) + 1) * (1 - alpha), 9)
    )  # rounded, as 10 * (1 - 0.1) must not become 9.000...1
    return float(np.partition(x, place - 1)[place - 1]) if place <= len(x) else math.inf
