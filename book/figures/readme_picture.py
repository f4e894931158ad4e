"""Draw the README's picture from the stored runs on real spectra.

    python book/figures/readme_picture.py

writes `book/_static/figures/marrnet-picture.png`.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from xmodal_lite import plots
from xmodal_lite.experiments import bounds, headline_frame, load_table, stored_records

ROOT = Path(__file__).resolve().parents[2]
TITLES = {"A": "minerals never seen in training", "B": "new specimens of known minerals"}


def main() -> None:
    """Draw rank-1 with intervals for both protocols."""
    plots.use_style()
    table = load_table("marrnet-t1")
    records = stored_records(ROOT / "results", table.name, "real")
    _, axes = plt.subplots(1, 2, figsize=(1.4 * plots.WIDTH, 5.2), sharey=True)
    for ax, protocol in zip(axes, table.protocols, strict=True):
        plots.plot_intervals(ax, headline_frame(table, records, protocol), bounds, TITLES[protocol])
    plt.savefig(ROOT / "book/_static/figures/marrnet-picture.png")


if __name__ == "__main__":
    main()
