import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmodal_lite.evaluation import nearest, topk


def brute_force(queries: np.ndarray, gallery: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Sort all cosines in float64, the lower row first of equal ones."""
    q, g = (
        x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries.astype(float), gallery.astype(float))
    )
    cosine = q @ g.T
    order = np.argsort(-cosine, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(cosine, order, axis=1)


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_agrees_with_sorting_everything_whatever_the_block(block: int) -> None:
    rng = np.random.default_rng(0)
    queries, gallery = rng.standard_normal((150, 24)), 5 * rng.standard_normal((300, 24))
    order, cosine = brute_force(queries, gallery, 10)
    found = nearest(queries, gallery, 10, block=block)
    assert found.similarities.dtype == np.float32
    np.testing.assert_array_equal(found.indices, order)
    np.testing.assert_allclose(found.similarities, cosine, atol=1e-6)


@given(seed=st.integers(0, 1000), block=st.integers(1, 40), k=st.integers(1, 30))
def test_of_equal_similarities_the_lower_row_comes_first(seed: int, block: int, k: int) -> None:
    axes = np.random.default_rng(seed).integers(
        0, 4, 30
    )  # cosines are exactly 0, 1 or -1, so that ties abound
    gallery = np.eye(3)[axes.clip(max=2)] * np.where(axes == 3, -1, 1)[:, None]
    queries = np.array([[1, 0, 0], [0, 0, 2], [0, 0, 0]])
    expected = np.argsort(-queries.clip(max=1) @ gallery.T, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(nearest(queries, gallery, k, block=block).indices, expected)


@given(seed=st.integers(0, 1000), block=st.integers(1, 40), within=st.floats(-0.5, 2.5))
def test_all_items_within_a_distance(seed: int, block: int, within: float) -> None:
    rng = np.random.default_rng(seed)
    queries, gallery = rng.standard_normal((3, 5)), rng.standard_normal((40, 5))
    order, cosine = brute_force(queries, gallery, 40)
    found = nearest(queries, gallery, 2, block=block, within=within)
    np.testing.assert_array_equal(found.indices, order[:, :2])
    for rows, similarities, members in zip(order, cosine, found.inside, strict=True):
        clear = np.abs(1 - similarities - within) > 1e-5  # not on the border
        expected = rows[clear & (1 - similarities <= within)]
        np.testing.assert_array_equal([row for row in members if row in rows[clear]], expected)
    assert nearest(queries, gallery, 2).inside == ()


def test_a_gallery_on_disk_is_searched_in_the_memory_of_one_block(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    gallery = rng.standard_normal((40_000, 64), dtype=np.float32)  # 10 MB
    np.save(tmp_path / "gallery.npy", gallery)
    peaks = {}
    for size in (10_000, 40_000):
        tracemalloc.start()
        found = nearest(
            gallery[[3, 9999]], np.load(tmp_path / "gallery.npy", mmap_mode="r")[:size], 5, block=1000
        )
        peaks[size] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        np.testing.assert_array_equal(found.indices[:, 0], [3, 9999])
    assert peaks[40_000] < 1.2 * peaks[10_000] < 3e6


@given(seed=st.integers(0, 1000), k=st.integers(1, 30))
def test_the_largest_of_a_row_are_those_of_a_stable_sort(seed: int, k: int) -> None:
    similarities = np.random.default_rng(seed).integers(-3, 4, (4, 30)).astype(np.float32)  # ties abound
    found = topk(similarities, k)
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(found.indices, order)
    np.testing.assert_array_equal(found.similarities, np.take_along_axis(similarities, order, axis=1))


def test_no_query_finds_nothing() -> None:
    assert nearest(np.empty((0, 4)), np.ones((9, 4)), 3).indices.shape == (0, 3)


@pytest.mark.parametrize(
    ("queries", "gallery", "options", "message"),
    [
        (np.ones(4), np.ones((9, 4)), {}, "queries must be a matrix"),
        (np.ones((2, 4)), np.ones((9, 5)), {}, "gallery must have shape (items, 4)"),
        (np.ones((2, 4)), np.ones((9, 4)), {"k": 10}, "k must be from 1 to the 9 items"),
        (np.ones((2, 4)), np.ones((9, 4)), {"k": 0}, "k must be from 1"),
        (np.ones((2, 4)), np.ones((9, 4)), {"block": 0}, "block must be at least 1"),
        (np.ones((2, 4)), np.full((9, 4), np.nan), {}, "gallery holds NaN or infinite values"),
    ],
)
def test_what_makes_no_sense_is_named(
    queries: np.ndarray, gallery: np.ndarray, options: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        nearest(queries, gallery, **({"k": 1} | options))
