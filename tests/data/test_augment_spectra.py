"""SpectrumAugmentation keeps what was not measured at zero, shares what it promises to share, and repeats by seed."""

import pytest
import torch
from pydantic import ValidationError

from xmodal_lite.data.augment_spectra import SpectrumAugmentation
from xmodal_lite.data.spectra import Preparation

AXIS = torch.from_numpy(Preparation().axis()).float()
FULL = SpectrumAugmentation(
    shared_stretch=0.02,
    stretch=0.005,
    shift=4,
    intensity_exponent=0.3,
    baseline=0.1,
    noise=0.02,
    blur=1,
    mask_prob=0.2,
)


def lines(*centres, count=1):
    """One spectrum with Gaussian lines, `count` times: (count, 1, L)."""
    y = sum(torch.exp(-(((AXIS - c) / 15) ** 2)) for c in centres)
    return y.expand(count, 1, -1).clone()


def centre(x, low, high):
    """Centre of mass of each spectrum between two wavenumbers."""
    part = x[:, 0] * ((low < AXIS) & (high > AXIS))
    return (part * AXIS).sum(1) / part.sum(1)


def test_nothing_is_changed_by_default():
    v, r = lines(500, count=2), lines(900, count=2)
    changed = SpectrumAugmentation()(v, r)
    assert torch.equal(changed[0], v)
    assert torch.equal(changed[1], r)
    images = torch.full((2, 3, 8, 4), 7, dtype=torch.uint8)  # a recipe without augmentation sees them, too
    assert torch.equal(SpectrumAugmentation()(images, images)[1], images)


def test_same_seed_same_samples():
    v = lines(500, 1000, count=8)
    torch.manual_seed(3)
    first = FULL(v, v)
    torch.manual_seed(3)
    again = FULL(v, v)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], FULL(v, v)[0])


def test_input_is_left_alone():
    v = lines(500, count=4)
    before = v.clone()
    FULL(v, v)
    assert torch.equal(v, before)


def test_unmeasured_points_stay_zero():
    v = lines(500, count=16)
    v[..., AXIS < 420] = 0
    v[..., AXIS > 1000] = 0
    changed, _ = SpectrumAugmentation(intensity_exponent=0.3, baseline=0.3, noise=0.1, mask_prob=0.5)(v, v)
    assert (changed[..., AXIS < 420] == 0).all()
    assert (changed[..., AXIS > 1000] == 0).all()


def test_kinship_moves_both_samples_alike():
    torch.manual_seed(0)
    v, r = SpectrumAugmentation(shared_stretch=0.02)(lines(600, count=64), lines(1000, count=64))
    stretch_v, stretch_r = centre(v, 300, 900) / 600, centre(r, 700, 1300) / 1000
    assert float(stretch_v.std()) == pytest.approx(0.02, rel=0.3)
    torch.testing.assert_close(stretch_v, stretch_r, atol=1e-3, rtol=0)


def test_stretch_and_shift_are_each_samples_own():
    torch.manual_seed(0)
    for strengths in ({"stretch": 0.02}, {"shift": 12.0}):
        v, r = SpectrumAugmentation(**strengths)(lines(600, count=64), lines(600, count=64))
        moved = torch.stack([centre(v, 300, 900), centre(r, 300, 900)]) - 600
        assert float(moved.std()) == pytest.approx(12, rel=0.3)
        assert abs(float(torch.corrcoef(moved)[0, 1])) < 0.4


def test_shift_is_in_wavenumbers_on_both_pieces_of_the_axis():
    torch.manual_seed(1)
    v, _ = SpectrumAugmentation(shift=20.0)(lines(600, 2600, count=32), lines(600, count=32))
    # 15 cm^-1 lines on a 16 cm^-1 axis have a centre that is good to some cm^-1
    torch.testing.assert_close(centre(v, 300, 900) - 600, centre(v, 2300, 2900) - 2600, atol=4, rtol=0)


def test_dropped_stretch_is_zero():
    torch.manual_seed(0)
    ones = torch.ones(200, 1, len(AXIS))
    lost = (SpectrumAugmentation(mask_prob=0.5)(ones, ones)[0] == 0).float().mean(dim=2)
    assert float((lost > 0).float().mean()) == pytest.approx(0.5, abs=0.1)
    assert float(lost.max()) <= 0.21


def test_result_is_finite_for_flat_spectra():
    zeros = torch.zeros(4, 1, len(AXIS))
    assert torch.equal(FULL(zeros, zeros)[0], zeros)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="need v and r"):
        FULL(torch.zeros(2, 1, 100), torch.zeros(2, 1, 100))
    with pytest.raises(ValidationError):
        SpectrumAugmentation(noise=-1)
    with pytest.raises(ValidationError):
        SpectrumAugmentation(shift=float("inf"))
    with pytest.raises(ValidationError):
        SpectrumAugmentation(flip=1)
