"""Search one modality with queries of the other: features in, a report out.

The features are compared once. A draw of the gallery only selects columns of that matrix of distances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from xmodal_lite.evaluation.distance import cosine_distances
from xmodal_lite.evaluation.ranking import RankMetrics, rank_metrics
from xmodal_lite.evaluation.report import Report

Count = Literal["images", "identities"]
RANKS = (1, 5, 10, 20)


@dataclass(frozen=True, eq=False)
class Search:
    """Who is looked for where.

    Attributes
    ----------
    direction : str
        How its measures' names begin: "v2r" (queries of modality v, gallery of modality r) or "r2v", or a name of the
        gallery where a protocol has several.
    queries : np.ndarray, shape (Q,)
        Rows of the queries.
    draws : tuple of np.ndarray
        Rows of the gallery, one array for each draw.
    excluded : callable, optional
        Takes query rows (Q,) and gallery rows (G,), returns the mask (Q, G) of the pairs to ignore.
    """

    direction: str
    queries: np.ndarray
    draws: tuple[np.ndarray, ...]
    excluded: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None

    def answerable(self, identities: np.ndarray) -> int:
        """Count the queries with a match in the gallery of the first draw."""
        query, gallery = self.queries, self.draws[0]
        if self.excluded is None:
            return int(np.isin(identities[query], identities[gallery]).sum())
        match = (identities[query][:, None] == identities[gallery]) & ~self.excluded(query, gallery)
        return int(match.any(axis=1).sum())


def search_report(
    features: ArrayLike,
    identities: ArrayLike,
    searches: Sequence[Search],
    counts: Sequence[Count],
    protocol_name: str,
) -> Report:
    """Run every search on the same features.

    Parameters
    ----------
    features : array_like, shape (n, D)
        Embeddings of all test samples, compared by cosine in float32.
    identities : array_like, shape (n,)
        Identity of each sample.
    searches : sequence of Search
        With equally many draws each.
    counts : sequence of {"images", "identities"}
        What CMC counts as one place. With two, the ranks of the second get names of their own.
    protocol_name : str
        The whole protocol in words.

    Returns
    -------
    Report
        For each direction "r2v/rank1", "r2v/rank5", "r2v/rank10", "r2v/rank20", "r2v/map" and "r2v/minp", and for a
        second count such as "identities" also "r2v/identities/rank5" and so on; their means over the draws, and
        each draw.

    Raises
    ------
    ValueError
        If lengths disagree, a feature is NaN or infinite, or no query of a search has a match.
    """
    x, identity = np.asarray(features), np.asarray(identities)
    if x.ndim != 2 or identity.shape != x.shape[:1]:
        raise ValueError(
            f"features and identities must have shapes (n, D) and (n,), not {x.shape} and {identity.shape}; "
            "embed all test samples in order"
        )
    draws: list[dict[str, float]] = [{} for _ in searches[0].draws]
    for search in searches:
        for number, scores in enumerate(_rank_draws(x, identity, search, counts)):
            draws[number] |= _measures(search.direction, scores)
    return Report.of_draws(protocol_name, draws)


def _rank_draws(
    x: np.ndarray, identity: np.ndarray, search: Search, counts: Sequence[Count]
) -> list[dict[Count, RankMetrics]]:
    """Rank the gallery of each draw, counted in each way."""
    needed = np.unique(np.concatenate(search.draws))  # gallery rows of all draws
    distances = cosine_distances(x[search.queries], x[needed])  # (Q, needed)
    ranked = []
    for draw in search.draws:
        arguments = (
            distances.take(np.searchsorted(needed, draw), axis=1),  # (Q, G)
            identity[search.queries],
            identity[draw],
            None if search.excluded is None else search.excluded(search.queries, draw),
        )
        ranked.append({count: rank_metrics(*arguments, count, RANKS[-1]) for count in counts})
    return ranked


def _measures(direction: str, scores: dict[Count, RankMetrics]) -> dict[str, float]:
    (_, first), *others = scores.items()
    found = {f"{direction}/rank{k}": first.rank(k) for k in RANKS}
    found |= {f"{direction}/map": first.map, f"{direction}/minp": first.minp}
    for count, further in others:
        found |= {f"{direction}/{count}/rank{k}": further.rank(k) for k in RANKS}
    return found
