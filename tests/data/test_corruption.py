"""Corruptions: the package's own where it is used, ours against it where it is not, and no trace in NumPy's state."""

import builtins

import numpy as np
import pytest

from xmodal_lite.benchmarks import load
from xmodal_lite.data import corruption
from xmodal_lite.data.corruption import CORRUPTIONS, SEVERITIES, corrupt, corrupt_images, draw
from xmodal_lite.errors import SpecError

imagecorruptions = pytest.importorskip("imagecorruptions")


@pytest.fixture(scope="module")
def images():
    """Noise with a black and a grey part, an emoji, and noise of other sizes that recipes have."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (3, 80, 40), dtype=np.uint8)
    noise[:, :10], noise[:, 10:20] = 0, 77
    others = [rng.integers(0, 256, (3, *size), dtype=np.uint8) for size in ((288, 144), (64, 32), (112, 112))]
    return [noise, load("drawings").samples[3], *others]


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", ["zoom_blur", "brightness", "saturate"])
def test_our_faster_forms_differ_from_the_package_by_at_most_one_grey_level(images, name, severity):
    for image in images:
        ours = corrupt(image, name, severity, 0).transpose(1, 2, 0).astype(int)
        theirs = imagecorruptions.corrupt(image.transpose(1, 2, 0).copy(), severity, name)
        assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("name", ["gaussian_noise", "frost", "motion_blur", "spatter"])
def test_the_others_are_the_packages_for_the_same_seed(images, name):
    with corruption.numpy_seed(7):
        theirs = imagecorruptions.corrupt(images[1].transpose(1, 2, 0).copy(), 3, name)
    np.testing.assert_array_equal(corrupt(images[1], name, 3, 7), theirs.transpose(2, 0, 1))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_repeats_changes_the_image_and_leaves_numpys_state(images, name):
    image = images[1]
    before, kept = np.random.get_state()[1].copy(), image.copy()
    first, again = corrupt(image, name, 3, 11), corrupt(image, name, 3, 11)
    assert first.shape == image.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, kept)
    assert (first != image).mean() > 0.01
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("name", ["gaussian_noise", "impulse_noise", "glass_blur", "fog", "rain"])
def test_another_seed_gives_another_image(images, name):
    assert (corrupt(images[1], name, 3, 1) != corrupt(images[1], name, 3, 2)).any()


@pytest.mark.parametrize("name", ["gaussian_noise", "defocus_blur", "contrast", "jpeg_compression", "rain"])
def test_a_higher_severity_takes_more_away(images, name):
    lost = [np.abs(corrupt(images[1], name, s, 5).astype(int) - images[1]).mean() for s in (1, 5)]
    assert lost[1] > lost[0]


def test_rain_darkens_by_the_numbers_of_its_authors_and_draws_grey_lines():
    image = np.full((3, 288, 144), 100, np.uint8)
    for severity in SEVERITIES:
        wet = corrupt(image, "rain", severity, 3)
        assert wet.min() == int(100 - 255 * (0.05 + 0.05 * severity))
        assert wet.max() > wet.min() + 100 / (2 + severity) * 0.9  # a line of 200 through the box


def test_a_spatter_without_a_drop_leaves_the_image(images, monkeypatch):
    monkeypatch.setattr(np.random, "normal", lambda size, loc, scale: np.zeros(size))
    np.testing.assert_array_equal(corrupt(images[1], "spatter", 1, 0), images[1])


def test_a_draw_depends_on_seed_and_row_alone():
    rows = np.arange(4000)
    drawn = draw(rows, 0)
    some = draw(rows[[5, 3000]], 0)
    assert [column[[5, 3000]].tolist() for column in drawn] == [column.tolist() for column in some]
    assert (draw(rows, 1).corruption != drawn.corruption).any()
    for column, values in ((drawn.corruption, range(20)), (drawn.severity, SEVERITIES)):
        counts = np.array([(column == value).sum() for value in values])
        assert counts.sum() == len(rows) and np.ptp(counts) < 0.5 * counts.mean()


def test_one_image_of_many_is_corrupted_as_it_is_alone(images):
    many = np.stack([images[1]] * 3)
    changed = corrupt_images(many, np.array([4, 9, 2]), 0)
    np.testing.assert_array_equal(changed[1:2], corrupt_images(many[:1], np.array([9]), 0))
    fixed = corrupt_images(many, np.array([4, 9, 2]), 0, "fog", 5)
    seeds = draw(np.array([4, 9, 2]), 0).seed
    np.testing.assert_array_equal(fixed[2], corrupt(images[1], "fog", 5, int(seeds[2])))
    assert corrupt_images(many[:0], np.array([], int), 0).shape == (0, 3, 64, 64)


@pytest.mark.parametrize(
    ("name", "severity", "message"),
    [
        ("mist", 1, "unknown corruption 'mist'; known: gaussian_noise"),
        ("fog", 0, "severity 1 to 5, not 0"),
        ("fog", 6, "severity 1 to 5, not 6"),
    ],
)
def test_what_does_not_exist_is_refused(images, name, severity, message):
    with pytest.raises(SpecError, match=message):
        corrupt_images(images[1][None], np.array([0]), 0, name, severity)


def test_a_small_image_is_refused():
    with pytest.raises(SpecError, match="32 x 32 or more, not 64 x 16"):
        corrupt(np.zeros((3, 64, 16), np.uint8), "fog", 1, 0)


@pytest.mark.parametrize("name", ["fog", "rain"])
def test_without_the_extra_the_error_names_the_install_line(images, name, monkeypatch):
    real = builtins.__import__

    def missing(module, *args, **kwargs):
        if module.startswith("imagecorruptions"):
            raise ModuleNotFoundError(f"No module named '{module}'")
        return real(module, *args, **kwargs)

    corruption._package.cache_clear()
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(SpecError, match="pip install --no-deps imagecorruptions-imaug"):
        corrupt(images[1], name, 1, 0)
