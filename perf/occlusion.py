"""Processor time of the occlusion table of five methods on drawings, from stored checkpoints.

    python perf/occlusion.py --store runs

needs the finished runs of the table marrnet-t7-emoji in a store; each is tested again in a copy of its folder. *Plain*
is the same test with every case by itself: both sides are changed and embedded anew for the query, the gallery and
both. It is measured on one level and multiplied by the number of levels. The mark is ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from _table import Row, print_and_store, time_of

from xmodal_lite.benchmarks import load
from xmodal_lite.benchmarks.base import Benchmark
from xmodal_lite.experiments import RunRecord, RunStore, load_table
from xmodal_lite.robustness import retest, study_changes
from xmodal_lite.robustness.retest import _embedder, _Sides

TABLE = load_table("marrnet-t7-emoji")
METHODS = ("Two-stream, AGW losses", "Extractor alone", "MarrNet", "MUN", "Enhancing")


def plain_seconds(record: RunRecord, data: Benchmark, store: RunStore) -> float:
    """Return the time of all levels where nothing is shared between the cases."""
    split = data.split(record.spec.protocol, record.spec.seed)
    embed, _ = _embedder(record, data, split, store, "cpu")
    sides = _Sides(data, split, embed)
    changes = study_changes(TABLE.study, data.dims)

    def one_level() -> None:
        for changed in ((0,), (1,), (0, 1)):
            parts = [embed(sides.pieces(m, changes[0] if m in changed else None), m) for m in (0, 1)]
            sides.metrics(*parts)

    return len(changes) * time_of(one_level, 2, time.process_time)


def main() -> None:
    """Print a row for each method, and their sum."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    data, rows = load(TABLE.benchmark), []
    specs = TABLE.specs(data, profile="demo", seeds=range(options.seeds))
    for row in (row for row in TABLE.run_rows if row.label in METHODS):
        ours = plain = 0.0
        for spec in (one for one in specs if (one.method, one.overrides) == (row.method, row.overrides)):
            with TemporaryDirectory() as folder:
                copy = RunStore(folder)
                copytree(RunStore(options.store).folder(spec), copy.folder(spec))
                (copy.folder(spec) / f"{TABLE.study}.json").unlink(missing_ok=True)
                record = copy.record(spec)
                assert record is not None, f"{row.label}, seed {spec.seed} is not in {options.store}"
                start = time.process_time()
                retest(record, data, copy, TABLE.study, device="cpu")
                ours += time.process_time() - start
                plain += plain_seconds(record, data, copy) if spec.seed == 0 else 0.0
        rows.append(shown(row.label, plain * options.seeds, ours))
    total = (sum(row[key] for row in rows) for key in ("plain s", "ours s"))
    rows.append(shown(f"five methods, {options.seeds} seeds", *total))
    print_and_store("occlusion", rows, options.output, threads=1)


def shown(what: str, plain: float, ours: float) -> Row:
    """Return a row from times in seconds."""
    return {
        "what": what,
        "plain s": plain,
        "ours s": ours,
        "ratio": plain / ours,
        "minutes on two cores": ours / 120,
    }


if __name__ == "__main__":
    main()
