"""Draw the ranked answers of MarrNet to eight line queries of the emoji, for the page of the table `drawings`.

    python book/figures/emoji_answers.py STORE

reads the run of profile "demo", split 0, in a store of runs, and writes `book/_static/figures/emoji-answers.jpg`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no window

from xmodal_lite import plots
from xmodal_lite.benchmarks import load
from xmodal_lite.deployment import answers_at_test, find_run, load_run
from xmodal_lite.experiments import make_spec

OUT = Path(__file__).resolve().parents[1] / "_static" / "figures" / "emoji-answers.jpg"


def main(store: str) -> None:
    """Find the run, rank and draw."""
    data = load("drawings")
    spec = make_spec("marrnet", data, protocol="unseen-groups", profile="demo", seed=0)
    answers = answers_at_test(load_run(find_run(spec.hash, store)), data)
    plots.use_style()
    title = "Line queries and the first five colour answers of MarrNet"
    plots.plot_answers(*answers, title).savefig(OUT, dpi=110, pil_kwargs={"quality": 85})
    print(OUT)


if __name__ == "__main__":
    main(*sys.argv[1:])
