import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xmodal_lite.evaluation import nearest_sample_metrics


def plain(distances, query_ids, gallery_ids):
    """Follow the rule in plain loops: ({k: rank-k}, MRR, valid queries), or None where nothing matches."""
    places = {}
    for row, identity in zip(distances, query_ids, strict=True):
        best = {}
        for distance, other in zip(row, gallery_ids, strict=True):
            best[other] = min(best.get(other, np.inf), distance)
        if identity in best:
            nearer = [o for o in best if o != identity and best[o] <= best[identity]]
            places.setdefault(identity, []).append(1 + len(nearer))
    if not places:
        return None
    size = len(set(gallery_ids))
    cmc = [np.mean([np.mean([p <= k for p in own]) for own in places.values()]) for k in range(1, size + 1)]
    mrr = np.mean([np.mean([1 / p for p in own]) for own in places.values()])
    return cmc, mrr, sum(map(len, places.values()))


def test_worked_by_hand() -> None:
    gallery = ["Quartz", "Quartz", "Calcite", "Gypsum"]
    queries = ["Quartz", "Quartz", "Calcite"]
    distances = [
        [9, 1, 2, 3],  # Quartz by its second spectrum: place 1
        [4, 5, 1, 1],  # Quartz at 4 behind both others: place 3
        [2, 9, 2, 7],  # Calcite ties with Quartz: place 2
    ]
    found = nearest_sample_metrics(distances, queries, gallery)
    np.testing.assert_allclose(found.cmc, [(1 / 2 + 0) / 2, (1 / 2 + 1) / 2, 1])
    assert found.mrr == pytest.approx(((1 + 1 / 3) / 2 + 1 / 2) / 2)
    assert found.valid_queries == 3


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_agrees_with_plain_loops(data) -> None:
    q, g, ids = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 9)), st.integers(0, 4)
    distances = data.draw(hnp.arrays(np.float32, (q, g), elements=st.integers(0, 3)))
    query_ids = data.draw(hnp.arrays(np.int64, q, elements=ids))
    gallery_ids = data.draw(hnp.arrays(np.int64, g, elements=ids))
    expected = plain(distances, query_ids.tolist(), gallery_ids.tolist())
    if expected is None:
        with pytest.raises(ValueError, match="no query has a match"):
            nearest_sample_metrics(distances, query_ids, gallery_ids)
        return
    found = nearest_sample_metrics(distances, query_ids, gallery_ids)
    np.testing.assert_allclose(found.cmc, expected[0], rtol=1e-12)
    assert found.mrr == pytest.approx(expected[1], rel=1e-12)
    assert found.valid_queries == expected[2]


def test_an_embedding_that_maps_all_to_one_point_scores_last_place() -> None:
    ids = np.repeat(np.arange(10), 3)
    found = nearest_sample_metrics(np.zeros((30, 30)), ids, ids)
    assert found.rank(9) == 0
    assert found.mrr == pytest.approx(1 / 10)


def test_the_order_of_the_gallery_never_matters_even_with_ties() -> None:
    rng = np.random.default_rng(0)
    distances, q, g = rng.integers(0, 4, (20, 30)), rng.integers(0, 6, 20), rng.integers(0, 6, 30)
    p = rng.permutation(30)
    one, two = nearest_sample_metrics(distances, q, g), nearest_sample_metrics(distances[:, p], q, g[p])
    np.testing.assert_array_equal(one.cmc, two.cmc)
    assert one.mrr == two.mrr


@pytest.mark.parametrize(
    ("distances", "query_ids", "gallery_ids", "words"),
    [
        (np.ones((2, 3)), [0], [0, 1, 2], "query_ids must have shape"),
        (np.ones((2, 3)), [0, 1], [0, 1], "gallery_ids must have shape"),
        (np.ones(3), [0], [0, 1, 2], "distances must have shape"),
        ([[1, np.nan]], [0], [0, 1], "distances hold NaN"),
        (np.ones((2, 3)), [8, 9], [0, 1, 2], "no query has a match"),
    ],
)
def test_what_cannot_be_ranked_is_named(distances, query_ids, gallery_ids, words) -> None:
    with pytest.raises(ValueError, match=words):
        nearest_sample_metrics(distances, query_ids, gallery_ids)
