import numpy as np
import pytest
from pydantic import ValidationError

from xmodal_lite.errors import SpecError
from xmodal_lite.robustness import ImageOcclusion, PeakRemoval, SpanOcclusion, study_changes
from xmodal_lite.robustness.changes import noise_bytes, uniform

ROWS = np.arange(40) * 7


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 3, 24, 16), dtype=np.uint8)


@pytest.fixture(scope="module")
def spectra() -> np.ndarray:
    """Positive values at points 10 to 89 of 100, each with a few bumps."""
    rng = np.random.default_rng(0)
    found = np.zeros((40, 1, 100), np.float32)
    found[:, :, 10:90] = 0.2 + rng.random((40, 1, 80), dtype=np.float32)
    return found


IMAGE_CHANGES = [c for c in study_changes("occlusion", 2) if c.ratio in (0.1, 0.5)]


@pytest.mark.parametrize("change", IMAGE_CHANGES, ids=lambda c: f"{c.curve} {c.ratio}")
def test_an_image_loses_the_stated_share_of_its_area_and_nothing_else(change, images):
    hidden = change.mask(images.shape[2:], ROWS, 3)
    assert hidden.mean((1, 2)) == pytest.approx(np.full(40, change.ratio), abs=0.04)
    changed = change.apply(images, ROWS, 3)
    assert changed.dtype == images.dtype and changed.shape == images.shape
    outside = np.broadcast_to(~hidden[:, None], images.shape)
    assert (changed[outside] == images[outside]).all()
    assert (changed[~outside] != images[~outside]).mean() > 0.9


def test_bands_reach_both_edges_and_a_patch_has_the_proportions_of_the_image(images):
    def sides(shape):
        hidden = ImageOcclusion(shape=shape, fill="mean", ratio=0.25).mask((24, 16), ROWS, 0)
        return set(hidden.any(2).sum(1).tolist()), set(hidden.any(1).sum(1).tolist())

    assert sides("patch") == ({12}, {8})
    assert sides("vertical") == ({24}, {4})
    assert sides("horizontal") == ({6}, {16})


@pytest.mark.parametrize("shape", ["patch", "vertical", "horizontal"])
def test_every_position_is_equally_likely(shape):
    change = ImageOcclusion(shape=shape, fill="mean", ratio=0.5)
    rows = np.arange(4000)
    axis = 1 if shape == "horizontal" else 2
    start = change.mask((24, 16), rows, 0).any(3 - axis).argmax(1)
    counts = np.bincount(start)
    assert counts.min() > 0.8 * counts.mean() and counts.max() < 1.2 * counts.mean()


def test_a_fill_is_the_mean_noise_or_another_image(images):
    def filled(fill):
        return ImageOcclusion(shape="vertical", fill=fill, ratio=1.0).apply(images, ROWS, 0)

    assert (filled("mean") == images.mean((2, 3), keepdims=True).round()).all()
    values = np.bincount(filled("noise").ravel(), minlength=256)
    assert values.min() > 0.7 * values.mean()
    other = filled("image")
    matches = (other[:, None] == images).all((2, 3, 4))
    assert (matches.sum(1) == 1).all() and not matches.diagonal().any()
    assert len(set(matches.argmax(1))) > 20


@pytest.mark.parametrize("change", [IMAGE_CHANGES[0], IMAGE_CHANGES[2]], ids=lambda c: c.fill)
def test_what_is_drawn_of_a_sample_depends_on_its_row_and_the_seed_alone(change, images):
    whole = change.apply(images, ROWS, 5)
    assert (change.apply(images[11:30], ROWS[11:30], 5) == whole[11:30]).all()
    assert (change.apply(images, ROWS, 6) != whole).any()
    assert (change.apply(images, ROWS + 1, 5) != whole).any()


def test_draws_are_uniform_and_streams_are_independent():
    rows = np.arange(5000)
    drawn = np.stack([uniform(seed, rows, 2, stream) for seed in (0, 1) for stream in (0, 1)]).reshape(
        -1, 10000
    )
    assert drawn.min() >= 0 and drawn.max() < 1
    assert drawn.mean(1) == pytest.approx(np.full(4, 0.5), abs=0.015)
    assert drawn.var(1) == pytest.approx(np.full(4, 1 / 12), abs=0.004)
    assert np.abs(np.corrcoef(drawn)[np.triu_indices(4, 1)]).max() < 0.04
    neighbours = uniform(0, rows, 1)[:, 0]
    assert abs(np.corrcoef(neighbours[1:], neighbours[:-1])[0, 1]) < 0.05
    assert noise_bytes(0, rows, 13).shape == (5000, 13)


@pytest.mark.parametrize("ratio", [0.1, 0.7, 1.0])
def test_a_span_hides_its_share_of_what_was_measured(ratio, spectra):
    change = SpanOcclusion(fill="zero", ratio=ratio)
    hidden = change.mask(spectra, ROWS, 1)
    assert (hidden.sum(1) == round(80 * ratio)).all()
    assert not hidden[:, :10].any() and not hidden[:, 90:].any()
    assert (np.diff(np.pad(hidden, ((0, 0), (1, 1))).astype(int)) == 1).sum() == 40  # one span each
    changed = change.apply(spectra, ROWS, 1)
    assert (changed[:, 0] == np.where(hidden, 0, spectra[:, 0])).all()


def test_a_span_can_be_a_straight_line(spectra):
    change = SpanOcclusion(fill="line", ratio=0.3)
    hidden = change.mask(spectra, ROWS, 1)
    changed = change.apply(spectra, ROWS, 1)[:, 0]
    along = np.arange(100)
    expected = [np.interp(along, along[~h], s[~h]) for h, s in zip(hidden, spectra[:, 0], strict=True)]
    assert changed == pytest.approx(np.array(expected), abs=1e-6)
    assert (SpanOcclusion(fill="line", ratio=1.0).apply(spectra, ROWS, 1) == 0).all()


def test_an_empty_spectrum_stays_empty():
    empty = np.zeros((2, 1, 50), np.float32)
    for change in (SpanOcclusion(fill="line", ratio=0.5), PeakRemoval(count=3)):
        assert (change.apply(empty, np.arange(2), 0) == 0).all()


def test_the_strongest_peaks_go_first():
    along = np.arange(200)
    heights = {40: 1.0, 100: 0.8, 160: 0.6}
    spectrum = sum(h * np.exp(-(((along - at) / 2) ** 2)) for at, h in heights.items())
    samples = np.float32(spectrum)[None, None]
    for count, left in [(0, 1.0), (1, 0.8), (2, 0.6), (3, 0.0)]:
        changed = PeakRemoval(count=count).apply(samples, np.arange(1), 0)
        assert changed.max() == pytest.approx(left, abs=1e-3)


def test_ratio_0_changes_nothing(images, spectra):
    for fill in ("mean", "noise", "image"):
        change = ImageOcclusion(shape="patch", fill=fill, ratio=0)
        assert (change.apply(images, ROWS, 0) == images).all()
    assert (SpanOcclusion(fill="line", ratio=0).apply(spectra, ROWS, 0) == spectra).all()


@pytest.mark.parametrize("ratio", [-0.1, 1.2, float("inf")])
@pytest.mark.parametrize("change", [ImageOcclusion, SpanOcclusion])
def test_a_ratio_that_is_no_share_is_refused_with_the_range(change, ratio):
    options = {"shape": "patch", "fill": "mean"} if change is ImageOcclusion else {"fill": "zero"}
    with pytest.raises(ValidationError, match="1 validation error") as caught:
        change(ratio=ratio, **options)
    assert "0 to 1" in str(caught.value) or "finite" in str(caught.value)


@pytest.mark.parametrize("wrong", [{"ratio": 1.1}, {"ratio": -0.1}, {"shape": "circle"}, {"fill": "black"}])
def test_what_is_out_of_range_is_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        ImageOcclusion(**({"shape": "patch", "fill": "mean", "ratio": 0.5} | wrong))


def test_a_change_refuses_samples_of_another_kind(images, spectra):
    with pytest.raises(SpecError, match="changes images"):
        ImageOcclusion(shape="patch", fill="mean", ratio=0.5).apply(spectra, ROWS, 0)
    with pytest.raises(SpecError, match="changes spectra"):
        SpanOcclusion(fill="zero", ratio=0.5).apply(images, ROWS, 0)
    with pytest.raises(ValueError, match="row of each"):
        SpanOcclusion(fill="zero", ratio=0.5).apply(spectra, ROWS[:3], 0)


def test_an_unknown_study_is_refused():
    with pytest.raises(SpecError, match="unknown test 'rain'; known: occlusion, disguise"):
        study_changes("rain", 2)
