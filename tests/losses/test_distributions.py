"""MMD and Gaussian consistency against loops, closed forms and Monte Carlo."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from torch.distributions import Independent, Normal, kl_divergence

from xmodal_lite.losses import gaussian_consistency, hetero_center, mmd, moments


def mmd_by_loop(x, y, kernels):
    both = [*x.double(), *y.double()]
    squares = [[float((a - b).square().sum()) for b in both] for a in both]
    pairs = sorted(squares[i][j] for i in range(len(both)) for j in range(i))
    width = max(pairs[(len(pairs) - 1) // 2], 1e-30)  # the lower one of the two in the middle
    total = 0.0
    for i in range(len(both)):
        for j in range(len(both)):
            of_i, of_j = (1 / len(x) if k < len(x) else -1 / len(y) for k in (i, j))
            for s in range(1, kernels + 1):
                factor = 2 ** (s - (kernels + 1) / 2)
                total += of_i * of_j * math.exp(-squares[i][j] / (factor * width)) / kernels
    return total


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 999),
    st.integers(1, 7),
    st.integers(1, 7),
    st.sampled_from([1, 2, 5]),
    st.sampled_from([0.01, 1.0, 1e4]),
)
def test_mmd_is_the_loop(seed, n, m, kernels, scale):
    generator = torch.Generator().manual_seed(seed)
    x = scale * torch.randn(n, 3, generator=generator)
    y = scale * (torch.randn(m, 3, generator=generator) + 1)
    assert float(mmd(x, y, kernels)) == pytest.approx(mmd_by_loop(x, y, kernels), rel=1e-4, abs=1e-6)


def test_mmd_by_hand():
    # the one distance is the width, so that the kernels see exp(-4), exp(-2), exp(-1), exp(-1/2), exp(-1/4)
    expected = 2 - 2 * sum(math.exp(-a) for a in (4, 2, 1, 0.5, 0.25)) / 5
    assert float(mmd(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]))) == pytest.approx(expected)


def test_mmd_gradient():
    torch.manual_seed(0)
    x, y = torch.randn(4, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64) + 1
    both = torch.cat([x, y])
    width = torch.pdist(both).square().median()

    def with_fixed_width(a, b):  # the loss sends no gradient through its width; hold it still here too
        squares = (torch.cat([a, b])[:, None] - torch.cat([a, b])).square().sum(dim=2)
        kernel = sum((-squares / (2.0**k * width)).exp() for k in range(-2, 3)) / 5
        return kernel[:4, :4].mean() + kernel[4:, 4:].mean() - 2 * kernel[:4, 4:].mean()

    ours = x.clone().requires_grad_(), y.clone().requires_grad_()
    fixed = x.clone().requires_grad_(), y.clone().requires_grad_()
    assert torch.autograd.gradcheck(with_fixed_width, fixed)
    torch.testing.assert_close(
        torch.autograd.grad(mmd(*ours), ours), torch.autograd.grad(with_fixed_width(*fixed), fixed)
    )


def test_mmd_of_collapsed_features_is_zero_with_a_gradient_of_zero():
    x = torch.full((4, 3), 0.1, requires_grad=True)
    value = mmd(x, torch.full((5, 3), 0.1))
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert (x.grad == 0).all()


def gaussian_by_loop(x, y, kind):
    total = 0.0
    for a, b in zip(x.double().T.tolist(), y.double().T.tolist(), strict=True):
        (p, s), (q, t) = (
            (sum(c) / len(c), math.sqrt(sum((v - sum(c) / len(c)) ** 2 for v in c) / len(c))) for c in (a, b)
        )
        if kind == "kl":
            s, t = max(s, 1e-3), max(t, 1e-3)
            forth = math.log(t / s) + (s**2 + (p - q) ** 2) / (2 * t**2) - 0.5
            back = math.log(s / t) + (t**2 + (p - q) ** 2) / (2 * s**2) - 0.5
            total += (forth + back) / 2
        else:
            total += (p - q) ** 2 + (s - t) ** 2 * (kind == "w2")
    return total


@pytest.mark.parametrize("kind", ["w2", "mean", "kl"])
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(1, 7), st.integers(1, 7), st.sampled_from([0.01, 1.0, 1e4]))
def test_gaussian_consistency_is_the_loop(kind, seed, n, m, scale):
    generator = torch.Generator().manual_seed(seed)
    x = scale * torch.randn(n, 3, generator=generator)
    y = scale * (torch.randn(m, 3, generator=generator) + 1)
    expected = gaussian_by_loop(x, y, kind)
    assert float(gaussian_consistency(x, y, kind)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("kind", ["w2", "mean", "kl"])
def test_per_identity_is_the_mean_of_each_identity_alone(kind):
    torch.manual_seed(1)
    x, y = torch.randn(9, 4, dtype=torch.float64), torch.randn(7, 4, dtype=torch.float64)
    x_labels, y_labels = torch.tensor([5, 0, 0, 5, 9, 5, 0, 3, 3]), torch.tensor([0, 5, 5, 0, 2, 0, 3])
    alone = [gaussian_by_loop(x[x_labels == p], y[y_labels == p], kind) for p in (0, 3, 5)]
    value = gaussian_consistency(x, y, kind, (x_labels, y_labels))
    assert float(value) == pytest.approx(sum(alone) / 3)
    one = (torch.zeros(9), torch.zeros(7))
    torch.testing.assert_close(gaussian_consistency(x, y, kind, one), gaussian_consistency(x, y, kind))


@pytest.mark.parametrize("kind", ["w2", "mean", "kl"])
@pytest.mark.parametrize("labels", [None, (torch.tensor([0, 0, 0, 1, 1]), torch.tensor([1, 0, 0, 1, 1, 2]))])
def test_gaussian_consistency_gradient(kind, labels):
    torch.manual_seed(2)
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    y = (torch.randn(6, 3, dtype=torch.float64) + 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: gaussian_consistency(a, b, kind, labels), (x, y))


def test_means_per_identity_are_the_hetero_centre_loss():
    torch.manual_seed(3)
    x, labels, modality = torch.randn(16, 5), torch.arange(4).repeat(4), torch.arange(16) // 8
    torch.testing.assert_close(
        gaussian_consistency(x[:8], x[8:], "mean", (labels[:8], labels[8:])),
        hetero_center(x, labels, modality),
    )


def two_gaussians():
    torch.manual_seed(4)
    means = torch.randn(2, 3, dtype=torch.float64)
    return means, torch.rand(2, 3, dtype=torch.float64) + 0.5


def with_moments(mean, std):
    """Two points that have exactly these moments."""
    return torch.stack([mean - std, mean + std])


def test_closed_forms():
    """Wasserstein for any covariance (Dowson and Landau 1982), and torch's divergence of two Normals."""
    (p, q), (s, t) = two_gaussians()
    x, y = with_moments(p, s), with_moments(q, t)
    torch.testing.assert_close(moments(x), (p, s))
    first, second = torch.diag(s**2).numpy(), torch.diag(t**2).numpy()
    middle = sqrtm(sqrtm(second) @ first @ sqrtm(second))
    wasserstein = float((p - q).square().sum()) + (first + second - 2 * middle).trace()
    assert float(gaussian_consistency(x, y)) == pytest.approx(wasserstein)
    one, other = Independent(Normal(p, s), 1), Independent(Normal(q, t), 1)
    symmetric = (kl_divergence(one, other) + kl_divergence(other, one)) / 2
    assert float(gaussian_consistency(x, y, "kl")) == pytest.approx(float(symmetric))


def test_monte_carlo():
    """Draw both: the best transport sorts each channel; the divergence is a mean log ratio of densities."""
    (p, q), (s, t) = two_gaussians()
    one, other = Normal(p, s), Normal(q, t)
    x, y = one.sample((100_000,)), other.sample((100_000,))
    transport = (x.sort(dim=0).values - y.sort(dim=0).values).square().mean(dim=0).sum()
    assert float(gaussian_consistency(x, y)) == pytest.approx(float(transport), rel=0.02)
    ratio = (one.log_prob(x) - other.log_prob(x)).mean(dim=0) + (other.log_prob(y) - one.log_prob(y)).mean(
        dim=0
    )
    assert float(gaussian_consistency(x, y, "kl")) == pytest.approx(float(ratio.sum()) / 2, rel=0.02)


def test_what_each_distance_sees():
    x = torch.tensor([[-1.0], [1.0]])
    wider = 3 * x
    assert gaussian_consistency(x, wider, "mean") == 0
    assert gaussian_consistency(x, wider) == pytest.approx(4)
    assert gaussian_consistency(x, wider, "kl") == pytest.approx((1 / 9 + 9 - 2) / 4)
    skewed = torch.tensor([[-1.0], [-1.0], [2.0]]) / math.sqrt(2)  # mean 0 and spread 1, as x has
    assert float(gaussian_consistency(x, skewed)) == pytest.approx(0, abs=1e-6)
    assert mmd(x, skewed) > 0.05


@pytest.mark.parametrize("kind", ["w2", "mean", "kl"])
def test_no_spread_has_a_finite_gradient(kind):
    x, y = torch.ones(4, 3, requires_grad=True), torch.randn(1, 3, requires_grad=True)
    gaussian_consistency(x, y, kind).backward()
    assert x.grad.isfinite().all()
    assert y.grad.isfinite().all()


def test_identities_apart_are_zero():
    x, y = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3)
    labels = (torch.tensor([0, 0, 1, 1]), torch.tensor([2, 2, 3, 3]))
    value = gaussian_consistency(x, y, "kl", labels)
    value.backward()
    assert value.item() == 0
    assert (x.grad == 0).all()


def test_unknown_choices_are_refused():
    x = torch.zeros(2, 3)
    for kind in ("js", "mmd"):
        with pytest.raises(ValueError, match=rf"'kl' \(mmd is a function of its own\), got '{kind}'"):
            gaussian_consistency(x, x, kind)
    with pytest.raises(ValueError, match="need embeddings"):
        gaussian_consistency(x, x, labels=(torch.zeros(2), torch.zeros(3)))
    with pytest.raises(ValueError, match="one kernel"):
        mmd(x, x, kernels=0)
