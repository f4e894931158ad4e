import math

import numpy as np
import pytest
from scipy.stats import binom

from xmodal_lite.evaluation import conformal_threshold, nonconformity


@pytest.mark.parametrize(
    ("count", "alpha", "place"),
    [(9, 0.1, 9), (19, 0.1, 18), (10, 0.1, 10), (20, 0.1, 19), (99, 0.05, 95), (1, 0.5, 1), (3, 0.4, 3)],
)
def test_it_is_the_order_statistic_that_the_formula_names(count: int, alpha: float, place: int) -> None:
    scores = np.random.default_rng(0).permutation(np.arange(1.0, count + 1))  # the place is the value
    assert conformal_threshold(scores, alpha) == place


@pytest.mark.parametrize(("count", "alpha"), [(0, 0.1), (8, 0.1), (18, 0.05), (0, 0.999)])
def test_too_few_scores_promise_only_everything(count: int, alpha: float) -> None:
    assert conformal_threshold(np.zeros(count), alpha) == math.inf


@pytest.mark.parametrize(("count", "alpha"), [(9, 0.1), (30, 0.2), (200, 0.1), (57, 0.37)])
def test_the_coverage_is_what_it_should_be_on_exchangeable_scores(count: int, alpha: float) -> None:
    rng, repeats = np.random.default_rng(1), 4000
    trials = rng.gamma(0.7, size=(repeats, count + 1))  # the last of each is the new query
    covered = sum(new <= conformal_threshold(scores, alpha) for *scores, new in trials)
    exact = math.ceil(round((count + 1) * (1 - alpha), 9)) / (count + 1)  # without ties
    low, high = binom.ppf([1e-4, 1 - 1e-4], repeats, exact)
    assert exact >= 1 - alpha
    assert low <= covered <= high


def test_ties_only_add_to_the_coverage() -> None:
    rng, alpha = np.random.default_rng(2), 0.2
    trials = rng.integers(0, 3, (2000, 20))
    covered = np.mean([new <= conformal_threshold(scores, alpha) for *scores, new in trials])
    assert covered > 1 - alpha


def test_several_queries_of_an_identity_cover_a_new_identity_only_approximately() -> None:
    """100 scores of 5 identities, nearly equal within one: they cover as about 5 scores do, 5 / 6 and not 0.9."""
    rng, repeats = np.random.default_rng(5), 2000
    identities = rng.gamma(0.7, size=(repeats, 6))
    scores = np.repeat(identities[:, :5], 20, axis=1) + 1e-6 * rng.standard_normal((repeats, 100))
    thresholds = np.array([conformal_threshold(row, 0.1) for row in scores])
    covered = np.mean(identities[:, 5] <= thresholds)
    assert covered == pytest.approx(5 / 6, abs=0.03)
    one_each = np.array([conformal_threshold(row[::20], 1 / 6) for row in scores])
    assert np.mean(identities[:, 5] <= one_each) == pytest.approx(5 / 6, abs=0.03)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5, math.nan])
def test_an_alpha_that_makes_no_sense_is_named(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must be between 0 and 1"):
        conformal_threshold([0.1], alpha)


def test_scores_that_make_no_sense_are_named() -> None:
    with pytest.raises(ValueError, match="NaN in 1 of 3"):
        conformal_threshold([0.1, math.nan, 0.2], 0.1)
    with pytest.raises(ValueError, match="must be a vector"):
        conformal_threshold([[0.1]], 0.1)


def test_the_score_is_that_of_the_nearest_sample_of_the_same_identity() -> None:
    queries = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    gallery = np.array([[0.0, 3.0], [1.0, 1.0], [5.0, 0.0]])
    found = nonconformity(queries, gallery, ["a", "b", "c"], ["a", "a", "b"])
    np.testing.assert_allclose(found, [1 - math.sqrt(0.5), 1], atol=1e-6)  # c is not in the gallery
    assert found.dtype == np.float32


def test_many_queries_give_what_each_gives_alone() -> None:
    rng = np.random.default_rng(3)
    queries, gallery = rng.standard_normal((1100, 5)), rng.standard_normal((40, 5))
    query_ids, gallery_ids = rng.integers(0, 12, 1100), rng.integers(0, 10, 40)
    expected = []
    for query, identity in zip(queries, query_ids, strict=True):
        own = gallery[gallery_ids == identity]
        if len(own):
            cosine = own @ query / np.linalg.norm(own, axis=1) / np.linalg.norm(query)
            expected.append(1 - cosine.max())
    assert len(expected) < 1100
    np.testing.assert_allclose(nonconformity(queries, gallery, query_ids, gallery_ids), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("queries", "query_ids", "words"),
    [
        (np.ones((2, 3)), [0, 1], "must have shapes"),
        (np.ones((2, 4)), [0], "must have shapes"),
        (np.full((1, 4), np.nan), [0], "queries holds NaN"),
    ],
)
def test_what_cannot_be_scored_is_named(queries: np.ndarray, query_ids: list[int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        nonconformity(queries, np.ones((3, 4)), query_ids, [0, 1, 2])
