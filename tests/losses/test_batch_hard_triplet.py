"""The batch-hard triplet loss against its formula in float64, and against pytorch-metric-learning."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from pytorch_metric_learning.reducers import MeanReducer

from xmodal_lite.losses import batch_hard_triplet, weighted_triplet


def by_formula(embeddings, labels, margin):
    """The formula of the docstring, anchor by anchor, in float64."""
    x, losses = embeddings.double(), []
    for i in range(len(x)):
        d = [float((x[i] - x[j]).norm()) for j in range(len(x))]
        near = [d[j] for j in range(len(x)) if j != i and labels[j] == labels[i]]
        far = [d[j] for j in range(len(x)) if labels[j] != labels[i]]
        if near and far:
            losses.append(max(max(near) - min(far) + margin, 0))
    return sum(losses) / len(losses) if losses else 0.0


def by_library(x, labels, margin, **options):
    length = LpDistance(normalize_embeddings=False)
    loss = TripletMarginLoss(margin, distance=length, reducer=MeanReducer(), **options)
    return loss(x, labels, BatchHardMiner(distance=length)(x, labels))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 999), st.lists(st.integers(0, 4), min_size=1, max_size=16), st.sampled_from([0.01, 1, 1e4])
)
def test_is_the_formula(seed, labels, scale):
    labels = torch.tensor(labels)
    x = scale * torch.randn(len(labels), 6, generator=torch.Generator().manual_seed(seed))
    expected = by_formula(x, labels, 0.3 * scale)
    assert float(batch_hard_triplet(x, labels, 0.3 * scale)) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_gradient():
    torch.manual_seed(1)
    x = torch.randn(8, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 2, 3])  # 3 has no positive
    assert torch.autograd.gradcheck(lambda e: batch_hard_triplet(e, labels), (x,))


def test_is_that_of_pytorch_metric_learning():
    torch.manual_seed(2)
    labels = torch.arange(6).repeat(4)
    ours = torch.randn(24, 5, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    value, expected = batch_hard_triplet(ours, labels), by_library(theirs, labels, 0.3)
    assert value > 0.1
    torch.testing.assert_close(value, expected)
    value.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_weighted_triplet_of_one_positive_and_one_negative_is_that_of_pytorch_metric_learning():
    torch.manual_seed(3)
    labels = torch.tensor([0, 0, 1])
    for x in torch.randn(5, 3, 4):
        torch.testing.assert_close(weighted_triplet(x, labels), by_library(x, labels, 0.0, smooth_loss=True))


def test_weighted_triplet_is_batch_hard_where_distances_are_thousands():
    torch.manual_seed(4)
    labels = torch.arange(4).repeat(3)
    ours = (1e4 * torch.nn.functional.normalize(torch.randn(12, 8), dim=1)).requires_grad_()
    theirs = ours.detach().double().requires_grad_()
    value, expected = weighted_triplet(ours, labels), by_library(theirs, labels, 0.0, smooth_loss=True)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    value.backward()
    expected.backward()
    assert float((ours.grad - theirs.grad).norm() / theirs.grad.norm()) < 1e-3


def test_far_from_the_origin_the_distances_are_kept():
    torch.manual_seed(5)
    labels = torch.arange(4).repeat(3)
    x = torch.randint(-8, 9, (12, 6)) / 4.0  # quarters stay exact beside 1e4
    assert float(batch_hard_triplet(x + 1e4, labels)) == pytest.approx(by_formula(x, labels, 0.3), rel=1e-6)


def test_identical_points_cost_the_margin_and_have_a_finite_gradient():
    x = torch.full((6, 3), 0.1, requires_grad=True)
    loss = batch_hard_triplet(x, torch.arange(3).repeat(2), margin=0.5)
    loss.backward()
    assert loss.item() == pytest.approx(0.5)
    assert (x.grad == 0).all()
