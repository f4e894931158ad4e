"""The style of every figure: colours, width, matplotlib's defaults.

Colours are those of Okabe and Ito (jfly.uni-koeln.de/color), which people with any common colour blindness
distinguish. A modality has one colour through the whole book. Figures are as wide as the text, on white.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.rcsetup import cycler

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, SKY, AMBER, BLACK, GREY = "#CC79A7", "#56B4E9", "#E69F00", "#222222", "#6E6E6E"
MODALITY_COLOURS = (BLUE, ORANGE)  # 0 = v (Raman), 1 = r (infrared)
HIT_COLOUR, MISS_COLOUR = "#BFE3D7", "#F0F0F0"  # light enough for black text on top

WIDTH = 7.0  # inches: the text width of a page


def use_style() -> None:
    """Set matplotlib's defaults for the whole book; call it once at the top of a notebook."""
    plt.rcParams.update(
        {
            "figure.figsize": (WIDTH, 3.2),
            "figure.dpi": 140,  # 980 pixels, shown at some 700: sharp on most screens
            "figure.facecolor": "white",  # solid, so that a dark page does not swallow the labels
            "figure.constrained_layout.use": True,
            "figure.constrained_layout.h_pad": 0.06,
            "figure.constrained_layout.w_pad": 0.08,
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.titlepad": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.prop_cycle": cycler(color=[BLACK, GREEN, PURPLE, SKY, AMBER]),  # no modality's
            "grid.color": "#E3E3E3",
            "grid.linewidth": 0.8,
            "lines.linewidth": 1.6,
            "legend.frameon": False,
            "image.cmap": "cividis",
        }
    )
