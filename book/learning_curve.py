"""Rank-1 on emoji over the number of training pairs: `python book/learning_curve.py`.

A random part of the training emoji of a split is kept; the test emoji stay those of the split. The recipe is that of
the table, whatever the number of pairs. The outcome is written to `results/choice/emoji-curve.json`, which the page of
the table reads. Runs are kept, so a second call resumes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from xmodal_lite.benchmarks import load
from xmodal_lite.benchmarks.base import Benchmark, Split
from xmodal_lite.experiments.runner import run
from xmodal_lite.experiments.spec import make_spec
from xmodal_lite.experiments.store import RunStore

PROTOCOL = "unseen-groups"
SEEDS = 3
PAIRS = (150, 300, 450, 612)
METRICS = ("r2v/rank1", "v2r/rank1")
HOG = {"options.features": "hog", "options.directions": 100}
ROWS: dict[str, tuple[str, str, dict[str, Any]]] = {  # label: method, profile, overrides
    "CCA of HOG": ("cca", "demo", HOG),
    "Extractor alone, 240 steps": ("marrnet", "demo", {"model.unet": False}),
    "Extractor alone, 600 steps": ("marrnet", "paper", {"model.unet": False}),
    "MarrNet, 240 steps": ("marrnet", "demo", {}),
    "MarrNet, 600 steps": ("marrnet", "paper", {}),
}


def with_fewer_pairs(benchmark: Benchmark, pairs: int) -> Benchmark:
    """Return the benchmark with a random part of each split's training pairs, drawn with the split's seed."""

    def divide(_: Benchmark, seed: int) -> Split:
        split = benchmark.split(PROTOCOL, seed)
        identity = benchmark.table.identity[split.train]
        kept = np.random.default_rng(seed).permutation(np.unique(identity))[:pairs]
        return replace(split, train=split.train[np.isin(identity, kept)])

    fingerprint = sha256(f"{benchmark.fingerprint} {pairs} pairs".encode()).hexdigest()
    return replace(benchmark, splitters={PROTOCOL: divide}, fingerprint=fingerprint)


def main() -> None:
    """Run what is missing and write the outcome after each run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--store", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("results/choice/emoji-curve.json"))
    options = parser.parse_args()
    whole, store, found = load("drawings"), RunStore(options.store), []
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for seed in range(SEEDS):
        for pairs in PAIRS:
            part = with_fewer_pairs(whole, pairs)
            for label, (method, profile, own) in ROWS.items():
                own = own | ({"options.components": min(200, pairs - 1)} if method == "cca" else {})
                spec = make_spec(method, part, protocol=PROTOCOL, profile=profile, seed=seed, overrides=own)
                record = run(spec, part, store)
                metrics = {name: record.metrics[name] for name in METRICS}
                found.append(
                    {"row": label, "pairs": pairs, "seed": seed, "metrics": metrics}
                    | {"code": record.code, "seconds": record.seconds}
                )
                options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
                print(f"{label:28} {pairs} pairs, seed {seed}  {metrics}", flush=True)


if __name__ == "__main__":
    main()
