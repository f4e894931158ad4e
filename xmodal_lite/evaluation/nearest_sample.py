"""The rule of the RRUFF benchmark: an identity of the gallery is as near as its nearest sample.

A mineral has several spectra in the gallery (specimens, lasers, orientations), and the question is "which
mineral?", not "which spectrum?". So the ranked list is one of identities. Three conventions, all ours:

- an identity scores by its nearest sample;
- ties count against the query, so that an embedding which maps everything to one point scores nothing;
- every query identity weighs the same, however many spectra of it were measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xmodal_lite.evaluation.distance import cosine_distances
from xmodal_lite.evaluation.ranking import NAN, NO_MATCH, RetrievalScores, check_shapes, shared_codes
from xmodal_lite.evaluation.report import Report


def nearest_sample_metrics(
    distances: ArrayLike, query_ids: ArrayLike, gallery_ids: ArrayLike
) -> RetrievalScores:
    """Rank the gallery's identities by their nearest sample and average over query identities.

    The rank of the right identity is 1 + the number of other identities that lie as near or nearer. Each
    measure is averaged over the queries of an identity first, then over identities. A query whose identity
    does not occur in the gallery is left out.

    Parameters
    ----------
    distances : array_like, shape (Q, G)
        Smaller is nearer.
    query_ids : array_like, shape (Q,)
        Identity of each query.
    gallery_ids : array_like, shape (G,)
        Identity of each gallery sample.

    Returns
    -------
    RetrievalScores
        ``cmc`` runs over all I identities of the gallery; ``valid_queries`` counts samples.

    Raises
    ------
    ValueError
        If shapes disagree, a distance is NaN, or no query has a match.
    """
    distances, query_ids, gallery_ids = map(np.asarray, (distances, query_ids, gallery_ids))
    check_shapes(distances, query_ids, gallery_ids)
    if np.isnan(distances).any():
        raise ValueError(NAN)
    query, gallery = shared_codes(query_ids, gallery_ids)
    valid = query >= 0
    if not valid.any():
        raise ValueError(NO_MATCH)

    rank = _rank_of_own_identity(distances[valid], query[valid], gallery)  # (valid queries,)
    _, identity, spectra = np.unique(query[valid], return_inverse=True, return_counts=True)
    weight = 1 / (spectra[identity] * len(spectra))  # (valid queries,): of sum 1, the same for each identity
    at = np.bincount(rank - 1, weights=weight, minlength=gallery.max() + 1)  # (I,)
    return RetrievalScores(
        cmc=at.cumsum().clip(max=1), mrr=float(np.sum(weight / rank)), valid_queries=len(rank)
    )


def nearest_sample_report(
    features: ArrayLike, identities: ArrayLike, modality: ArrayLike, protocol_name: str
) -> Report:
    """Measure matching both ways: cosine, and the nearest sample of each identity (ours).

    Distances are float64 rounded to nine decimals, so that equal features tie whatever the order in which a
    matrix product adds up; and ties count against the query.

    Parameters
    ----------
    features : array_like, shape (n, D)
        Embeddings of all test samples, of any length; a row of zeros is at distance 1 from everything.
    identities : array_like, shape (n,)
        Identity of each sample.
    modality : array_like, shape (n,)
        0 (``v``) or 1 (``r``) of each sample.
    protocol_name : str
        The whole protocol in words.

    Returns
    -------
    Report
        ``metrics`` "v2r/rank1", "v2r/rank5", "v2r/rank10" and "v2r/mrr" (queries of modality v,
        gallery of r), and the same four for "r2v". With fewer than k identities in the gallery, rank-k is 1.

    Raises
    ------
    ValueError
        If lengths disagree, a modality is neither 0 nor 1 or has no sample, a feature is NaN or infinite, or
        no identity has samples in both.
    """
    x = np.asarray(features, dtype=np.float64)
    identity, side = np.asarray(identities), np.asarray(modality)
    if x.ndim != 2 or identity.shape != x.shape[:1] or side.shape != x.shape[:1]:
        raise ValueError(
            "features, identities and modality must have shapes (n, D), (n,) and (n,), "
            f"not {x.shape}, {identity.shape} and {side.shape}"
        )
    if set(np.unique(side).tolist()) != {0, 1}:
        raise ValueError(f"modality must hold both 0 and 1 and nothing else, not {np.unique(side).tolist()}")
    if not np.isfinite(x).all():
        bad = np.count_nonzero(~np.isfinite(x).all(axis=1))
        raise ValueError(f"features hold NaN or infinite values in {bad} of {len(x)} rows")
    v, r = side == 0, side == 1
    distances = cosine_distances(x[v], x[r]).round(9)  # (samples of v, samples of r)
    measures: dict[str, float] = {}
    for direction, matrix, query, gallery in (("v2r", distances, v, r), ("r2v", distances.T, r, v)):
        scores = nearest_sample_metrics(matrix, identity[query], identity[gallery])
        for k in (1, 5, 10):
            measures[f"{direction}/rank{k}"] = scores.rank(min(k, len(scores.cmc)))
        measures[f"{direction}/mrr"] = scores.mrr
    return Report.of_trials(protocol_name, [measures])


def _rank_of_own_identity(distances: np.ndarray, query: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Count the identities at least as near as the query's own, itself included: (Q,)."""
    columns = np.argsort(gallery, kind="stable")  # samples of one identity side by side
    starts = np.flatnonzero(np.diff(gallery[columns], prepend=-1))
    nearest = np.minimum.reduceat(distances[:, columns], starts, axis=1)  # (Q, I)
    own = nearest[np.arange(len(query)), query]  # (Q,)
    return np.count_nonzero(nearest <= own[:, None], axis=1)
