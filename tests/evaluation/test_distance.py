import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_distances as sklearn_distances

from xmodal_lite.evaluation import cosine_distances


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-6), (np.float64, 1e-14)])
def test_agrees_with_scikit_learn_at_any_scale(dtype: type, tolerance: float) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 17)).astype(dtype), rng.normal(size=(40, 17)).astype(dtype)
    expected = sklearn_distances(a.astype(np.float64), b.astype(np.float64))
    for scale in (1e-30, 1, 1e30):  # squares of the outer two leave the range of float32
        found = cosine_distances(a * dtype(scale), b)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, atol=tolerance)


def test_known_angles() -> None:
    found = cosine_distances([[1, 0]], [[2, 0], [0, 3], [-1, 0], [1, 1]])
    np.testing.assert_allclose(found, [[0, 1, 2, 1 - np.sqrt(0.5)]], atol=1e-6)


def test_a_zero_feature_is_at_distance_one_from_everything() -> None:
    np.testing.assert_array_equal(cosine_distances(np.zeros((1, 3)), np.vstack([np.zeros(3), np.eye(3)])), 1)


def test_torch_tensors_are_taken() -> None:
    torch = pytest.importorskip("torch")
    x = torch.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(np.diag(cosine_distances(x, x)), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (np.ones(3), np.ones((2, 3)), "queries must be a matrix"),
        (np.ones((2, 3)), np.ones((2, 4)), "queries have 3 features"),
        (np.ones((2, 3)), np.array([[1, np.nan, 0]]), "gallery holds NaN or infinite values in 1 of 1 rows"),
        (np.array([[np.inf, 0, 0]]), np.ones((2, 3)), "queries holds NaN or infinite"),
    ],
)
def test_what_cannot_be_compared_is_named(a: np.ndarray, b: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        cosine_distances(a, b)
