"""Charts: curves, rankings and intervals in the style of the book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle
from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.stats import norm

from xmodal_lite.plots.style import (
    GREEN,
    GREY,
    HIT_COLOUR,
    MISS_COLOUR,
    MODALITY_COLOURS,
    WIDTH,
)

if TYPE_CHECKING:
    from xmodal_lite.evaluation import VerificationMetrics

LINE_STYLES = ("-", "--", ":", "-.")  # beside the colours, so that colour alone tells no line apart
FARS = (0.1, 1)  # %, the false acceptance rates that face papers quote

Spectrum = tuple[np.ndarray, np.ndarray]  # axis (L,) in cm^-1, intensity (L,)


def plot_spectra_pair(raman: Spectrum, infrared: Spectrum, title: str) -> np.ndarray:
    """Draw a Raman spectrum above an infrared one, over one axis in cm^-1, each scaled to its maximum.

    Returns
    -------
    np.ndarray of Axes, shape (2,)
        Raman, infrared.
    """
    _, axes = plt.subplots(2, 1, figsize=(WIDTH, 4.2), sharex=True)
    sides = zip(axes, (raman, infrared), MODALITY_COLOURS, ("Raman", "infrared"), strict=True)
    for ax, (x, y), colour, name in sides:
        ax.plot(x, y / np.max(np.abs(y)), color=colour, linewidth=1.2)
        ax.set(ylabel=f"{name}\n(share of maximum)")
    axes[0].set_title(title)
    axes[1].set_xlabel("Raman shift, infrared wavenumber (cm$^{-1}$)")
    return axes


def plot_ranking(queries: Sequence[str], ranked: Sequence[Sequence[str]], title: str) -> Axes:
    """Draw ranked lists as rows of cells, nearest on the left, with the query's own name marked.

    Parameters
    ----------
    queries : sequence of str, length Q
        Identity of each query.
    ranked : sequence of Q sequences of str
        Identities of the gallery in the order of their distance; rows may differ in length.
    title : str
        What the figure shows, as a sentence.
    """
    places = max(map(len, ranked))
    longest = 2 + max(len(name) for names in ranked for name in names)  # letters, with the tick
    size = min(11, 500 / places / longest)  # so that every name fits its cell
    _, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.45 * len(queries)))
    for row, (query, names) in enumerate(zip(queries, ranked, strict=True)):
        for column, name in enumerate(names):
            hit = name == query
            box = plt.Rectangle(
                (column + 0.53, row - 0.42), 0.94, 0.84, color=HIT_COLOUR if hit else MISS_COLOUR
            )
            ax.add_patch(box)
            label = f"✓ {name}" if hit else name
            weight = "bold" if hit else "normal"
            ax.text(column + 1, row, label, ha="center", va="center", weight=weight, size=size)
    ax.set(
        xlim=(0.5, places + 0.5),
        ylim=(len(queries) - 0.5, -0.5),
        xlabel="place in the ranked list",
        title=title,
    )
    ax.set_xticks(range(1, places + 1))
    ax.set_yticks(range(len(queries)), [f"query {name}" for name in queries])
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return ax


def plot_training(history: Sequence[Mapping[str, float]], title: str) -> Axes:
    """Draw every loss of a training log over its steps, on a logarithmic scale.

    Parameters
    ----------
    history : sequence of mappings
        As ``training.fit`` returns: each with "step", "rate" and the mean of each loss since the line before.
    title : str
        What the figure shows, as a sentence.
    """
    _, ax = plt.subplots(figsize=(WIDTH, 3.8))
    steps = [line["step"] for line in history]
    losses = [name for name in history[-1] if name not in ("step", "rate")]
    for name, style in zip(losses, cycle(LINE_STYLES), strict=False):
        ax.plot(steps, [line[name] for line in history], style, label=name)
    ax.set(xlabel="training step", ylabel="loss (unweighted)", yscale="log", title=title)
    ax.figure.legend(ncols=4, loc="outside lower center")
    return ax


def plot_similarity(similarity: np.ndarray, title: str, queries: str, gallery: str) -> Axes:
    """Draw a matrix of similarities, queries (Q) down and gallery (G) across; matches lie on the diagonal.

    Parameters
    ----------
    similarity : np.ndarray, shape (Q, G)
        Larger is more alike; identities in the same order on both sides.
    title, queries, gallery : str
        What the figure shows, as a sentence, and the names of its two axes.
    """
    _, ax = plt.subplots(figsize=(WIDTH * 0.75, WIDTH * 0.62))
    image = ax.imshow(similarity)
    ax.set(xlabel=gallery, ylabel=queries, title=title)
    ax.grid(False)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    ax.figure.colorbar(image, ax=ax, label="cosine similarity")
    return ax


def plot_heat_map(
    panels: Mapping[str, np.ndarray],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    label: str,
    groups: Sequence[int] = (),
) -> Figure:
    """Draw tables of percentages side by side on one colour scale, with the number in each cell.

    Parameters
    ----------
    panels : mapping of str to np.ndarray, shape (R, C)
        Percent, by the title of the panel.
    rows, columns : sequence of str, length R and C
        Their names.
    title, label : str
        What the figure shows, as a sentence, and what the numbers are.
    groups : sequence of int
        Rows above which a white line is drawn.

    Returns
    -------
    Figure
        With one axes for each panel, then that of the colour bar.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(WIDTH, 1.5 + 0.22 * len(rows)), sharey=True, squeeze=False
    )
    low, high = min(x.min() for x in panels.values()), max(x.max() for x in panels.values())
    for ax, (name, values) in zip(axes[0], panels.items(), strict=True):
        image = ax.imshow(values, vmin=low, vmax=high, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            colour = "white" if value < (low + high) / 2 else "black"
            ax.text(column, row, f"{value:.0f}", ha="center", va="center", size=8, color=colour)
        for row in groups:
            ax.axhline(row - 0.5, color="white", linewidth=3)
        ax.set_title(name, size=10)
        ax.set_xticks(range(len(columns)), columns)
        ax.set_yticks(range(len(rows)), rows, size=9)
        ax.tick_params(length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
    figure.suptitle(title, x=0.01, ha="left", size=12)
    figure.colorbar(image, ax=axes[0].tolist(), label=label, shrink=0.7)
    return figure


def plot_cmc(curves: Mapping[str, np.ndarray], title: str) -> Axes:
    """Draw CMC curves, in percent, each named in the legend; curves[name] has shape (max_rank,)."""
    _, ax = plt.subplots()
    for (name, cmc), style in zip(curves.items(), cycle(LINE_STYLES), strict=False):
        ax.plot(np.arange(1, len(cmc) + 1), 100 * cmc, style, marker="o", label=name)
    ax.set(xlabel="rank k", ylabel="queries with a match\namong the first k (%)", ylim=(0, 105), title=title)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower right")
    return ax


def plot_verification(methods: Mapping[str, VerificationMetrics], title: str) -> Figure:
    """Draw what a score is worth for verifying pairs, in percent: the ROC on the left, the DET on the right.

    The ROC has the FAR on a logarithmic axis from 0.1 %. The DET has both errors in normal deviates, where normal
    scores make a straight line (Martin et al., Eurospeech 1997). Curves go in steps, so that what is read off them is
    `VerificationMetrics.tpr_at_far`, which does not interpolate. Dots mark it at a FAR of 0.1 % and of 1 %, diamonds
    the equal error rate. What has an error below 0.05 % or above 99.5 % lies outside the DET.

    Parameters
    ----------
    methods : mapping of str to VerificationMetrics
        By the name for the legend, from `xmodal_lite.evaluation.verification_metrics`.
    title : str
        What the figure shows, as a sentence.

    Returns
    -------
    Figure
        With two axes, ROC and DET.
    """
    figure, (roc, det) = plt.subplots(1, 2, figsize=(WIDTH, 4.3))
    for (name, metrics), style in zip(methods.items(), cycle(LINE_STYLES), strict=False):
        tpr = np.array([100 * metrics.tpr_at_far(far / 100) for far in FARS])
        eer = 100 * metrics.eer
        (line,) = roc.plot(
            100 * metrics.roc.fpr, 100 * metrics.roc.tpr, style, drawstyle="steps-post", label=name
        )
        colour = line.get_color()
        det.plot(100 * metrics.det.far, 100 * metrics.det.frr, style, drawstyle="steps-post", color=colour)
        for ax, height, balanced in ((roc, tpr, 100 - eer), (det, 100 - tpr, eer)):
            ax.plot(FARS, height, "o", color=colour, clip_on=ax is det)  # 0.1 % is the very edge of the ROC
            ax.plot([eer], [balanced], "D", color=colour)
    for marker, meaning in (("o", "FAR of 0.1 % and 1 %"), ("D", "EER")):
        roc.plot([], [], marker, color=GREY, label=meaning)
    roc.set(xscale="log", xlim=(FARS[0], 100), ylim=(0, 105), xlabel="FAR (%)", ylabel="TPR (%)", title="ROC")
    roc.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    _to_deviates(det)
    det.set(xlabel="FAR (%)", ylabel="FRR (%)", title="DET")
    figure.suptitle(title, x=0.01, ha="left", size=12)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _to_deviates(ax: Axes) -> None:
    """Give both axes of a DET, in percent, the scale of normal deviates, and draw the line of equal errors."""

    def deviate(percent: np.ndarray) -> np.ndarray:
        """0 and 100 % have none: they are put far outside the axes."""
        return norm.ppf(np.clip(percent, 1e-3, 100 - 1e-3) / 100)

    scale = (deviate, lambda z: 100 * norm.cdf(z))
    ticks = [0.1, 1, 5, 20, 50, 80, 95]
    ax.plot(ticks, ticks, color=GREY, linewidth=0.8, zorder=0)
    ax.set_xscale("function", functions=scale)
    ax.set_yscale("function", functions=scale)
    ax.set(xlim=(0.05, 99.5), ylim=(0.05, 99.5))
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_box_aspect(1)


def plot_precision_recall(places: Sequence[int], size: int, title: str) -> Axes:
    """Draw precision over recall down one ranked list whose matches stand at ``places`` of ``size``.

    A dot is the list cut behind one place, full where that place holds a match. The mean precision of the
    full dots is the average precision.
    """
    _, ax = plt.subplots()
    hit = np.isin(np.arange(1, size + 1), places)
    precision = 100 * hit.cumsum() / np.arange(1, size + 1)
    recall = 100 * hit.cumsum() / len(places)
    ax.plot(recall, precision, color=GREY, linewidth=1, zorder=1)
    ax.scatter(
        recall[~hit], precision[~hit], facecolors="white", edgecolors=GREY, label="ends on a miss", zorder=2
    )
    ax.scatter(recall[hit], precision[hit], color=GREEN, s=60, label="ends on a match", zorder=3)
    ax.set(xlabel="recall (%)", ylabel="precision (%)", xlim=(-5, 105), ylim=(0, 108), title=title)
    ax.legend(loc="lower left")
    return ax


def plot_intervals(panels: Mapping[str, pd.DataFrame], bounds: Callable[..., tuple[float, float]]) -> Figure:
    """Draw a table's headline numbers: mean and interval of each row, and a faint mark for each seed.

    Parameters
    ----------
    panels : mapping of str to pandas.DataFrame
        By title: columns "row", "metric" and "value" (a fraction; one line a seed), the same rows in each panel, in
        the table's order, and the same one or two metrics. Its `attrs` are passed on to `bounds`.
    bounds : callable
        Gives both ends of the interval of some values.
    """
    height = 1.2 + 0.42 * next(iter(panels.values()))["row"].nunique()
    figure, axes = plt.subplots(1, len(panels), figsize=(WIDTH, height), sharey=True, squeeze=False)
    for ax, (title, frame) in zip(axes[0], panels.items(), strict=True):
        percent = frame.assign(value=100 * frame["value"], row=frame["row"].map(partial(fill, width=30)))
        colours = dict(zip(frame["metric"].unique(), MODALITY_COLOURS, strict=False))
        shared = {"data": percent, "x": "value", "y": "row", "hue": "metric", "palette": colours, "ax": ax}
        sns.stripplot(**shared, dodge=True, jitter=False, alpha=0.35, size=3, legend=False)
        markers = ["o", "D"][: len(colours)]
        sns.pointplot(
            **shared,
            dodge=0.4,
            linestyle="none",
            markers=markers,
            markersize=4,
            linewidth=1.6,
            errorbar=partial(bounds, **frame.attrs),
        )
        ax.set(xlabel="%", ylabel="")
        ax.set_title("\n".join(fill(line, 56 // len(panels)) for line in title.splitlines()), fontsize=9)
        handles, names = ax.get_legend_handles_labels()
        ax.get_legend().remove()
    figure.legend(handles, names, loc="outside lower center", ncols=2)
    return figure
