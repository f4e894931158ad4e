"""Symmetric InfoNCE against its formula in float64."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xmodal_lite.losses import info_nce


def by_formula(v, r, labels, temperature):
    v, r = (x.double() / x.double().norm(dim=1, keepdim=True) for x in (v, r))
    s, total = (v @ r.T / temperature).tolist(), 0.0
    n = len(s)

    def log_softmax(row, j):
        top = max(row)
        return row[j] - top - math.log(sum(math.exp(a - top) for a in row))

    for i in range(n):
        positives = [j for j in range(n) if labels[j] == labels[i]]
        column = [s[k][i] for k in range(n)]
        total += sum(log_softmax(s[i], j) + log_softmax(column, j) for j in positives) / len(positives)
    return -total / (2 * n)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 3), st.sampled_from([0.01, 0.07, 1.0]))
def test_is_the_formula(seed, identities, samples, temperature):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(identities).repeat(samples)
    v, r = torch.randn(2, len(labels), 6, generator=generator)
    expected = by_formula(v, r, labels.tolist(), temperature)
    assert float(info_nce(v, r, labels, temperature)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_gradient():
    torch.manual_seed(0)
    v, r = torch.randn(2, 6, 4, dtype=torch.float64).unbind()
    labels = torch.tensor([0, 0, 1, 2, 2, 3])
    arguments = (v.clone().requires_grad_(), r.clone().requires_grad_())
    assert torch.autograd.gradcheck(lambda a, b: info_nce(a, b, labels, 0.3), arguments)


def test_length_and_order_do_not_matter():
    torch.manual_seed(1)
    v, r, labels, order = torch.randn(8, 5), torch.randn(8, 5), torch.arange(4).repeat(2), torch.randperm(8)
    expected = info_nce(v, r, labels)
    torch.testing.assert_close(info_nce(v[order], r[order], labels[order]), expected)
    torch.testing.assert_close(info_nce(1e4 * v, 1e-4 * r, labels), expected)
    torch.testing.assert_close(info_nce(r, v, labels), expected)


def test_perfect_pairs_reach_the_floor():
    labels = torch.arange(3).repeat(2)
    v = torch.eye(3)[labels]
    assert float(info_nce(v, v, labels, 0.01)) == pytest.approx(math.log(2), abs=1e-6)


def test_one_identity_is_finite():
    v = torch.randn(3, 4, requires_grad=True)
    info_nce(v, torch.randn(3, 4), torch.zeros(3, dtype=torch.long)).backward()
    assert v.grad.isfinite().all()


@pytest.mark.parametrize("sizes", [(0, 0, 0), (3, 2, 3), (3, 3, 2)])
def test_shapes_are_checked(sizes):
    v, r, labels = torch.zeros(sizes[0], 4), torch.zeros(sizes[1], 4), torch.zeros(sizes[2], dtype=torch.long)
    with pytest.raises(ValueError, match="need v and r"):
        info_nce(v, r, labels)


def test_temperature_is_checked():
    with pytest.raises(ValueError, match="positive"):
        info_nce(torch.eye(2), torch.eye(2), torch.arange(2), 0.0)
