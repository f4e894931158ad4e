"""Figures are not compared as images: what they plot, and what they say, is read back from the axes."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import norm

from xmodal_lite import plots
from xmodal_lite.evaluation import VerificationMetrics, verification_metrics


@pytest.fixture(autouse=True)
def style():
    with plt.rc_context():
        plots.use_style()
        yield
        plt.close("all")


def contrast_on_white(colour: str) -> float:
    """Contrast ratio of WCAG 2, which asks for 3 at least of the parts of a figure."""
    channel = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)
    return 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)


def assert_nothing_is_cut_off(figure) -> None:
    figure.draw_without_rendering()
    drawn = figure.get_tightbbox()  # inches
    width, height = figure.get_size_inches()
    assert drawn.x0 >= -0.01 and drawn.y0 >= -0.01
    assert drawn.x1 <= width + 0.01 and drawn.y1 <= height + 0.01


def test_a_saved_figure_is_white_and_wide_enough_on_a_dark_page(tmp_path) -> None:
    plots.plot_cmc({"a": np.array([0.5, 1])}, "title")
    plt.savefig(tmp_path / "figure.png")
    image = plt.imread(tmp_path / "figure.png")
    assert (image[0, 0] == 1).all()  # white, and not transparent
    assert image.shape[1] >= 700


def test_both_modalities_can_be_seen_on_white() -> None:
    assert all(contrast_on_white(colour) >= 3 for colour in plots.MODALITY_COLOURS)


def test_spectra_share_one_axis_in_wavenumbers() -> None:
    x, y = np.linspace(150, 1300, 50), np.random.default_rng(0).random(50)
    raman, infrared = plots.plot_spectra_pair((x, 7 * y), (3 * x, y), "Quartz in both")
    assert raman.get_xlim() == infrared.get_xlim()
    assert "cm$^{-1}$" in infrared.get_xlabel()
    for ax, colour in zip((raman, infrared), plots.MODALITY_COLOURS, strict=True):
        (line,) = ax.lines
        assert line.get_color() == colour
        np.testing.assert_allclose(line.get_ydata(), y / y.max())
    assert_nothing_is_cut_off(raman.figure)


def test_a_ranking_marks_exactly_its_hits() -> None:
    ax = plots.plot_ranking(
        ["Quartz", "Gypsum"], [["Quartz", "Calcite", "Quartz"], ["Calcite", "Quartz"]], "t"
    )
    hits = [
        patch for patch in ax.patches if matplotlib.colors.same_color(patch.get_facecolor(), plots.HIT_COLOUR)
    ]
    assert len(ax.patches) == 5
    assert sorted(round(hit.get_x() + 0.47) for hit in hits) == [1, 3]
    assert [text.get_text() for text in ax.texts if "✓" in text.get_text()] == ["✓ Quartz"] * 2
    assert_nothing_is_cut_off(ax.figure)


def test_names_of_minerals_stay_inside_their_cells() -> None:
    names = ["Quartz", "Gypsum", "Clinochlore", "Microcline", "Hydroxylapatite", "Calcite"]
    ax = plots.plot_ranking(names[:2], [names, names[::-1]], "t")
    ax.figure.draw_without_rendering()
    for text, cell in zip(ax.texts, ax.patches, strict=True):
        inner, outer = text.get_window_extent(), cell.get_window_extent()
        assert outer.x0 <= inner.x0 and inner.x1 <= outer.x1, text.get_text()


def test_training_shows_every_loss_and_nothing_else() -> None:
    history = [{"step": s, "rate": 0.1, "identity": 1 / s, "triplet": 2 / s} for s in (10.0, 20.0, 30.0)]
    ax = plots.plot_training(history, "Both losses fall")
    assert [line.get_label() for line in ax.lines] == ["identity", "triplet"]
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[s["step"], s["triplet"]] for s in history])
    assert len({line.get_linestyle() for line in ax.lines}) == 2
    assert_nothing_is_cut_off(ax.figure)


def test_similarity_has_queries_down_and_gallery_across() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    ax = plots.plot_similarity(matrix, "t", "Raman query", "infrared gallery")
    np.testing.assert_array_equal(ax.images[0].get_array(), matrix)
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("Raman query", "infrared gallery")


def test_curves_are_in_percent() -> None:
    ax = plots.plot_cmc({"one": np.array([0.25, 0.5]), "two": np.array([0.5, 1])}, "t")
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[1, 50], [2, 100]])
    assert "%" in ax.get_ylabel()


def normal_scores(apart: float, genuine: int = 400, impostor: int = 4000) -> VerificationMetrics:
    """Scores of two normal distributions of one width, without noise."""
    sides = [norm.ppf((np.arange(count) + 0.5) / count) for count in (genuine, impostor)]
    return verification_metrics(sides[0] + apart, sides[1])


def marked(ax, marker: str) -> list[np.ndarray]:
    """Coordinates of the marks of one kind, a method each."""
    return [line.get_xydata() for line in ax.lines if line.get_marker() == marker and len(line.get_xydata())]


def test_operating_points_are_what_the_steps_say() -> None:
    methods = {"good": normal_scores(2), "poor": normal_scores(1)}
    figure = plots.plot_verification(methods, "Good is better than poor")
    roc, det = figure.axes
    curves = [line for line in roc.lines if line.get_drawstyle() == "steps-post"]
    assert [line.get_label() for line in curves] == ["good", "poor"]
    assert len({line.get_linestyle() for line in curves}) == 2
    for metrics, line, dots, on_det in zip(
        methods.values(), curves, marked(roc, "o"), marked(det, "o"), strict=True
    ):
        x, y = line.get_xydata().T
        read = [y[x <= far].max() for far in (0.1, 1)]  # a step holds its height to the next FAR
        np.testing.assert_allclose(dots, np.stack([[0.1, 1], read], axis=1))
        np.testing.assert_allclose(on_det, np.stack([[0.1, 1], 100 - np.array(read)], axis=1))
        assert read[1] == pytest.approx(100 * metrics.tpr_at_far(0.01))
    assert (roc.get_xscale(), roc.get_xlim()[0]) == ("log", 0.1)
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["good", "poor", "FAR of 0.1 % and 1 %", "EER"]
    assert_nothing_is_cut_off(figure)


def test_normal_scores_make_a_straight_det() -> None:
    """Of slope -1, as both sides are equally wide; it meets the diagonal in the EER, half their distance out."""
    _, det = plots.plot_verification({"normal": normal_scores(2, 20_000, 20_000)}, "t").axes
    (line,) = (line for line in det.lines if line.get_drawstyle() == "steps-post")
    points = line.get_xydata()
    inside = points[((points > 0.5) & (points < 99)).all(axis=1)]
    drawn = det.transAxes.inverted().transform(det.transData.transform(inside))  # 0 to 1 across the axes
    assert np.ptp(drawn[:, 0]) > 0.3
    assert np.ptp(drawn.sum(axis=1)) < 0.01
    (equal,) = marked(det, "D")
    np.testing.assert_allclose(equal, [[100 * norm.cdf(-1)] * 2], rtol=0.01)
    assert drawn.sum(axis=1).mean() == pytest.approx(
        det.transAxes.inverted().transform(det.transData.transform(equal)).sum(), abs=0.01
    )


def test_few_impostors_leave_no_far_of_a_thousandth() -> None:
    """Of 100 impostor pairs none may be accepted at 0.1 %: the dot stands where only better pairs are."""
    roc, _ = plots.plot_verification({"few": verification_metrics([3, 1], np.arange(100) / 50)}, "t").axes
    np.testing.assert_allclose(marked(roc, "o")[0], [[0.1, 50], [1, 50]])
    figure = plots.plot_verification({"perfect": verification_metrics([1.0], [0.0])}, "t")
    assert_nothing_is_cut_off(figure)


def test_the_full_dots_average_to_the_average_precision() -> None:
    from xmodal_lite.evaluation import rank_metrics

    places = [2, 3, 6]
    ax = plots.plot_precision_recall(places, 7, "t")
    misses, hits = (dots.get_offsets() for dots in ax.collections)
    assert (len(misses), len(hits)) == (4, 3)
    gallery = np.isin(np.arange(1, 8), places).astype(int)
    expected = rank_metrics(np.arange(7.0)[None], [1], gallery).map
    assert hits[:, 1].mean() / 100 == pytest.approx(expected)
    assert hits[:, 0].max() == pytest.approx(100)


@pytest.mark.parametrize("kind", ["images", "spectra"])
def test_matches_are_framed_where_they_are_in_the_set(kind: str) -> None:
    rng = np.random.default_rng(0)
    axis = None if kind == "images" else np.linspace(100, 4000, 50)
    sample = rng.integers(0, 256, (3, 20, 10), dtype=np.uint8) if axis is None else rng.random((1, 50))
    rows = [
        [("a_long_name_of_a_file.png", sample, False), ("1: 0.91", sample, True), ("2: 0.50", sample, False)],
        [("b.png", sample, False), ("1: 0.70", sample, True)],  # a shorter list
    ]
    figure = plots.plot_matches(rows, ("infrared", "visible"), axis)
    framed = [ax.get_title(loc="center") for ax in figure.axes if ax.spines["left"].get_visible()]
    assert framed == ["1: 0.91", "1: 0.70"]
    assert len(figure.axes) == 5
    assert "infrared queries" in figure.get_suptitle() and "framed" in figure.get_supxlabel()
    if axis is not None:
        np.testing.assert_array_equal(figure.axes[1].lines[0].get_ydata(), sample[0])
    assert_nothing_is_cut_off(figure)


def test_ranked_answers_frame_the_right_one_and_say_its_rank() -> None:
    rng = np.random.default_rng(0)
    queries, gallery = (rng.integers(0, 256, (n, 3, 8, 8), dtype=np.uint8) for n in (2, 7))
    similarity = np.linspace(0.9, 0.3, 7)[None].repeat(2, axis=0)
    right = np.zeros((2, 7), dtype=bool)
    right[0, 1] = right[1, 6] = True  # the second query's is outside the first five
    figure = plots.plot_answers(queries, gallery, similarity, right, "t")
    framed = [ax for ax in figure.axes if ax.spines["left"].get_visible()]
    assert [ax.get_title(loc="center") for ax in framed] == ["2: 0.80"]
    np.testing.assert_array_equal(framed[0].images[0].get_array(), gallery[1].transpose(1, 2, 0))
    titles = [ax.get_title(loc="center") for ax in figure.axes]
    assert len(titles) == 12 and titles[0] == "right: rank 2" and titles[6] == "right: rank 7"
    assert_nothing_is_cut_off(figure)


def test_heat_maps_share_one_colour_scale_and_print_their_numbers() -> None:
    panels = {"a": np.array([[10.0, 90.0], [50.0, 60.4]]), "b": np.array([[0.0, 20.0], [30.0, 100.0]])}
    figure = plots.plot_heat_map(panels, ["fog", "rain"], [1, 5], "What remains", "%", groups=[1])
    *maps, _bar = figure.axes
    for ax, (name, values) in zip(maps, panels.items(), strict=True):
        (image,) = ax.images
        assert image.get_clim() == (0, 100) and ax.get_title(loc="left") == name
        assert [text.get_text() for text in ax.texts] == [f"{value:.0f}" for value in values.ravel()]
        assert ax.lines[0].get_ydata()[0] == 0.5
    assert [text.get_text() for text in maps[0].get_yticklabels()] == ["fog", "rain"]
    assert_nothing_is_cut_off(figure)
