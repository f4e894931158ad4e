"""The rule of the RRUFF benchmark: an identity of the gallery is as near as its best sample.

A mineral has several spectra in the gallery (specimens, lasers, orientations), and the question is "which
mineral?", not "which spectrum?". So the ranked list is one of identities. Three conventions, all ours:

- an identity scores by its nearest sample;
- ties count against the query, so that an embedding which maps everything to one point scores nothing;
- every query identity weighs the same, however many spectra of it were measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xmodal_lite.evaluation.ranking import NAN, NO_MATCH, RetrievalScores, check_shapes, shared_codes


def nearest_sample_metrics(
    distances: ArrayLike, query_ids: ArrayLike, gallery_ids: ArrayLike
) -> RetrievalScores:
    """Rank the gallery's identities by their nearest sample and average over query identities.

    The place of the right identity is 1 + the number of other identities that lie as near or nearer. Each
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

    place = _place_of_own_identity(distances[valid], query[valid], gallery)  # (valid queries,)
    _, identity, spectra = np.unique(query[valid], return_inverse=True, return_counts=True)
    weight = 1 / (spectra[identity] * len(spectra))  # (valid queries,): of sum 1, the same for each identity
    at = np.bincount(place - 1, weights=weight, minlength=gallery.max() + 1)  # (I,)
    return RetrievalScores(
        cmc=at.cumsum().clip(max=1), mrr=float(np.sum(weight / place)), valid_queries=len(place)
    )


def _place_of_own_identity(distances: np.ndarray, query: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Count the identities at least as near as the query's own, itself included: (Q,)."""
    columns = np.argsort(gallery, kind="stable")  # samples of one identity side by side
    starts = np.flatnonzero(np.diff(gallery[columns], prepend=-1))
    nearest = np.minimum.reduceat(distances[:, columns], starts, axis=1)  # (Q, I)
    own = nearest[np.arange(len(query)), query]  # (Q,)
    return np.count_nonzero(nearest <= own[:, None], axis=1)
