"""The four losses of cmUNet, on numbers small enough to work out by hand."""

import math

import pytest
import torch

from xmodal_lite.losses import (
    adversarial,
    perceptual,
    perceptual_transformation,
    reconstruction,
    reverse_gradient,
    transformation,
)


def test_reconstruction_by_hand():
    sample = torch.tensor([[[1.0, 0.5, 0.0, 0.5]]])
    output = torch.tensor([[[0.5, 0.5, 9.0, 1.0]]])  # the third point was not measured
    assert float(reconstruction(output, sample)) == pytest.approx((0.5 + 0.5) / 4)


def test_transformation_counts_aligned_pairs_only():
    sample = torch.ones(3, 1, 2)
    output = torch.tensor([[[1.5, 1.5]], [[9.0, 9.0]], [[1.0, 2.0]]])
    aligned = torch.tensor([True, False, True])
    assert float(transformation(output, sample, aligned)) == pytest.approx((0.5 + 0.5) / 2)


def test_transformation_without_aligned_pairs_is_zero():
    output = torch.randn(2, 1, 4, requires_grad=True)
    loss = transformation(output, torch.ones(2, 1, 4), torch.zeros(2, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert (output.grad == 0).all()


def test_gradients():
    torch.manual_seed(0)
    output, sample = torch.randn(2, 4, 1, 5, dtype=torch.float64).unbind()
    aligned = torch.tensor([True, False, True, True])
    output = output.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda u: reconstruction(u, sample), (output,))
    assert torch.autograd.gradcheck(lambda u: transformation(u, sample, aligned), (output,))
    assert torch.autograd.gradcheck(lambda u: perceptual(u.flatten(1), sample.flatten(1)), (output,))
    assert torch.autograd.gradcheck(lambda u: adversarial(u, sample), (output,))


def test_adversarial_of_a_guess_is_log_two():
    assert float(adversarial(torch.zeros(3, 1, 4), torch.zeros(2, 1, 4))) == pytest.approx(math.log(2))
    assert float(adversarial(torch.full((3,), 50.0), torch.full((3,), -50.0))) == pytest.approx(0, abs=1e-6)
    assert float(adversarial(torch.full((3,), -1e4), torch.full((3,), 1e4))) == pytest.approx(1e4)


def test_gradient_is_reversed():
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = reverse_gradient(x)
    y.square().sum().backward()
    assert torch.equal(y.detach(), x.detach())
    assert torch.equal(x.grad, torch.tensor([-2.0, 4.0]))


def test_perceptual_by_hand():
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
    b = torch.tensor([[3.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
    assert float(perceptual(a, b)) == pytest.approx((0 + 2 + 1) / 3)
    assert float(perceptual(torch.zeros(1, 2), torch.ones(1, 2))) == 1


def test_what_was_measured_can_be_told():
    sample, everywhere = torch.tensor([[[1.0, 0.0]]]), torch.ones(1, 1, 1, dtype=torch.bool)
    output = torch.tensor([[[0.5, 0.5]]])
    assert float(reconstruction(output, sample, everywhere)) == pytest.approx((0.5 + 0.5) / 2)
    aligned = torch.tensor([True])
    assert float(transformation(output, sample, aligned, everywhere)) == pytest.approx((0.5 + 0.5) / 2)


def test_perceptual_transformation_by_hand():
    labels = torch.tensor([0, 0, 1, 1])
    a = torch.tensor([[2.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 3.0]])  # means (1, 0) and (0, 2)
    b = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [0.0, 1.0], [0.0, 1.0]])  # means (0, 1) and (0, 1)
    assert float(perceptual_transformation(a, b, labels)) == pytest.approx((1 + 0) / 2)
    order = torch.tensor([3, 0, 2, 1])
    assert float(perceptual_transformation(a[order], b[order], labels[order])) == pytest.approx(0.5)


def test_gradient_of_the_perceptual_transformation():
    torch.manual_seed(0)
    a, b = torch.randn(2, 6, 3, dtype=torch.float64).unbind()
    labels = torch.arange(6) // 2
    assert torch.autograd.gradcheck(
        lambda x: perceptual_transformation(x, b, labels), (a.clone().requires_grad_(),)
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: reconstruction(torch.zeros(2, 1, 3), torch.zeros(2, 1, 4)),
        lambda: reconstruction(torch.zeros(0, 1, 3), torch.zeros(0, 1, 3)),
        lambda: transformation(torch.zeros(2, 1, 3), torch.zeros(2, 1, 3), torch.ones(3, dtype=torch.bool)),
        lambda: adversarial(torch.zeros(0), torch.zeros(3)),
        lambda: perceptual(torch.zeros(2, 3), torch.zeros(3, 3)),
        lambda: perceptual_transformation(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(3)),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(ValueError, match="need"):
        call()
