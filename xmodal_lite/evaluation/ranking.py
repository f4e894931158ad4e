"""From a matrix of distances to CMC, mAP, mINP and MRR.

Every query sorts the gallery by distance, and the metrics are read off the places at which its own identity
turns up:

- CMC at k: the share of queries whose first match is among the first k;
- AP of one query: the mean, over its matches j = 1, 2, ..., of j / (place of match j);
- INP of one query: the number of matches / the rank of the last one;
- reciprocal rank of one query: 1 / the rank of the first match.

Sources: CMC and mAP as Zheng et al., "Scalable person re-identification: a benchmark", ICCV 2015; mINP as
Ye et al., "Deep learning for person re-identification: a survey and outlook", TPAMI 2022. The stable order
on ties and the refusal to measure where nothing matches are ours.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

BLOCK = 1 << 17  # distances that a thread ranks at a time: they stay in its cache, and take some 5 MB
THREADS = min(8, os.cpu_count() or 1)
COLUMN = 0xFFFFFFFF  # the half of a sort key that holds the column

NO_MATCH = (
    "no query has a match in the gallery, so there is nothing to measure; check that query_ids and "
    "gallery_ids number the identities alike (and that excluded, where given, leaves some matches)"
)
NAN = "distances hold NaN, which no order can rank; look for NaN in the features they were computed from"


@dataclass(frozen=True)
class RetrievalScores:
    """What a ranking is worth.

    Attributes
    ----------
    cmc : np.ndarray, shape (max_rank,)
        ``cmc[k - 1]``: fraction whose first match is among the first k.
    mrr : float
        Mean of 1 / rank of the first match.
    valid_queries : int
        Queries with a match in their gallery; the others count nowhere.
    """

    cmc: np.ndarray
    mrr: float
    valid_queries: int

    def rank(self, k: int) -> float:
        """Return CMC at ``k``, a fraction; ValueError outside 1..max_rank."""
        if not 1 <= k <= len(self.cmc):
            raise ValueError(f"rank {k} was not measured: the CMC curve has ranks 1 to {len(self.cmc)}")
        return float(self.cmc[k - 1])


@dataclass(frozen=True)
class RankMetrics(RetrievalScores):
    """Retrieval scores for galleries in which a query may have several matches.

    Attributes
    ----------
    map : float
        Mean over valid queries of the average precision.
    minp : float
        Mean over valid queries of (number of matches) / (place of the last match).
    """

    map: float
    minp: float


def rank_metrics(
    distances: ArrayLike,
    query_ids: ArrayLike,
    gallery_ids: ArrayLike,
    excluded: ArrayLike | None = None,
    count: Literal["images", "identities"] = "images",
    max_rank: int = 20,
) -> RankMetrics:
    """Rank the gallery for every query and average the usual retrieval metrics.

    Equal distances keep the order of the gallery (a stable sort). A query whose identity does not occur in
    the gallery, or only among its excluded items, is left out of every mean.

    Parameters
    ----------
    distances : array_like, shape (Q, G)
        Smaller is nearer. float32 is ranked two to three times as fast as other types.
    query_ids : array_like, shape (Q,)
        Identity of each query.
    gallery_ids : array_like, shape (G,)
        Identity of each gallery item.
    excluded : array_like of bool, shape (Q, G), optional
        Pairs to take out of the ranked list, as if that item were not in this query's gallery.
    count : {"images", "identities"}
        What CMC (and with it MRR) counts as one place: every item, or every identity at its first
        appearance. mAP and mINP always count items.
    max_rank : int
        Length of the CMC curve; it is flat beyond the size of the gallery.

    Returns
    -------
    RankMetrics
        ``cmc``, ``map``, ``minp`` and ``mrr`` as fractions, and ``valid_queries``.

    Raises
    ------
    ValueError
        If shapes disagree, a distance is NaN, ``count`` or ``max_rank`` makes no sense, or no query has a
        match.
    """
    distances, excluded = np.asarray(distances), None if excluded is None else np.asarray(excluded)
    query_ids, gallery_ids = np.asarray(query_ids), np.asarray(gallery_ids)
    check_shapes(distances, query_ids, gallery_ids)
    if excluded is not None and (excluded.shape != distances.shape or excluded.dtype != bool):
        raise ValueError(
            f"excluded must be bool and of the shape of distances {distances.shape}, "
            f"not {excluded.dtype} {excluded.shape}"
        )
    if count not in ("images", "identities"):
        raise ValueError(f'count must be "images" or "identities", not {count!r}')
    if max_rank < 1:
        raise ValueError(f"max_rank must be at least 1, not {max_rank}")

    query, gallery = shared_codes(query_ids, gallery_ids)
    step = max(1, BLOCK // len(gallery))

    def block(start: int) -> np.ndarray:
        rows = slice(start, start + step)
        left_out = None if excluded is None else excluded[rows]
        return _rank_block(distances[rows], query[rows], gallery, left_out, count)

    with ThreadPoolExecutor(THREADS) as pool:  # sorting, most of the work, runs outside Python's lock
        parts = list(pool.map(block, range(0, max(1, len(query)), step)))
    place, precision, penalty = np.concatenate(parts, axis=1)  # each (valid queries,)
    if not len(place):
        raise ValueError(NO_MATCH)
    return RankMetrics(
        cmc=(place[:, None] <= np.arange(1, max_rank + 1)).mean(axis=0),
        mrr=float(np.mean(1 / place)),
        valid_queries=len(place),
        map=float(precision.mean()),
        minp=float(penalty.mean()),
    )


def _rank_block(
    distances: np.ndarray,
    query: np.ndarray,
    gallery: np.ndarray,
    excluded: np.ndarray | None,
    count: str,
) -> np.ndarray:
    """Rank of the first match, AP and INP of the valid queries of one block: (3, valid queries)."""
    if np.isnan(distances).any():
        raise ValueError(NAN)
    if excluded is not None:
        distances = np.where(excluded, np.nan, distances)  # NaN sorts behind every number
    order = _stable_order(distances)  # (B, G): gallery column at each place
    identity = gallery[order]  # (B, G): the ranked list
    match = identity == query[:, None]
    if excluded is not None:
        listed = np.count_nonzero(~excluded, axis=1)  # (B,): the rest is excluded
        match &= np.arange(len(gallery)) < listed[:, None]

    row, column = np.nonzero(match)  # (M,): every match, by query, nearest first
    matches = np.bincount(row, minlength=len(query))  # (B,)
    start = matches.cumsum() - matches  # (B,): where the matches of each query begin
    number = np.arange(1, len(row) + 1) - start[row]  # (M,): 1, 2, ... within a query
    precision = np.bincount(row, number / (column + 1), minlength=len(query))

    valid = matches > 0
    matches, start = matches[valid], start[valid]
    first, last = column[start], column[start + matches - 1]
    place = first + 1 if count == "images" else _distinct_up_to(first, identity[valid])
    return np.stack([place, precision[valid] / matches, matches / (last + 1)])


def _distinct_up_to(first: np.ndarray, identity: np.ndarray) -> np.ndarray:
    """Count the distinct identities in columns 0..first of each ranked list: (B,)."""
    columns = np.arange(first.max(initial=0) + 1)
    seen = np.where(columns <= first[:, None], identity[:, columns], -1)
    seen.sort(axis=1)  # now an identity begins wherever the value changes
    return 1 + np.count_nonzero(np.diff(seen, axis=1), axis=1) - (seen[:, 0] < 0)


def _stable_order(distances: np.ndarray) -> np.ndarray:
    """Sort each row of (B, G); of two equal distances the lower column comes first, and NaN comes last.

    numpy sorts the integers of `sort_keys` several times faster than it sorts floats stably: same answer, sooner.
    """
    if distances.dtype != np.float32:
        return np.argsort(distances, axis=1, kind="stable")
    keys = sort_keys(distances)
    keys.sort(axis=1)
    return keys & COLUMN


def sort_keys(distances: np.ndarray, first: int = 0) -> np.ndarray:
    """Pack each float32 of (B, G) and its column into one int64 that sorts by both; columns count from `first`."""
    bits = (distances + np.float32(0)).view(np.int32)  # adding 0 makes -0.0 the equal of 0.0
    bits ^= (bits >> 31) & 0x7FFFFFFF  # among negative floats larger bits mean a smaller number: flip them
    columns = np.arange(first, first + distances.shape[1])
    return (bits.astype(np.int64) << 32) | columns  # (B, G): the number above, the column below


def unpack_keys(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what `sort_keys` packed: distances float32 and columns int64, each of the shape of `keys`."""
    bits = (keys >> 32).astype(np.int32)
    bits ^= (bits >> 31) & 0x7FFFFFFF
    return bits.view(np.float32), keys & COLUMN


def check_shapes(distances: np.ndarray, query_ids: np.ndarray, gallery_ids: np.ndarray) -> None:
    """Raise ValueError, naming the argument, unless the shapes are (Q, G), (Q,) and (G,) with G > 0."""
    if distances.ndim != 2 or not distances.shape[1]:
        raise ValueError(f"distances must have shape (queries, gallery), gallery > 0, not {distances.shape}")
    if query_ids.shape != distances.shape[:1]:
        raise ValueError(f"query_ids must have shape {distances.shape[:1]}, not {query_ids.shape}")
    if gallery_ids.shape != distances.shape[1:]:
        raise ValueError(f"gallery_ids must have shape {distances.shape[1:]}, not {gallery_ids.shape}")


def shared_codes(query_ids: np.ndarray, gallery_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the gallery's identities the codes 0, 1, ...; a query of no such identity becomes -1."""
    names, gallery = np.unique(gallery_ids, return_inverse=True)
    code = np.searchsorted(names, query_ids).clip(max=len(names) - 1)
    query = np.where(names[code] == query_ids, code, -1)
    return query.astype(np.int32), gallery.astype(np.int32)  # half the width, half the traffic
