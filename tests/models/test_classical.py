"""The closed forms, against plain algebra and on pairs made to be easy."""

import numpy as np
import pytest
from scipy.linalg import solve

from xmodal_lite.models.classical import build_classical, classical_names


@pytest.fixture
def pairs():
    """Two views of the same eight hidden numbers, 60 pairs to fit and 20 to test."""
    rng = np.random.default_rng(0)
    hidden = rng.random((80, 8))
    v, r = (hidden @ rng.random((8, n)) + 0.01 * rng.random((80, n)) for n in (40, 30))
    return v[:60], r[:60], v[60:], r[60:]


def rank1(a, b):
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    return np.mean((a @ b.T).argmax(1) == np.arange(len(a)))


@pytest.mark.parametrize(
    ("name", "options"),
    [("cca", {"components": 8}), ("kernel-ridge", {"alpha": 1e-3}), ("pls", {"components": 8})],
)
def test_finds_the_partner(pairs, name, options):
    v, r, test_v, test_r = pairs
    model = build_classical(name, **options)
    model.fit(v, r)
    a, b = model.embed(test_v, 0), model.embed(test_r, 1)
    assert a.dtype == b.dtype == np.float32
    assert rank1(a, b) > 0.8


def test_kernel_ridge_solves_its_equations(pairs):
    v, r, test_v, _ = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in pairs)
    model = build_classical("kernel-ridge", gamma=2.0, alpha=0.3)
    model.fit(v, r)

    def kernel(a, b):
        return np.exp(-2.0 * ((a[:, None] - b[None]) ** 2).sum(2))

    expected = kernel(test_v, v) @ solve(kernel(v, v) + 0.3 * np.eye(len(v)), r)
    np.testing.assert_allclose(model.embed(test_v, 0), expected, rtol=1e-4, atol=1e-6)


def test_pls_predicts_r_where_it_is_a_linear_function_of_v():
    rng = np.random.default_rng(3)
    unit = rng.random((80, 6))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    turn = np.linalg.qr(rng.random((6, 6)))[0]  # keeps lengths, so r is linear in v after normalisation, too
    model = build_classical("pls", components=6)
    model.fit(unit[:60], unit[:60] @ turn)
    np.testing.assert_allclose(model.embed(unit[60:], 0), unit[60:] @ turn, atol=1e-5)


def test_mean_answers_every_query_alike(pairs):
    v, r, test_v, test_r = pairs
    model = build_classical("mean")
    model.fit(v, r)
    found = model.embed(test_v, 0)
    assert found.shape == test_r.shape and np.ptp(found, axis=0).max() == 0
    expected = (r / np.linalg.norm(r, axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


def test_cca_directions_are_correlated_as_said(pairs):
    v, r, *_ = pairs
    model = build_classical("cca", components=8, directions=3)
    model.fit(v, r)
    a, b = model.embed(v, 0), model.embed(r, 1)
    correlation = np.corrcoef(a.T, b.T)[:3, 3:]
    assert (np.diag(correlation) > 0.9).all()
    assert (np.abs(correlation - np.diag(np.diag(correlation))) < 0.05).all()


def test_cosine_is_the_sample_itself():
    x = np.random.default_rng(0).random((3, 5), dtype=np.float32)
    np.testing.assert_array_equal(build_classical("cosine").embed(x, 1), x)


def test_hog_finds_the_same_edges_in_another_colour():
    rng = np.random.default_rng(0)
    drawn = np.kron(rng.integers(0, 2, (4, 1, 4, 4)), np.ones((8, 8)))  # (4, 1, 32, 32), 0.0 or 1.0
    dark, light = (np.repeat(a + b * drawn, 3, axis=1).astype(np.uint8) for a, b in ((20, 60), (240, -90)))
    model = build_classical("cosine", features="hog")
    unit = [
        x / np.linalg.norm(x, axis=1, keepdims=True) for x in (model.embed(dark, 0), model.embed(light, 1))
    ]
    assert ((unit[0] @ unit[1].T).argmax(1) == np.arange(4)).all()
    trained = build_classical("cca", features="hog", components=3, directions=2)
    trained.fit(dark, light)
    assert trained.embed(light, 1).shape == (4, 2)


def test_hog_needs_images():
    with pytest.raises(ValueError, match=r"HOG needs images \(n, 3, H, W\)"):
        build_classical("cosine", features="hog").embed(np.ones((3, 40)), 0)
    with pytest.raises(ValueError, match="known: samples, hog"):
        build_classical("cca", features="sift")


def test_few_pairs_are_enough():
    rng = np.random.default_rng(1)
    for name in classical_names():
        model = build_classical(name)
        model.fit(rng.random((3, 20)), rng.random((3, 20)))
        assert np.isfinite(model.embed(rng.random((2, 20)), 0)).all()


@pytest.mark.parametrize("name", classical_names())
def test_pairs_are_checked(name):
    with pytest.raises(ValueError, match="two or more pairs"):
        build_classical(name).fit(np.ones((3, 4)), np.ones((2, 4)))


def test_names_and_options_are_checked():
    with pytest.raises(ValueError, match="known: cosine, cca, kernel-ridge, pls, mean"):
        build_classical("ridge")
    with pytest.raises(ValueError, match="kernel-ridge"):
        build_classical("kernel-ridge", gama=2)
