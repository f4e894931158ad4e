"""The weighted triplet loss against its formula in float64, and where the usual implementation breaks down."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xmodal_lite.losses import weighted_triplet


def by_formula(embeddings, labels):
    """The formula of the docstring, anchor by anchor, in float64."""
    x, losses = embeddings.double(), []
    for i in range(len(x)):
        d = [float((x[i] - x[j]).norm()) for j in range(len(x))]
        near = [d[j] for j in range(len(x)) if j != i and labels[j] == labels[i]]
        far = [d[j] for j in range(len(x)) if labels[j] != labels[i]]
        if not near or not far:
            continue
        wp = [math.exp(a - max(near)) for a in near]
        wn = [math.exp(min(far) - a) for a in far]
        gap = sum(w * a for w, a in zip(wp, near, strict=True)) / sum(wp)
        gap -= sum(w * a for w, a in zip(wn, far, strict=True)) / sum(wn)
        losses.append(max(gap, 0) + math.log1p(math.exp(-abs(gap))))
    return sum(losses) / len(losses) if losses else 0.0


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 999), st.integers(2, 5), st.integers(1, 4), st.sampled_from([0.01, 1.0, 20.0]))
def test_is_the_formula(seed, identities, samples, scale):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(identities).repeat_interleave(samples)
    x = scale * torch.randn(len(labels), 6, generator=generator)
    assert float(weighted_triplet(x, labels)) == pytest.approx(by_formula(x, labels), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("scale", [20.0, 100.0, 1e4])
def test_far_apart_points_keep_their_loss_and_gradient(scale):
    torch.manual_seed(0)
    labels = torch.arange(4).repeat(3)
    unit = torch.nn.functional.normalize(torch.randn(12, 8), dim=1)
    x, exact = (
        (scale * unit).clone().requires_grad_(),
        (scale * unit).double().requires_grad_(),
    )
    loss = weighted_triplet(x, labels)
    loss.backward()
    weighted_triplet(exact, labels).backward()
    assert loss.item() == pytest.approx(by_formula(x.detach(), labels), rel=1e-3)
    # at 1e4 the softmax sees differences of distances of about 1e-3, the resolution of float32 there
    torch.testing.assert_close(
        x.grad.double(), exact.grad, rtol=1e-2, atol=1e-2 * float(exact.grad.abs().max())
    )


def test_gradient():
    torch.manual_seed(1)
    x = torch.randn(8, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 2, 3])  # 3 has no positive
    assert torch.autograd.gradcheck(lambda e: weighted_triplet(e, labels), (x,))


def test_order_does_not_matter():
    torch.manual_seed(2)
    x, labels, order = torch.randn(10, 5), torch.arange(5).repeat(2), torch.randperm(10)
    torch.testing.assert_close(weighted_triplet(x[order], labels[order]), weighted_triplet(x, labels))


def test_identical_points_have_a_finite_gradient():
    x = torch.ones(6, 3, requires_grad=True)
    loss = weighted_triplet(x, torch.arange(3).repeat(2))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_nothing_to_compare_is_zero(labels):
    x = torch.randn(4, 3, requires_grad=True)
    loss = weighted_triplet(x, torch.tensor(labels))
    loss.backward()
    assert loss.item() == 0
    assert (x.grad == 0).all()


def test_nan_stays_nan():
    x = torch.randn(4, 3)
    x[1, 1] = math.nan
    assert weighted_triplet(x, torch.arange(2).repeat(2)).isnan()


@pytest.mark.parametrize("shapes", [((0, 3), (0,)), ((4, 3), (3,)), ((4,), (4,))])
def test_shapes_are_checked(shapes):
    with pytest.raises(ValueError, match="embeddings"):
        weighted_triplet(torch.zeros(shapes[0]), torch.zeros(shapes[1], dtype=torch.long))
