"""Time and memory of the metrics, against the loop over queries that public re-identification code uses.

    python perf/evaluation.py --output evaluation.json

Both versions get the same random features and must agree; the loop is a lean one of our own. Times are the best of five
runs (one for the loop); memory is the peak of what was allocated during one more run, the features not counted. Takes
three minutes.
"""

from __future__ import annotations

import argparse
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _table import Row, compared, print_and_store, time_of
from threadpoolctl import threadpool_limits

from xmodal_lite.evaluation import (
    RetrievalTask,
    cosine_distances,
    group_by_identity_and_camera,
    nearest_sample_metrics,
    rank_metrics,
    ranking,
    retrieval_report,
    sample_gallery,
    sysu_excluded,
)

WIDTH = 2048
Ids = np.ndarray


def loop_over_queries(
    distances: np.ndarray, queries: Ids, gallery: Ids, excluded: np.ndarray | None, by_identity: bool
) -> tuple[float, float]:
    """Return (rank-1, mAP) by sorting everything and then walking through the queries in Python."""
    order = np.argsort(distances, axis=1)
    matches = gallery[order] == queries[:, None]
    curves, precisions = [], []
    for q in range(len(queries)):
        kept = np.ones(len(gallery), bool) if excluded is None else ~excluded[q, order[q]]
        match = matches[q, kept]
        if not match.any():
            continue
        listed = match
        if by_identity:
            _, first = np.unique(gallery[order[q]][kept], return_index=True)
            listed = match[np.sort(first)]
        curves.append((listed.cumsum() > 0)[:20])
        hits = match.cumsum()
        precisions.append((hits / np.arange(1, len(hits) + 1) * match).sum() / match.sum())
    return float(np.mean([curve[0] for curve in curves])), float(np.mean(precisions))


def features(identity: Ids, seed: int) -> np.ndarray:
    """Draw features with a faint direction of each identity, so that ranks spread over the gallery."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((len(identity), WIDTH), dtype=np.float32)
    centres = np.random.default_rng(0).standard_normal((int(identity.max()) + 1, WIDTH), dtype=np.float32)
    return noise + 0.2 * centres[identity]


def sysu_draws(shots: int) -> tuple[Callable, Callable]:
    """SYSU-MM01, all search, the whole protocol: ten galleries of one or ten images of each identity and camera."""
    rng = np.random.default_rng(1)
    places = rng.permutation(96 * 4)[:301]  # an identity seen by a camera
    pool = np.concatenate(
        [places.repeat(10), rng.choice(places, 6775 - 3010)]
    )  # images of the visible cameras
    queries, query_camera = rng.integers(0, 96, 3803), rng.choice([3, 6], 3803)
    identity = np.concatenate([queries, pool // 4])
    camera = np.concatenate([query_camera, np.array([1, 2, 4, 5])[pool % 4]])
    x = np.concatenate([features(queries, 2), features(pool // 4, 3)])
    rows, seen = np.arange(3803), group_by_identity_and_camera(np.arange(3803, len(x)), identity, camera)
    trials = tuple(sample_gallery(seen, trial, shots) for trial in range(10))
    search = RetrievalTask("r2v", rows, trials, lambda q, g: sysu_excluded(camera[q], camera[g]))

    def ours() -> list[float]:
        metrics = retrieval_report(x, identity, [search], ["identities"], "SYSU-MM01").metrics
        return [metrics["r2v/rank1"], metrics["r2v/map"]]

    def loop() -> list[float]:
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        found = [
            loop_over_queries(
                -unit[rows] @ unit[g].T, queries, identity[g], sysu_excluded(query_camera, camera[g]), True
            )
            for g in trials
        ]
        return list(np.mean(found, axis=0))

    return ours, loop


def regdb() -> tuple[Callable, Callable]:
    """RegDB, the whole protocol of one split: both directions, CMC counted by image and by identity."""
    identity, x = np.arange(4120) // 10 % 206, features(np.arange(4120) // 10 % 206, 8)
    v, r = np.arange(2060), np.arange(2060, 4120)
    tasks = [RetrievalTask("v2r", v, (r,)), RetrievalTask("r2v", r, (v,))]

    def ours() -> list[float]:
        metrics = retrieval_report(x, identity, tasks, ["images", "identities"], "RegDB").metrics
        return [metrics[f"{direction}/{name}"] for direction in ("v2r", "r2v") for name in ("rank1", "map")]

    def loop() -> list[float]:
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        found = []
        for query, gallery in ((v, r), (r, v)):
            distances = -unit[query] @ unit[gallery].T
            loop_over_queries(distances, identity[query], identity[gallery], None, True)
            found += loop_over_queries(distances, identity[query], identity[gallery], None, False)
        return found

    return ours, loop


def one_gallery(q: int, g: int, identities: int, by_identity: bool) -> tuple[Callable, Callable]:
    """Rank one gallery of equal shares of every identity; distances are given."""
    queries, gallery = np.arange(q) % identities, np.arange(g) % identities
    distances = cosine_distances(features(queries, 4), features(gallery, 5))

    def ours() -> list[float]:
        scores = rank_metrics(distances, queries, gallery, count="identities" if by_identity else "images")
        return [scores.rank(1), scores.map]

    def loop() -> list[float]:
        return list(loop_over_queries(distances, queries, gallery, None, by_identity))

    return ours, loop


def best_spectrum() -> tuple[Callable, Callable]:
    """RRUFF, protocol A: 146 unseen minerals, each by its best spectrum."""
    queries, gallery = np.arange(2000) % 146, np.arange(310) % 146
    distances = cosine_distances(features(queries, 6), features(gallery, 7))

    def ours() -> list[float]:
        scores = nearest_sample_metrics(distances, queries, gallery)
        return [scores.rank(1), scores.mrr]

    def loop() -> list[float]:
        rank1, reciprocal = np.zeros((2, 146, 0)).tolist()
        for row, own in zip(distances, queries, strict=True):
            best = {i: row[gallery == i].min() for i in range(146)}
            place = sum(value <= best[own] for value in best.values())
            rank1[own].append(place == 1)
            reciprocal[own].append(1 / place)
        return [float(np.mean([np.mean(x) for x in rank1])), float(np.mean([np.mean(x) for x in reciprocal]))]

    return ours, loop


def measure(run: Callable[[], list[float]], repeats: int) -> tuple[float, float, list[float]]:
    """Return (best seconds, peak MB, what it computed)."""
    seconds = time_of(run, repeats)
    tracemalloc.start()
    result = run()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return seconds, peak, result


def main() -> None:
    """Print one table."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--output", type=Path)
    chosen = arguments.parse_args()
    ranking.THREADS = chosen.threads
    cases = {
        "SYSU, ten trials of 3803 x 301, with distances": (lambda: sysu_draws(1), 0.6),
        "SYSU, ten trials of 3803 x 3010, with distances": (lambda: sysu_draws(10), None),
        "RegDB, both directions, both counts": (regdb, None),
        "3803 x 3010, identities counted": (lambda: one_gallery(3803, 3010, 96, True), 0.6),
        "2060 x 2060, images counted": (lambda: one_gallery(2060, 2060, 206, False), 0.3),
        "best spectrum, 2000 x 310 of 146 minerals": (best_spectrum, None),
    }
    rows: list[Row] = []
    with threadpool_limits(chosen.threads):
        for what, (case, most) in cases.items():
            ours, loop = case()
            fast, lean, found = measure(ours, 5)
            slow, fat, expected = measure(loop, 1)
            np.testing.assert_allclose(found, expected, atol=2e-4)  # float32 rounding may swap near-ties
            mark = most and 1e3 * most
            rows.append({**compared(what, slow, fast), "at_most_ms": mark, "plain_MB": fat, "ours_MB": lean})
    print_and_store("evaluation", rows, chosen.output, threads=chosen.threads)


if __name__ == "__main__":
    main()
