"""RetrievalTask one modality with queries of the other: features in, a report out.

The features are compared once. A draw of the gallery only selects columns of that matrix of distances. A search can be
read as verification too: each query against each gallery image is a pair, genuine if both show one identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from xmodal_lite.evaluation.distance import cosine_distances
from xmodal_lite.evaluation.ranking import rank_metrics
from xmodal_lite.evaluation.report import Report
from xmodal_lite.evaluation.verification import verification_metrics

Count = Literal["images", "identities"]
RANKS = (1, 5, 10, 20)


@dataclass(frozen=True, eq=False)
class RetrievalTask:
    """Who is looked for where.

    Attributes
    ----------
    direction : str
        How its measures' names begin: "v2r" (queries of modality v, gallery of modality r) or "r2v", or a name of the
        gallery where a protocol has several.
    queries : np.ndarray, shape (Q,)
        Rows of the queries.
    trials : tuple of np.ndarray
        Rows of the gallery, one array for each draw.
    excluded : callable, optional
        Takes query rows (Q,) and gallery rows (G,), returns the mask (Q, G) of the pairs to ignore.
    fars : tuple of float
        False acceptance rates at which its pairs are verified as well; none, no verification.
    """

    direction: str
    queries: np.ndarray
    trials: tuple[np.ndarray, ...]
    excluded: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    fars: tuple[float, ...] = ()

    def valid_queries(self, identities: np.ndarray) -> int:
        """Count the queries with a match in the gallery of the first draw."""
        query, gallery = self.queries, self.trials[0]
        if self.excluded is None:
            return int(np.isin(identities[query], identities[gallery]).sum())
        genuine, _ = _kinds(identities[query], identities[gallery], self.excluded(query, gallery))
        return int(genuine.any(axis=1).sum())

    def pairs(self, identities: np.ndarray) -> tuple[int, int]:
        """Count the genuine and the impostor pairs of the first draw."""
        query, gallery = self.queries, self.trials[0]
        excluded = None if self.excluded is None else self.excluded(query, gallery)
        genuine, impostor = _kinds(identities[query], identities[gallery], excluded)
        return int(genuine.sum()), int(impostor.sum())


def retrieval_report(
    features: ArrayLike,
    identities: ArrayLike,
    tasks: Sequence[RetrievalTask],
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
    tasks : sequence of RetrievalTask
        With equally many trials each.
    counts : sequence of {"images", "identities"}
        What CMC counts as one place. With two, the ranks of the second get names of their own.
    protocol_name : str
        The whole protocol in words.

    Returns
    -------
    Report
        For each direction "r2v/rank1", "r2v/rank5", "r2v/rank10", "r2v/rank20", "r2v/map" and "r2v/minp", and for a
        second count such as "identities" also "r2v/identities/rank5" and so on; for a search with ``fars`` also such as
        "r2v/vr@0.1%", "r2v/eer" and "r2v/auc", see `VerificationMetrics`; their means over the trials, and each draw.

    Raises
    ------
    ValueError
        If lengths disagree, a feature is NaN or infinite, no query of a search has a match, or a search to verify
        has no impostor pair.
    """
    x, identity = _checked(features, identities)
    trials: list[dict[str, float]] = [{} for _ in tasks[0].trials]
    for search in tasks:
        for number, pairs in enumerate(_compare(x, identity, search)):
            trials[number] |= _ranked(search.direction, pairs, counts)
            if search.fars:
                trials[number] |= _verified(search.direction, pairs, search.fars)
    return Report.of_trials(protocol_name, trials)


def pair_scores(
    features: ArrayLike, identities: ArrayLike, search: RetrievalTask, draw: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Score every pair of a query and a gallery image, for curves and histograms.

    Parameters
    ----------
    features : array_like, shape (n, D)
        Embeddings of all test samples.
    identities : array_like, shape (n,)
        Identity of each sample.
    search : RetrievalTask
        Whose pairs to score, such as one of a split's.
    draw : int
        Which of its galleries.

    Returns
    -------
    genuine, impostor : np.ndarray, shape (g,) and (i,)
        Cosines of the pairs of one identity and of two; what `verification_metrics` takes.

    Raises
    ------
    ValueError
        If lengths disagree, or a feature is NaN or infinite.
    """
    x, identity = _checked(features, identities)
    only = replace(search, trials=(search.trials[draw],))
    return next(_compare(x, identity, only)).scores()


def _checked(features: ArrayLike, identities: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, D) and identities (n,) as arrays that belong together."""
    x, identity = np.asarray(features), np.asarray(identities)
    if x.ndim != 2 or identity.shape != x.shape[:1]:
        raise ValueError(
            f"features and identities must have shapes (n, D) and (n,), not {x.shape} and {identity.shape}; "
            "embed all test samples in order"
        )
    return x, identity


class _Pairs(NamedTuple):
    """The queries (Q,) against the gallery (G,) of one draw, in the order that `rank_metrics` takes them."""

    distances: np.ndarray  # (Q, G)
    query_ids: np.ndarray
    gallery_ids: np.ndarray
    excluded: np.ndarray | None  # (Q, G)

    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the cosines of the genuine and of the impostor pairs."""
        genuine, impostor = _kinds(self.query_ids, self.gallery_ids, self.excluded)
        return 1 - self.distances[genuine], 1 - self.distances[impostor]


def _kinds(
    query_ids: np.ndarray, gallery_ids: np.ndarray, excluded: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Mark the pairs of one identity (Q, G) and those of two (Q, G), without the excluded ones."""
    same = query_ids[:, None] == gallery_ids
    return (same, ~same) if excluded is None else (same & ~excluded, ~(same | excluded))


def _compare(x: np.ndarray, identity: np.ndarray, search: RetrievalTask) -> Iterator[_Pairs]:
    """Compare all features once and yield the pairs of each draw."""
    needed = np.unique(np.concatenate(search.trials))  # gallery rows of all trials
    distances = cosine_distances(x[search.queries], x[needed])  # (Q, needed)
    for draw in search.trials:
        yield _Pairs(
            distances.take(np.searchsorted(needed, draw), axis=1),
            identity[search.queries],
            identity[draw],
            None if search.excluded is None else search.excluded(search.queries, draw),
        )


def _ranked(direction: str, pairs: _Pairs, counts: Sequence[Count]) -> dict[str, float]:
    """Rank the gallery, counted in each way."""
    first, *others = (rank_metrics(*pairs, count, RANKS[-1]) for count in counts)
    found = {f"{direction}/rank{k}": first.rank(k) for k in RANKS}
    found |= {f"{direction}/map": first.map, f"{direction}/minp": first.minp}
    for count, further in zip(counts[1:], others, strict=True):
        found |= {f"{direction}/{count}/rank{k}": further.rank(k) for k in RANKS}
    return found


def _verified(direction: str, pairs: _Pairs, fars: Sequence[float]) -> dict[str, float]:
    """Verify every pair."""
    metrics = verification_metrics(*pairs.scores())
    found = {f"{direction}/vr@{100 * far:g}%": metrics.tpr_at_far(far) for far in fars}
    return found | {f"{direction}/eer": metrics.eer, f"{direction}/auc": metrics.auc}
