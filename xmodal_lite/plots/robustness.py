"""Curves of a study: what is left of a metric when more and more of a sample is changed."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from xmodal_lite.plots.style import AMBER, BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, WIDTH

COLOURS = (BLACK, GREY, SKY, BLUE, AMBER, PURPLE, ORANGE, GREEN, "#8B6F47", "#B00020")


def plot_curves(panels: Mapping[str, pd.DataFrame], xlabel: str) -> Figure:
    """Draw the mean over seeds of a metric over the level of a change, a line for each row of a table.

    Parameters
    ----------
    panels : mapping of str to pandas.DataFrame
        By title: columns "row", "level" and "value" (a fraction; one line a seed), with the same rows in each panel.
    xlabel : str
        What a level is.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.9), sharey=True, squeeze=False)
    rows = list(next(iter(panels.values()))["row"].unique())
    for ax, (title, frame) in zip(axes[0], panels.items(), strict=True):
        sns.lineplot(
            frame.assign(value=100 * frame["value"]),
            x="level",
            y="value",
            hue="row",
            style="row",
            hue_order=rows,
            style_order=rows,
            palette=list(COLOURS[: len(rows)]),
            markers=True,
            errorbar=None,
            ax=ax,
        )
        ax.set(xlabel=xlabel, ylabel="%", title=title, ylim=(0, None))
        handles, names = ax.get_legend_handles_labels()
        ax.get_legend().remove()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=9)
    return figure
