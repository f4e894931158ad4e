"""Figures of the samples themselves: queries and their ranked answers, pairs of two modalities."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xmodal_lite.plots.style import BLACK, GREEN, MODALITY_COLOURS, WIDTH

Cell = tuple[str, np.ndarray, bool]  # caption, sample, whether it is framed


def plot_answers(
    queries: np.ndarray,
    gallery: np.ndarray,
    similarity: np.ndarray,
    right: np.ndarray,
    title: str,
    k: int = 5,
) -> Figure:
    """Draw image queries, a row each, with their first k answers and the cosine of each; right ones are framed.

    Above a query is the rank of its first right answer, which may be outside the first k.

    Parameters
    ----------
    queries, gallery : np.ndarray, shape (Q, 3, H, W) and (G, 3, H, W)
        Images uint8.
    similarity : np.ndarray, shape (Q, G)
        Cosine of each query and each gallery image.
    right : np.ndarray, shape (Q, G), bool
        Whether both show one identity; one or more in each row.
    title : str
        What the figure shows, as a sentence.
    k : int
        Answers to draw.
    """
    order = np.argsort(-similarity, axis=1, kind="stable")  # (Q, G)
    ranks = 1 + np.take_along_axis(right, order, axis=1).argmax(axis=1)  # (Q,)
    rows = [
        [(f"right: rank {rank}", query, False)]
        + [
            (f"{n}: {similarity[i, j]:.2f}", gallery[j], bool(right[i, j]))
            for n, j in enumerate(found[:k], 1)
        ]
        for i, (query, rank, found) in enumerate(zip(queries, ranks, order, strict=True))
    ]
    return plot_samples(rows, title, "framed: the right answer")


def plot_matches(rows: Sequence[Sequence[Cell]], names: tuple[str, str], axis: np.ndarray | None) -> Figure:
    """Draw queries and what was found for them: a row each, the query on the left, then its matches, best first.

    Parameters
    ----------
    rows : sequence of sequences of (str, np.ndarray, bool)
        See `plot_samples`; framed is what is in the query's prediction set.
    names : tuple of str
        The modality of the queries and that of the gallery.
    axis : np.ndarray, shape (L,), optional
        In cm^-1, of spectra; None for images.
    """
    title = f"{names[0]} queries on the left, {names[1]} matches with their cosine"
    return plot_samples(rows, title, "framed: in the query's prediction set", axis)


def plot_samples(
    rows: Sequence[Sequence[Cell]], title: str, note: str = "", axis: np.ndarray | None = None
) -> Figure:
    """Draw rows of samples, each with a caption above.

    Parameters
    ----------
    rows : sequence of sequences of (str, np.ndarray, bool)
        Caption, sample, and whether it is framed; rows may differ in length. Samples are images (3, H, W) uint8 or
        spectra (1, L).
    title : str
        Above the figure.
    note : str
        Below the figure: what a frame means.
    axis : np.ndarray, shape (L,), optional
        In cm^-1, of spectra; None for images.
    """
    across = max(map(len, rows))
    width = max(WIDTH, 1.1 * across)
    shape = rows[0][0][1].shape  # of the first sample
    height = 1.3 if axis is not None else 0.35 + shape[1] / shape[2] * (width / across - 0.15)
    figure, axes = plt.subplots(
        len(rows), across, figsize=(width, 0.7 + height * len(rows)), squeeze=False, sharex=axis is not None
    )
    for row, cells in zip(rows, axes, strict=True):
        for column, ax in enumerate(cells):
            if column < len(row):
                _draw_cell(ax, row[column], axis, MODALITY_COLOURS[0] if column else BLACK)
            else:
                ax.remove()
    figure.suptitle(title, size=11, parse_math=False)  # a dollar sign in a name is no formula
    figure.supxlabel(note, size=9)
    return figure


def _draw_cell(ax: Axes, cell: Cell, axis: np.ndarray | None, colour: str) -> None:
    """Draw one sample with its caption above, and a frame around it if it has one."""
    caption, sample, framed = cell
    if axis is None:
        ax.imshow(sample.transpose(1, 2, 0))
    else:
        ax.plot(axis, sample[0], color=colour, linewidth=0.9)
    letters = 16  # that fit above a cell
    short = caption if len(caption) <= letters else f"{caption[: letters - 1]}…"
    ax.set_title(short, size=8, loc="center", parse_math=False)
    ax.grid(False)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=framed, color=GREEN, linewidth=3)
