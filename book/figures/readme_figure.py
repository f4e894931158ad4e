"""Draw the README's image from the stored runs on real spectra.

    python book/figures/readme_figure.py

writes `book/_static/figures/marrnet-picture.png`.
"""

from __future__ import annotations

from pathlib import Path

from xmodal_lite import plots
from xmodal_lite.evaluation.intervals import bounds
from xmodal_lite.experiments import headline_frame, load_table, stored_records

ROOT = Path(__file__).resolve().parents[2]
TITLES = {"A": "Unseen minerals", "B": "Unseen specimens"}


def main() -> None:
    """Draw rank-1 with intervals for both protocols."""
    plots.use_style()
    table = load_table("marrnet-t1")
    records = stored_records(ROOT / "results", table.name, "real")
    panels = {TITLES[p]: headline_frame(table, records, p) for p in table.protocols}
    figure = plots.plot_intervals(panels, bounds)
    figure.savefig(ROOT / "book/_static/figures/marrnet-picture.png")


if __name__ == "__main__":
    main()
