"""Reports of whole protocols against the same steps written out, with a fresh matrix of distances for each draw."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from xmodal_lite.evaluation import (
    RetrievalTask,
    cosine_distances,
    pair_scores,
    rank_metrics,
    retrieval_report,
    sysu_excluded,
    verification_metrics,
)

IDENTITY = np.arange(60) % 12
CAMERA = np.where(np.arange(60) < 24, 3 + 3 * (np.arange(60) // 12 % 2), 1 + np.arange(60) % 2)
FEATURES = np.random.default_rng(0).standard_normal((60, 8)) + np.eye(12, 8)[IDENTITY]
QUERIES = np.arange(24)


def rule(query: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    return sysu_excluded(CAMERA[query], CAMERA[gallery])


@pytest.fixture
def trials() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(1)
    return tuple(rng.permutation(np.arange(24, 60))[:20] for _ in range(3))


def test_trials_are_ranked_as_if_each_were_compared_alone(trials: tuple[np.ndarray, ...]) -> None:
    report = retrieval_report(
        FEATURES, IDENTITY, [RetrievalTask("r2v", QUERIES, trials, rule)], ["identities"], "toy"
    )
    assert len(report.trials) == 3
    for drawn, found in zip(trials, report.trials, strict=True):
        scores = rank_metrics(
            cosine_distances(FEATURES[QUERIES], FEATURES[drawn]),
            IDENTITY[QUERIES],
            IDENTITY[drawn],
            sysu_excluded(CAMERA[QUERIES], CAMERA[drawn]),
            "identities",
        )
        expected = {f"r2v/rank{k}": scores.rank(k) for k in (1, 5, 10, 20)}
        assert found == pytest.approx(expected | {"r2v/map": scores.map, "r2v/minp": scores.minp})
    mean = np.mean([found["r2v/map"] for found in report.trials])
    assert report.metrics["r2v/map"] == pytest.approx(mean)
    assert report.trials[0] != report.trials[1]


def test_both_directions_and_both_counts() -> None:
    v, r = np.arange(24, 60), QUERIES
    report = retrieval_report(
        FEATURES,
        IDENTITY,
        [RetrievalTask("v2r", v, (r,)), RetrievalTask("r2v", r, (v,))],
        ["images", "identities"],
        "toy, both directions",
    )
    distances = cosine_distances(FEATURES[v], FEATURES[r])
    for direction, matrix, query, gallery in (("v2r", distances, v, r), ("r2v", distances.T, r, v)):
        images = rank_metrics(matrix, IDENTITY[query], IDENTITY[gallery])
        identities = rank_metrics(matrix, IDENTITY[query], IDENTITY[gallery], count="identities")
        assert report.metrics[f"{direction}/rank10"] == pytest.approx(images.rank(10))
        assert report.metrics[f"{direction}/identities/rank10"] == pytest.approx(identities.rank(10))
        assert identities.rank(10) > images.rank(10)
    assert str(report).splitlines()[0] == "toy, both directions (%)"


def test_answerable_counts_what_the_ranking_counts(trials: tuple[np.ndarray, ...]) -> None:
    gallery = trials[0][IDENTITY[trials[0]] > 5]
    for search in (
        RetrievalTask("r2v", QUERIES, (gallery,), rule),
        RetrievalTask("r2v", QUERIES, (gallery,)),
    ):
        excluded = search.excluded and search.excluded(QUERIES, gallery)
        scores = rank_metrics(np.zeros((24, len(gallery))), IDENTITY[QUERIES], IDENTITY[gallery], excluded)
        assert search.valid_queries(IDENTITY) == scores.valid_queries < 24


def test_fewer_features_than_samples(trials: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(ValueError, match="embed all test samples in order"):
        retrieval_report(FEATURES[1:], IDENTITY, [RetrievalTask("r2v", QUERIES, trials)], ["images"], "toy")


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_verification_of_every_pair_equals_scikit_learn(
    trials: tuple[np.ndarray, ...], masked: bool, ties: bool
) -> None:
    x = FEATURES.round() if ties else FEATURES
    search = RetrievalTask("r2v", QUERIES, trials, rule if masked else None, fars=(0.05, 0.001))
    plain = RetrievalTask("r2v", QUERIES, trials, rule if masked else None)
    report = retrieval_report(x, IDENTITY, [search], ["images"], "toy")
    for number, (drawn, found) in enumerate(zip(trials, report.trials, strict=True)):
        kept = ~rule(QUERIES, drawn) if masked else np.ones((24, 20), dtype=bool)
        same = (IDENTITY[QUERIES][:, None] == IDENTITY[drawn])[kept]
        scores = 1 - cosine_distances(x[QUERIES], x[drawn])[kept]
        fpr, tpr, thresholds = roc_curve(same, scores, drop_intermediate=False)
        assert found["r2v/vr@5%"] == tpr[fpr <= 0.05].max()
        assert found["r2v/vr@0.1%"] == tpr[fpr <= 0.001].max()
        assert found["r2v/auc"] == pytest.approx(roc_auc_score(same, scores))
        genuine, impostor = pair_scores(x, IDENTITY, search, number)
        metrics = verification_metrics(genuine, impostor)
        np.testing.assert_array_equal(metrics.roc.fpr, fpr)
        np.testing.assert_array_equal(metrics.roc.tpr, tpr)
        np.testing.assert_array_equal(metrics.roc.thresholds, thresholds)
        assert found["r2v/eer"] == metrics.eer
        if number == 0:
            assert search.pairs(IDENTITY) == (len(genuine), len(impostor)) == (same.sum(), (~same).sum())
    without = retrieval_report(x, IDENTITY, [plain], ["images"], "toy").metrics
    assert {name: report.metrics[name] for name in without} == without
    assert report.metrics.keys() - without.keys() == {"r2v/vr@5%", "r2v/vr@0.1%", "r2v/eer", "r2v/auc"}


def test_nothing_to_verify() -> None:
    alone = np.flatnonzero(IDENTITY == 3)
    search = RetrievalTask("r2v", alone[:2], (alone[2:],), fars=(0.01,))
    with pytest.raises(ValueError, match="no impostor pair"):
        retrieval_report(FEATURES, IDENTITY, [search], ["images"], "toy")
