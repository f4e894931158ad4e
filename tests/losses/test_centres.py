"""Losses over the centres of identities, against loops in float64 and worked examples."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xmodal_lite.losses import hetero_center, hetero_center_triplet, identity_alignment


def centres_of(x, labels, modality):
    """{(identity, modality): centre}, in float64."""
    groups = {}
    for row, label, m in zip(x.double(), labels.tolist(), modality.tolist(), strict=True):
        groups.setdefault((label, m), []).append(row)
    return {key: sum(rows) / len(rows) for key, rows in groups.items()}


def hetero_center_by_loop(x, labels, modality):
    centres = centres_of(x, labels, modality)
    both = [p for p, m in centres if m == 0 and (p, 1) in centres]
    squares = [float((centres[p, 0] - centres[p, 1]).square().sum()) for p in both]
    return sum(squares) / len(squares) if squares else 0.0


def triplet_by_loop(x, labels, modality, margin=0.3):
    centres, losses = centres_of(x, labels, modality), []
    for (p, m), centre in centres.items():
        length = {key: float((centre - other).norm()) for key, other in centres.items()}
        positive = [d for (q, n), d in length.items() if q == p and n != m]
        negative = [d for (q, _), d in length.items() if q != p]
        if positive and negative:
            losses.append(max(max(positive) - min(negative) + margin, 0))
    return sum(losses) / len(losses) if losses else 0.0


BY_LOOP = [
    (hetero_center, hetero_center_by_loop, 2),
    (hetero_center_triplet, triplet_by_loop, 2),
    (identity_alignment, triplet_by_loop, 3),
]


@pytest.mark.parametrize(("loss", "by_loop", "modalities"), BY_LOOP)
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(1, 20), st.integers(1, 5), st.sampled_from([0.01, 1.0, 1e4]))
def test_is_the_loop(loss, by_loop, modalities, seed, size, identities, scale):
    """Any mixture: identities with one modality alone, unequally many samples, one sample in all."""
    generator = torch.Generator().manual_seed(seed)
    labels = (
        7 * torch.randint(identities, (size,), generator=generator) - 3
    )  # labels need not be 0, 1, 2, ...
    modality = torch.randint(modalities, (size,), generator=generator)
    x = scale * torch.randn(size, 4, generator=generator)
    expected = by_loop(x, labels, modality)
    assert float(loss(x, labels, modality)) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("loss", [hetero_center, hetero_center_triplet, identity_alignment])
def test_gradient(loss):
    torch.manual_seed(1)
    x = torch.randn(10, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2, 3])
    modality = torch.tensor([0, 0, 1, 2, 0, 1, 2, 1, 0, 0])  # 3 is seen in one modality alone
    assert loss(x, labels, modality) > 0
    assert torch.autograd.gradcheck(lambda e: loss(e, labels, modality), (x,))


def test_hetero_center_by_hand():
    x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 3.0], [5.0, 5.0], [5.0, 6.0], [9.0, 9.0]])
    labels, modality = torch.tensor([4, 4, 4, 7, 7, 8]), torch.tensor([0, 0, 1, 0, 1, 1])
    assert float(hetero_center(x, labels, modality)) == pytest.approx((9 + 1) / 2)  # 8 has no centre in v


def test_identity_alignment_by_hand():
    x = torch.tensor([[0.0], [0.4], [1.0], [2.0], [2.0], [2.0]])
    labels, modality = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([0, 1, 2, 0, 1, 2])
    # identity 0: furthest 1, 0.6, 1 and nearest other 2, 1.6, 1; identity 1: furthest 0, nearest other 1
    expected = (0 + 0 + 0.3 + 0 + 0 + 0) / 6
    assert float(identity_alignment(x, labels, modality)) == pytest.approx(expected)
    without = modality < 2
    assert float(identity_alignment(x[without], labels[without], modality[without])) == 0


def test_identity_alignment_of_two_modalities_is_the_hetero_centre_triplet():
    torch.manual_seed(2)
    x, labels, modality = torch.randn(16, 5), torch.arange(4).repeat(4), torch.arange(16) // 8
    assert torch.equal(
        identity_alignment(x, labels, modality, 0.7), hetero_center_triplet(x, labels, modality, 0.7)
    )
    assert identity_alignment(x, labels, modality, 5.0) > identity_alignment(x, labels, modality, 1.0) > 0


@pytest.mark.parametrize("loss", [hetero_center_triplet, identity_alignment])
def test_identities_far_apart_whose_centres_coincide_cost_nothing(loss):
    labels, modality = torch.arange(3).repeat(4), torch.arange(12) // 6
    x = (10 * torch.eye(3))[labels].requires_grad_()
    value = loss(x, labels, modality)
    value.backward()
    assert value.item() == 0
    assert (x.grad == 0).all()


@pytest.mark.parametrize("loss", [hetero_center_triplet, identity_alignment])
def test_collapsed_centres_cost_the_margin_and_have_a_finite_gradient(loss):
    x = torch.full((12, 3), 0.1, requires_grad=True)
    value = loss(x, torch.arange(3).repeat(4), torch.arange(12) // 6, 0.4)
    value.backward()
    assert value.item() == pytest.approx(0.4)
    assert x.grad.isfinite().all()
