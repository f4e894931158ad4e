"""Images are cut, mirrored, recoloured and erased as promised, each by draws of its own, and stay uint8."""

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from xmodal_lite.data.augment_images import MEAN_COLOUR, ImageAugmentation, grey

FULL = ImageAugmentation(pad=3, flip=0.5, erase=0.5, colour="exchange", brightness_contrast=0.2)
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")),
]


def images(count=16, height=24, width=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)


def test_nothing_is_changed_by_default():
    v, r = images(), images(seed=1)
    changed = ImageAugmentation()(v, r)
    assert changed[0] is v
    assert changed[1] is r


@pytest.mark.parametrize("device", DEVICES)
def test_all_at_once_keeps_shape_type_and_device(device):
    v, r = images().to(device), images(seed=1).to(device)
    for x, changed in zip((v, r), FULL(v, r), strict=True):
        assert (changed.shape, changed.dtype, changed.device) == (x.shape, torch.uint8, x.device)
        assert not torch.equal(changed, x)


def test_no_change_depends_on_a_number_that_the_host_would_have_to_wait_for():
    v = images().to("meta")  # tensors without numbers: reading one is an error
    assert [x.shape for x in FULL(v, v)] == [v.shape, v.shape]
    with pytest.raises(RuntimeError):
        v.sum().item()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_host_never_waits_for_a_gpu():
    v = images().to("cuda")
    FULL(v, v)  # makes the constants
    torch.cuda.set_sync_debug_mode("error")
    try:
        FULL(v, v)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_same_seed_same_pictures_and_the_input_is_left_alone():
    v, r = images(), images(seed=1)
    before = v.clone(), r.clone()
    torch.manual_seed(3)
    first = FULL(v, r)
    torch.manual_seed(3)
    again = FULL(v, r)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], FULL(v, r)[0])
    assert torch.equal(v, before[0])
    assert torch.equal(r, before[1])


def test_every_picture_has_a_draw_of_its_own():
    torch.manual_seed(0)
    one = images(1).expand(8, -1, -1, -1)
    for changes in ({"pad": 9}, {"brightness_contrast": 0.3}, {"erase": 1.0}):
        v, r = ImageAugmentation(**changes)(one, one)
        assert len({image.numpy().tobytes() for image in (*v, *r)}) > 12, changes


def test_crops_are_windows_of_the_padded_picture_and_reach_all_corners():
    torch.manual_seed(0)
    x = images(1, 5, 4).expand(400, -1, -1, -1)
    padded = np.pad(x[0].numpy(), ((0, 0), (2, 2), (2, 2)))
    windows = {padded[:, i : i + 5, j : j + 4].tobytes() for i in range(5) for j in range(5)}
    assert len(windows) == 25
    assert {crop.numpy().tobytes() for crop in ImageAugmentation(pad=2)(x, x)[0]} == windows


def test_the_flipped_share_is_mirrored_exactly():
    torch.manual_seed(0)
    x = images(400, 4, 4)
    changed = ImageAugmentation(flip=0.3)(x, x)[0]
    mirrored = (changed == x.flip(3)).flatten(1).all(1)
    assert (mirrored ^ (changed == x).flatten(1).all(1)).all()
    assert float(mirrored.float().mean()) == pytest.approx(0.3, abs=0.07)
    assert torch.equal(ImageAugmentation(flip=1)(x, x)[1], x.flip(3))


def test_erased_is_one_rectangle_of_mean_colour_in_the_range_of_areas():
    torch.manual_seed(0)
    x = torch.zeros(500, 3, 60, 60, dtype=torch.uint8)
    changed = ImageAugmentation(erase=0.6, erase_area=(0.05, 0.25))(x, x)[0]
    erased = (changed != 0).all(1)  # (500, 60, 60)
    assert (changed.movedim(1, -1)[erased] == torch.tensor(MEAN_COLOUR)).all()
    assert torch.equal(erased, erased.any(1, keepdim=True) & erased.any(2, keepdim=True))
    rows, columns = erased.any(2), erased.any(1)
    for sides in (rows, columns):  # no gap: a run of True starts at most once
        assert (sides.int().diff(dim=1, prepend=torch.zeros(500, 1)).eq(1).sum(1) <= 1).all()
    share = erased.float().mean((1, 2))
    hit = share > 0
    assert float(hit.float().mean()) == pytest.approx(0.6, abs=0.07)
    assert 0.04 < float(share[hit].min()) < 0.07
    assert 0.22 < float(share[hit].max()) < 0.27
    assert float(share[hit].mean()) == pytest.approx(0.15, abs=0.01)
    aspect = rows.sum(1)[hit] / columns.sum(1)[hit]
    assert 0.25 < float(aspect.min()) < 0.4
    assert 2.5 < float(aspect.max()) < 4
    assert rows[:, 0].any()
    assert rows[:, -1].any()


def test_a_rectangle_too_long_for_the_picture_is_cut():
    torch.manual_seed(0)
    x = torch.zeros(64, 3, 40, 4, dtype=torch.uint8)
    erased = ImageAugmentation(erase=1, erase_area=(1, 1))(x, x)[0] != 0
    assert erased.any((1, 2, 3)).all()
    assert not erased.all()


def test_grey_is_the_usual_luma():
    x = images(1, 64, 64)
    exact = np.tensordot(x[0].double().numpy(), [0.299, 0.587, 0.114], axes=(0, 0))
    assert np.abs(grey(x)[0, 0].numpy() - exact).max() <= 0.5 + 1e-4
    pillows = np.asarray(Image.fromarray(x[0].permute(1, 2, 0).numpy()).convert("L"))
    assert (grey(x)[0, 0].numpy() == pillows).mean() > 0.99  # the others are halves, rounded the other way


@pytest.mark.parametrize(("colour", "kinds"), [("grey", 2), ("exchange", 5)])
def test_colour_changes_visible_pictures_only_at_equal_odds(colour, kinds):
    torch.manual_seed(0)
    v, r = images(1000, 4, 4), images(1000, 4, 4, seed=1)
    changed, infrared = ImageAugmentation(colour=colour)(v, r)
    assert torch.equal(infrared, r)
    outcomes = [v, grey(v), v[:, :1], v[:, 1:2], v[:, 2:]][:kinds]
    found = torch.stack([(changed == outcome).flatten(1).all(1) for outcome in outcomes])  # (kinds, 1000)
    assert (found.sum(0) == 1).all()
    assert found.float().mean(1).tolist() == pytest.approx([1 / kinds] * kinds, abs=0.05)


def test_light_scales_about_the_mean_and_saturates():
    torch.manual_seed(0)
    x = torch.full((300, 3, 2, 2), 100, dtype=torch.uint8)
    x[:, :, 0], x[:, :, 1] = 90, 110
    changed = ImageAugmentation(brightness_contrast=0.1)(x, x)[0].float()
    brightness = changed.mean((1, 2, 3)) / 100
    contrast = (changed[:, :, 1] - changed[:, :, 0]).mean((1, 2)) / 20 / brightness
    for factor in (brightness, contrast):
        assert float(factor.log().mean()) == pytest.approx(0, abs=0.03)
        assert float(factor.log().std()) == pytest.approx(0.1, abs=0.025)
    white = torch.full((50, 3, 2, 2), 250, dtype=torch.uint8)
    assert int(ImageAugmentation(brightness_contrast=0.5)(white, white)[0].max()) == 255


def test_a_warp_moves_without_a_new_colour_and_its_spread_is_that_asked_for():
    torch.manual_seed(0)
    flat = torch.full((4, 3, 12, 10), 77, dtype=torch.uint8)
    assert torch.equal(ImageAugmentation(affine=0.2)(flat, flat)[0], flat)
    edge = torch.zeros(400, 3, 4, 100, dtype=torch.uint8)
    edge[..., 50:] = 255  # the left half black, the right half white
    moved = ImageAugmentation(affine=0.1)(edge, edge)[0].float() / 255
    middle = 1 - 2 * moved[:, 0].mean((1, 2))  # where the edge came to lie, in halves of the image
    assert float(middle.mean()) == pytest.approx(0, abs=0.02)
    assert float(middle.std()) == pytest.approx(0.1, abs=0.02)


def test_pairs_moved_together_stay_aligned_and_others_do_not():
    torch.manual_seed(0)
    x = images(32)
    moves = {"pad": 4, "flip": 0.5, "affine": 0.1}
    v, r = ImageAugmentation(**moves, same_on_pair=True)(x, x)
    assert torch.equal(v, r)
    assert not torch.equal(v, x)
    apart = ImageAugmentation(**moves)(x, x)
    assert not torch.equal(*apart)
    erased = ImageAugmentation(**moves, erase=1.0, brightness_contrast=0.1, same_on_pair=True)(x, x)
    assert not torch.equal(*erased)  # what hides a image, and its light, are its own


@pytest.mark.parametrize(
    ("v", "r"),
    [
        (images().float(), images().float()),
        (images(), images().float()),
        (images(4), images(5)),
        (images()[:, :1], images()[:, :1]),
        (images()[0], images()[0]),
        (images(0), images(0)),
    ],
)
def test_other_samples_are_refused(v, r):
    with pytest.raises(ValueError, match="need one or more v and r"):
        ImageAugmentation()(v, r)


@pytest.mark.parametrize(
    "change",
    [
        {"pad": -1},
        {"flip": 1.1},
        {"erase_area": (0.4, 0.02)},
        {"erase_area": (0, 0.1)},
        {"colour": "sepia"},
        {"x": 1},
    ],
)
def test_strengths_out_of_range_and_unknown_names_are_refused(change):
    with pytest.raises(ValidationError):
        ImageAugmentation(**change)
