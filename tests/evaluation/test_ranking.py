"""rank_metrics against a float64 version in plain loops, hand-worked lists, and other libraries."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score

from xmodal_lite.evaluation import rank_metrics, ranking

# Worked by hand. Ranked lists of identities, nearest first, for queries of identity 0, 1, 2 and 7:
#   0: [0] 1 [0] 2 1 2      AP (1/1 + 2/3) / 2          INP 2/3   first match 1
#   1: 2 2 [1] 0 0 [1]      AP (1/3 + 2/6) / 2          INP 2/6   first match 3; place 2 among identities
#   2: 0 1 [2] 1 0 [2]      AP (1/3 + 2/6) / 2          INP 2/6   first match 3; place 3 among identities
#   7: never there          left out
GALLERY = np.array([0, 0, 1, 1, 2, 2])
QUERIES = np.array([0, 1, 2, 7])
DISTANCES = np.array(
    [
        [0.1, 0.3, 0.2, 0.5, 0.4, 0.6],
        [0.4, 0.5, 0.3, 0.6, 0.1, 0.2],
        [0.1, 0.5, 0.2, 0.4, 0.3, 0.6],
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    ]
)


def plain(distances, query_ids, gallery_ids, excluded=None, count="images", max_rank=20):
    """Measure one query after the other, in float64 and in words: (cmc, mAP, mINP, MRR, valid queries)."""
    firsts, precisions, penalties = [], [], []
    for q, identity in enumerate(query_ids):
        kept = [g for g in range(len(gallery_ids)) if excluded is None or not excluded[q][g]]
        kept.sort(key=lambda g, q=q: (distances[q][g], g))
        ids = [gallery_ids[g] for g in kept]
        places = [i + 1 for i, other in enumerate(ids) if other == identity]
        if not places:
            continue
        distinct = list(dict.fromkeys(ids))
        firsts.append(places[0] if count == "images" else distinct.index(identity) + 1)
        precisions.append(sum((j + 1) / place for j, place in enumerate(places)) / len(places))
        penalties.append(len(places) / places[-1])
    if not firsts:
        return None
    cmc = [sum(f <= k for f in firsts) / len(firsts) for k in range(1, max_rank + 1)]
    return cmc, np.mean(precisions), np.mean(penalties), np.mean([1 / f for f in firsts]), len(firsts)


def assert_same(found, expected) -> None:
    cmc, mean_ap, minp, mrr, valid = expected
    np.testing.assert_allclose(found.cmc, cmc, rtol=1e-12)
    np.testing.assert_allclose([found.map, found.minp, found.mrr], [mean_ap, minp, mrr], rtol=1e-12)
    assert found.valid_queries == valid


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_worked_by_hand(dtype) -> None:
    found = rank_metrics(DISTANCES.astype(dtype), QUERIES, GALLERY)
    assert found.valid_queries == 3
    np.testing.assert_allclose(found.cmc[:4], [1 / 3, 1 / 3, 1, 1])
    np.testing.assert_allclose(found.map, (5 / 6 + 1 / 3 + 1 / 3) / 3)
    np.testing.assert_allclose(found.minp, (2 / 3 + 1 / 3 + 1 / 3) / 3)
    np.testing.assert_allclose(found.mrr, (1 + 1 / 3 + 1 / 3) / 3)


def test_identities_are_counted_once() -> None:
    found = rank_metrics(DISTANCES, QUERIES, GALLERY, count="identities")
    np.testing.assert_allclose(found.cmc[:4], [1 / 3, 2 / 3, 1, 1])
    np.testing.assert_allclose(found.mrr, (1 + 1 / 2 + 1 / 3) / 3)
    by_image = rank_metrics(DISTANCES, QUERIES, GALLERY)
    assert (found.map, found.minp) == (by_image.map, by_image.minp)


def test_excluded_pairs_leave_the_list() -> None:
    excluded = np.zeros(DISTANCES.shape, bool)
    excluded[0, 0] = True  # query 0 loses its nearest match: 1 [0] 2 1 2
    excluded[1, [2, 3]] = True  # query 1 loses both matches and is left out
    excluded[2, 0] = True  # query 2 loses a wrong neighbour: 1 [2] 1 0 [2]
    found = rank_metrics(DISTANCES, QUERIES, GALLERY, excluded)
    assert found.valid_queries == 2
    np.testing.assert_allclose(found.cmc[:2], [0, 1])
    np.testing.assert_allclose(found.map, (1 / 2 + (1 / 2 + 2 / 5) / 2) / 2)
    np.testing.assert_allclose(found.minp, (1 / 2 + 2 / 5) / 2)


def test_an_excluded_item_stands_behind_an_infinitely_far_match() -> None:
    found = rank_metrics([[np.inf, np.inf]], [1], [0, 1], np.array([[True, False]]))
    assert found.rank(1) == 1


def test_ties_keep_the_order_of_the_gallery() -> None:
    tied = np.zeros((1, 3))
    assert rank_metrics(tied, [5], [5, 6, 7]).mrr == 1
    assert rank_metrics(tied, [5], [6, 7, 5]).mrr == 1 / 3


@st.composite
def problems(draw):
    q, g = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    values = draw(hnp.arrays(np.int64, (q, g), elements=st.integers(-2, 3)))  # few values: many ties
    ids = st.integers(0, 3)
    query_ids, gallery_ids = (
        draw(hnp.arrays(np.int64, q, elements=ids)),
        draw(hnp.arrays(np.int64, g, elements=ids)),
    )
    excluded = draw(st.none() | hnp.arrays(bool, (q, g)))
    return values.astype(draw(st.sampled_from(["f4", "f8", "i8"]))), query_ids, gallery_ids, excluded


@settings(max_examples=400, deadline=None)
@given(
    problems(),
    st.sampled_from(["images", "identities"]),
    st.integers(1, 12),
    st.sampled_from([1, 20, 1 << 17]),
)
def test_agrees_with_plain_loops(problem, count, max_rank, block) -> None:
    expected = plain(*problem, count=count, max_rank=max_rank)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "BLOCK", block)  # one query a block, a few, all
        if expected is None:
            with pytest.raises(ValueError, match="no query has a match"):
                rank_metrics(*problem, count=count, max_rank=max_rank)
        else:
            assert_same(rank_metrics(*problem, count=count, max_rank=max_rank), expected)


def test_agrees_with_plain_loops_at_a_size_of_many_blocks() -> None:
    rng = np.random.default_rng(0)
    q, g = 300, 1000
    distances = rng.normal(size=(q, g)).astype(np.float32).round(2)
    problem = distances, rng.integers(0, 40, q), rng.integers(0, 30, g), rng.random((q, g)) < 0.2
    assert distances.size > ranking.BLOCK
    for count in ("images", "identities"):
        assert_same(rank_metrics(*problem, count=count), plain(*problem, count=count))


floats = st.floats(width=32, allow_nan=False) | st.sampled_from([0.0, -0.0, np.inf, -np.inf, 1e-45, -1e-45])


@settings(max_examples=300, deadline=None)
@given(hnp.arrays(np.float32, (2, 7), elements=floats))
def test_the_fast_order_of_float32_is_the_stable_one(distances) -> None:
    np.testing.assert_array_equal(
        ranking._stable_order(distances), np.argsort(distances, axis=1, kind="stable")
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_without_ties_the_order_of_queries_and_gallery_is_irrelevant(seed) -> None:
    rng = np.random.default_rng(seed)
    distances = rng.permutation(8 * 15).reshape(8, 15).astype(np.float32)
    query_ids, gallery_ids = rng.integers(0, 4, 8), rng.integers(0, 4, 15)
    assume(np.isin(query_ids, gallery_ids).any())
    p, s = rng.permutation(8), rng.permutation(15)
    for count in ("images", "identities"):
        one = rank_metrics(distances, query_ids, gallery_ids, count=count)
        two = rank_metrics(distances[p][:, s], query_ids[p], gallery_ids[s], count=count)
        np.testing.assert_allclose(two.cmc, one.cmc)
        np.testing.assert_allclose([two.map, two.minp, two.mrr], [one.map, one.minp, one.mrr])


def test_perfect_and_worst() -> None:
    ids = np.repeat(np.arange(5), 3)
    same = ids[:, None] == ids
    best = rank_metrics((~same).astype(float), ids, ids, max_rank=12)
    assert (best.map, best.minp, best.mrr, best.valid_queries) == pytest.approx((1, 1, 1, 15))
    assert (best.cmc == 1).all()
    worst = rank_metrics(same.astype(float), ids, ids, max_rank=13)
    assert worst.rank(12) == 0
    assert worst.rank(13) == 1
    assert worst.map == pytest.approx((1 / 13 + 2 / 14 + 3 / 15) / 3)
    by_identity = rank_metrics(same.astype(float), ids, ids, count="identities")
    assert by_identity.rank(4) == 0
    assert by_identity.rank(5) == 1


def test_a_curve_longer_than_the_gallery_is_flat_beyond_it() -> None:
    found = rank_metrics(DISTANCES, QUERIES, GALLERY, max_rank=50)
    assert found.cmc.shape == (50,)
    assert (found.cmc[2:] == 1).all()


def test_names_and_tensors_are_taken_as_they_are() -> None:
    torch = pytest.importorskip("torch")
    expected = rank_metrics(DISTANCES, QUERIES, GALLERY)
    names = np.array(["Quartz", "Calcite", "Gypsum", *"....", "Zircon"])
    tensors = rank_metrics(torch.tensor(DISTANCES), torch.tensor(QUERIES), torch.tensor(GALLERY))
    for found in (rank_metrics(DISTANCES, names[QUERIES], names[GALLERY]), tensors):
        np.testing.assert_array_equal(found.cmc, expected.cmc)
        assert (found.map, found.minp) == (expected.map, expected.minp)


def test_a_column_selection_of_a_larger_matrix_works() -> None:
    """A draw of the gallery selects columns, so the matrix need not be contiguous."""
    rng = np.random.default_rng(1)
    wide, ids = rng.random((6, 40), dtype=np.float32), rng.integers(0, 3, 40)
    for view in (wide[:, ::3], np.asfortranarray(wide)[:, ::3]):
        assert_same(rank_metrics(view, ids[:6], ids[::3]), plain(wide[:, ::3], ids[:6], ids[::3]))


def test_mean_average_precision_is_scikit_learns() -> None:
    rng = np.random.default_rng(2)
    distances, q, g = rng.random((25, 60)), rng.integers(0, 6, 25), rng.integers(0, 6, 60)
    expected = np.mean([average_precision_score(g == q[i], -distances[i]) for i in range(25)])
    assert rank_metrics(distances, q, g).map == pytest.approx(expected, abs=1e-12)


def test_mean_average_precision_is_pytorch_metric_learnings() -> None:
    torch = pytest.importorskip("torch")
    accuracy = pytest.importorskip("pytorch_metric_learning.utils.accuracy_calculator")
    inference = pytest.importorskip("pytorch_metric_learning.utils.inference")
    distance = pytest.importorskip("pytorch_metric_learning.distances")
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(25, 8)), rng.normal(size=(60, 8))
    q, g = rng.integers(0, 6, 25), rng.integers(0, 6, 60)
    theirs = accuracy.AccuracyCalculator(
        include=("precision_at_1", "mean_average_precision", "mean_reciprocal_rank"),
        k=60,
        device=torch.device("cpu"),
        knn_func=inference.CustomKNN(distance.LpDistance(normalize_embeddings=False)),
    ).get_accuracy(*map(torch.as_tensor, (a, q, b, g)))
    ours = rank_metrics(np.linalg.norm(a[:, None] - b, axis=2), q, g)
    assert ours.rank(1) == pytest.approx(theirs["precision_at_1"], abs=1e-6)
    assert ours.map == pytest.approx(theirs["mean_average_precision"], abs=1e-6)
    assert ours.mrr == pytest.approx(theirs["mean_reciprocal_rank"], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"distances": DISTANCES[0]}, "distances must have shape"),
        ({"distances": DISTANCES[:, :0], "gallery_ids": []}, "distances must have shape"),
        ({"query_ids": [0, 1]}, "query_ids must have shape"),
        ({"gallery_ids": [0, 1]}, "gallery_ids must have shape"),
        ({"distances": np.where(DISTANCES == 0.5, np.nan, DISTANCES)}, "distances hold NaN"),
        ({"distances": np.where(DISTANCES == 0.5, np.nan, DISTANCES).astype("f4")}, "distances hold NaN"),
        ({"excluded": np.zeros((4, 5), bool)}, "excluded must be bool"),
        ({"excluded": np.zeros((4, 6), int)}, "excluded must be bool"),
        ({"count": "people"}, "count must be"),
        ({"max_rank": 0}, "max_rank must be"),
        ({"query_ids": [7, 7, 8, 9]}, "no query has a match in the gallery"),
        ({"excluded": np.ones((4, 6), bool)}, "no query has a match in the gallery"),
        (
            {"distances": np.zeros((0, 6)), "query_ids": np.zeros(0, int)},
            "no query has a match in the gallery",
        ),
    ],
)
def test_what_cannot_be_ranked_is_named(change, words) -> None:
    problem = {"distances": DISTANCES, "query_ids": QUERIES, "gallery_ids": GALLERY} | change
    with pytest.raises(ValueError, match=words):
        rank_metrics(**problem)


@pytest.mark.parametrize("k", [0, 21])
def test_a_rank_that_was_not_measured_is_refused(k) -> None:
    with pytest.raises(ValueError, match="was not measured"):
        rank_metrics(DISTANCES, QUERIES, GALLERY).rank(k)
