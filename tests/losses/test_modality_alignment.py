"""MUN's modality alignment against a loop, and its prototypes by hand."""

import math

import pytest
import torch

from xmodal_lite.losses import modality_alignment, moments


def by_loop(f_v, f_r, prototype_mean, prototype_std):
    total = 0.0
    for features in (f_v, f_r):
        for column, q, s in zip(
            features.T.tolist(), prototype_mean.tolist(), prototype_std.tolist(), strict=True
        ):
            mean = sum(column) / len(column)
            std = math.sqrt(sum((value - mean) ** 2 for value in column) / len(column))
            total += (mean - q) ** 2 + (std - s) ** 2
    return total


def drawn(seed=0):
    torch.manual_seed(seed)
    sizes = ((5, 3), (7, 3), (3,), (3,))
    f_v, f_r, mean, std = (torch.randn(size, dtype=torch.float64) for size in sizes)
    return f_v, f_r, mean, std.abs()


@pytest.mark.parametrize("scale", [1e-2, 1, 1e4])
def test_is_the_loop(scale):
    arguments = [scale * tensor for tensor in drawn()]
    expected = by_loop(*arguments)
    assert float(modality_alignment(*arguments)) == pytest.approx(expected)
    assert float(modality_alignment(*(a.float() for a in arguments))) == pytest.approx(expected, rel=1e-5)


def test_gradient():
    f_v, f_r, mean, std = drawn(1)
    arguments = (f_v.requires_grad_(), f_r.requires_grad_())
    assert torch.autograd.gradcheck(lambda a, b: modality_alignment(a, b, mean, std), arguments)


def test_prototype_takes_no_gradient():
    f_v, f_r, mean, std = drawn(2)
    mean.requires_grad_(), std.requires_grad_()
    modality_alignment(f_v.requires_grad_(), f_r, mean, std).backward()
    assert f_v.grad.abs().sum() > 0
    assert mean.grad is None
    assert std.grad is None


def test_at_the_prototype_it_is_zero_and_stays():
    x = drawn()[0].requires_grad_()
    loss = modality_alignment(x, x.flip(0), *moments(x))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-20)
    assert x.grad.abs().max() < 1e-12


@pytest.mark.parametrize("channels", [1, 2])
def test_widths_are_checked(channels):
    f, narrow = torch.randn(4, 3), torch.zeros(channels)
    with pytest.raises(ValueError, match="as wide as the features"):
        modality_alignment(f, f, narrow, narrow)
    with pytest.raises(ValueError, match="as wide as the features"):
        modality_alignment(f, torch.randn(4, 5), torch.zeros(3), torch.zeros(3))
