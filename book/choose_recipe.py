"""Choose the recipe of each method on RRUFF inside the training part: `python book/choose_recipe.py --data-root ROOT`.

The minerals that protocol A trains on are taken as a data set of their own, and protocol A divides them again. So no
mineral that the book's tables test on takes part. Every method gets the same four trials. The outcome of all of them is
written to `book/choices/rruff.json`, which the page of the table reads. Runs are kept, so a second call resumes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from xmodal_lite.benchmarks import load
from xmodal_lite.benchmarks.base import Benchmark
from xmodal_lite.experiments.runner import run
from xmodal_lite.experiments.spec import RunRecord, make_spec
from xmodal_lite.experiments.store import RunStore

SEEDS = 3
METRICS = ("v2r/rank1", "r2v/rank1", "v2r/mrr", "r2v/mrr")
# The rows that are trained, by label of the table, with what sets them apart from their method.
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "Two-stream, AGW losses": ("two-stream", {}),
    "Contrastive pair": ("contrastive", {}),
    "Extractor alone": ("marrnet", {"model.unet": False}),
    "+ perceptual (MarrNet)": ("marrnet", {}),
    "MUN": ("mun", {}),
    "Enhancing": ("enhancing", {}),
    "Combined (ours)": ("combined", {}),
}
TRIALS: dict[str, dict[str, Any]] = {
    "as in the table": {},
    "half the learning rate": {"lr": 1e-3},
    "twice the learning rate": {"lr": 4e-3},
    "dropout 0.5 instead of 0.3": {"model.dropout": 0.5},
}


def training_part(benchmark: Benchmark, seed: int) -> Benchmark:
    """Return the rows that protocol A trains on as a data set of their own, with the protocols of the whole."""
    rows = benchmark.split("A", seed).train
    fingerprint = sha256(f"{benchmark.fingerprint} A {seed} train".encode()).hexdigest()
    table = benchmark.table.select(rows)
    return replace(benchmark, table=table, samples=benchmark.samples[rows], fingerprint=fingerprint)


def trials(root: Path, store: RunStore) -> Iterator[tuple[str, str, RunRecord]]:
    """Run every trial of every row, seed by seed, and yield label, trial and record."""
    whole = load("rruff", root)
    for seed in range(SEEDS):
        part = training_part(whole, seed)
        for label, (method, own) in ROWS.items():
            for trial, change in TRIALS.items():
                spec = make_spec(
                    method, part, protocol="A", profile="demo", seed=seed, overrides=own | change
                )
                yield label, trial, run(spec, part, store)


def main() -> None:
    """Run what is missing and write the outcome after each run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder in the layout of RRUFF")
    parser.add_argument("--store", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("book/choices/rruff.json"))
    options = parser.parse_args()
    found = []
    for label, trial, record in trials(options.data_root, RunStore(options.store)):
        metrics = {name: record.metrics[name] for name in METRICS}
        found.append(
            {"row": label, "trial": trial, "seed": record.spec.seed, "metrics": metrics}
            | {"overrides": record.spec.overrides, "code": record.code, "seconds": record.seconds}
        )
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        shown = "  ".join(f"{name} {value:.3f}" for name, value in metrics.items())
        print(f"{label:28} {trial:28} seed {record.spec.seed}  {shown}", flush=True)


if __name__ == "__main__":
    main()
