"""The search in an embedded gallery and what it returns: ranked lists, prediction sets, the rule of the sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xmodal_lite.escape import printable
from xmodal_lite.evaluation import nearest

QUERIES = 128  # compared with the gallery at a time


@dataclass(frozen=True, eq=False)
class Gallery:
    """The files to search, embedded.

    Attributes
    ----------
    folder : Path
        Where they lie.
    modality : int
        0 (v) or 1 (r).
    paths : np.ndarray, shape (G,)
        Files relative to the folder, in order.
    embeddings : np.ndarray, shape (G, D)
        float32 of unit length; memory-mapped.
    skipped : tuple of str
        One sentence for each file that could not be read.
    run : str
        Hash of the run that embedded them.
    """

    folder: Path
    modality: int
    paths: np.ndarray
    embeddings: np.ndarray
    skipped: tuple[str, ...]
    run: str


@dataclass(frozen=True)
class Match:
    """One entry of a ranked list.

    Attributes
    ----------
    rank : int
        From 1.
    path : str
        File of the gallery, relative to its folder.
    score : float
        Cosine with the query, from -1 to 1.
    in_set : bool
        Whether it is in the query's prediction set.
    """

    rank: int
    path: str
    score: float
    in_set: bool


@dataclass(frozen=True)
class PredictionSetRule:
    """What puts a gallery item into the prediction set.

    The coverage is approximate where the run's test has several queries of an identity; see
    `xmodal_lite.evaluation.conformal`.

    Attributes
    ----------
    alpha : float
        Share of queries that may miss.
    pairs : int
        Calibration scores of the run, one for each held-out test query with a match.
    distance : float
        Largest 1 - score of a member, rounding included; infinite where the pairs are too few for alpha.
    """

    alpha: float
    pairs: int
    distance: float

    def __str__(self) -> str:
        """Say the rule in a sentence."""
        aim = f"prediction sets at {100 * (1 - self.alpha):g} %"
        if not np.isfinite(self.distance):
            return (
                f"{aim}: everything, as {self.pairs} calibration queries are too few for alpha {self.alpha:g}"
            )
        return (
            f"{aim}: every item that scores {1 - self.distance:.4f} or more (calibrated on {self.pairs} held-out "
            "queries of the run; holds for queries like those, approximately where several show one identity)"
        )


@dataclass(frozen=True)
class QueryResult:
    """What was found for one query.

    Attributes
    ----------
    query : str
        Its file.
    matches : tuple of Match
        The k best, best first.
    prediction_set : tuple of str
        All files of the gallery that are in the set, best first.
    """

    query: str
    matches: tuple[Match, ...]
    prediction_set: tuple[str, ...]


@dataclass(frozen=True)
class MatchResults:
    """What was found for some queries; printed, one line a match.

    Attributes
    ----------
    run : str
        Hash of the run.
    names : tuple of str
        Modality of the queries and of the gallery.
    gallery : Gallery
        What was searched.
    rule : PredictionSetRule
        What made the prediction sets.
    answers : tuple of QueryResult
        In the order of the queries.
    """

    run: str
    names: tuple[str, str]
    gallery: Gallery
    rule: PredictionSetRule
    answers: tuple[QueryResult, ...]

    def __str__(self) -> str:
        """Lay the answers out, one line a match."""
        lines = []
        for answer in self.answers:
            head = f"{answer.query} ({self.names[0]}), in {len(self.gallery.paths)} files ({self.names[1]})"
            lines.append(one_line(head))
            lines += [
                f"{match.rank:>5}  {match.score:7.4f}  {'in set' if match.in_set else '':6}  {one_line(match.path)}"
                for match in answer.matches
            ]
            lines.append(f"       {len(answer.prediction_set)} in the prediction set")
        return "\n".join([*lines, str(self.rule)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON; "least_score" is None where the sets hold everything."""
        least = 1 - self.rule.distance if np.isfinite(self.rule.distance) else None
        return {
            "run": self.run,
            "query_modality": self.names[0],
            "gallery_modality": self.names[1],
            "gallery": str(self.gallery.folder),
            "gallery_files": len(self.gallery.paths),
            "skipped": list(self.gallery.skipped),
            "alpha": self.rule.alpha,
            "calibration_queries": self.rule.pairs,
            "least_score": least,
            "answers": [asdict(answer) for answer in self.answers],
        }


def search(
    asked: np.ndarray, gallery: Gallery, k: int, distance: float
) -> Iterator[tuple[tuple[Match, ...], tuple[str, ...]]]:
    """Yield the k best matches and the prediction set of each query (Q, D)."""
    for start in range(0, len(asked), QUERIES):
        part = asked[start : start + QUERIES]
        found = nearest(part, gallery.embeddings, k, within=distance)
        for indices, scores, members in zip(found.indices, found.similarities, found.inside, strict=True):
            matches = tuple(
                Match(rank, str(gallery.paths[index]), float(score), bool(1 - score <= distance))
                for rank, (index, score) in enumerate(zip(indices, scores, strict=True), 1)
            )
            yield matches, tuple(gallery.paths[members].tolist())


def one_line(text: str) -> str:
    """Return a text that holds a file's name for a terminal: a line break in the name would look like a result."""
    return printable(text).replace("\n", "\\n")
