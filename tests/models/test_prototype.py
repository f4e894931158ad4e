"""The prototype of a modality: its steps by hand, and what it refuses."""

import pytest
import torch

from xmodal_lite.models.prototype import update_prototype


def test_three_steps_by_hand():
    mean, std = torch.full((2, 1), torch.nan)
    update_prototype(mean, std, torch.tensor([[1.0], [3.0]]))
    assert (mean.item(), std.item()) == (2, 1)  # the first batch sets it
    update_prototype(mean, std, torch.tensor([[10.0], [14.0]]))
    assert mean.item() == pytest.approx(0.9 * 2 + 0.1 * 12)  # 3.0
    assert std.item() == pytest.approx(0.9 * 1 + 0.1 * 2)  # 1.1
    update_prototype(mean, std, torch.tensor([[-7.0], [-7.0]]))
    assert mean.item() == pytest.approx(0.9 * 3 - 0.1 * 7)  # 2.0
    assert std.item() == pytest.approx(0.9 * 1.1)


def test_a_prototype_that_starts_at_zero_moves_by_the_momentum():
    mean, std = torch.zeros(2, 1)
    update_prototype(mean, std, torch.tensor([[1.0], [3.0]]), momentum=0.75)
    assert (mean.item(), std.item()) == (0.5, 0.25)


def test_prototypes_hold_no_graph():
    mean, std = torch.full((2, 3), torch.nan)
    for _ in range(2):
        update_prototype(mean, std, torch.randn(4, 3, requires_grad=True))
    assert not mean.requires_grad
    assert mean.isfinite().all()


@pytest.mark.parametrize("channels", [1, 2])
def test_a_prototype_of_another_width_is_refused(channels):
    narrow = torch.zeros(channels)
    with pytest.raises(ValueError, match="as wide as the features"):
        update_prototype(narrow, narrow, torch.randn(4, 3))
