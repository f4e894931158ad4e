"""Write the tables of what runs and their parts cost: no time and no memory in the book is typed.

    python book/make_costs.py

reads the run records under `results/` and writes `book/costs-table.md`, reads what the scripts of `benchmarks/` stored
in `results/benchmarks/` and writes `book/costs-parts.md`. `book/costs.md` includes both, and `tests/book/test_costs.py`
fails when one is stale.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.store import read_records

ROOT = Path(__file__).resolve().parent.parent
RUNS, PARTS = ROOT / "book" / "costs-table.md", ROOT / "book" / "costs-parts.md"
STORED = ROOT / "results" / "benchmarks"
HEAD = ["| Benchmark | Profile | Method | Data | Runs | Median time | Longest | Peak memory | Machine |"]
RULE = ["|:---|:---|:---|:---|---:|---:|---:|---:|:---|"]
UNITS = ("s", "ms", "MB")

Measured = dict[str, Any]  # what `benchmarks/_table.py` stores


def costs_table(records: Iterable[RunRecord]) -> str:
    """Return a table with one line for each benchmark, profile, method, source of data and machine."""
    groups: dict[tuple[str, ...], list[RunRecord]] = defaultdict(list)
    for record in {record.spec.hash: record for record in records}.values():  # a run may be in several tables
        spec = record.spec
        groups[spec.benchmark, spec.profile, spec.method, spec.source, record.device].append(record)
    if not groups:
        return "No run has been published with this edition yet: **not measured**.\n"
    return "\n".join([*HEAD, *RULE, *(_line(key, groups[key]) for key in sorted(groups))]) + "\n"


def parts_table(stored: Iterable[Measured]) -> str:
    """Return a table for each speed script and device, and what to type where no GPU was measured."""
    ordered = sorted(stored, key=lambda one: (one["benchmark"], one["device"] != "cpu", one["device"]))
    parts = []
    for name, found in groupby(ordered, key=lambda one: one["benchmark"]):
        measured = list(found)
        parts += [f"**{name.capitalize()}**", *map(_measured, measured)]
        script = name.replace(" ", "_")
        if all(one["device"] == "cpu" for one in measured) and _knows_devices(script):
            command = (
                f"python benchmarks/{script}.py --device cuda --output results/benchmarks/{script}-cuda.json"
            )
            parts.append(f"On CUDA: not measured. To measure it: `{command}`")
    return "\n\n".join(parts or ["No part has been measured with this edition yet: **not measured**."]) + "\n"


def _knows_devices(script: str) -> bool:
    """Tell whether a speed script runs on more than the processor."""
    return '"--device"' in (ROOT / "benchmarks" / f"{script}.py").read_text(encoding="utf-8")


def stored_runs() -> list[RunRecord]:
    """Read every published run record."""
    folders = sorted(path for path in (ROOT / "results").iterdir() if path.is_dir() and path != STORED)
    return [record for folder in folders for record in read_records(folder)]


def stored_parts() -> list[Measured]:
    """Read what the speed scripts stored."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(STORED.glob("*.json"))]


def main() -> None:
    """Write both pages from what is stored."""
    RUNS.write_text(costs_table(stored_runs()), encoding="utf-8")
    PARTS.write_text(parts_table(stored_parts()), encoding="utf-8")


def _line(key: tuple[str, ...], records: Sequence[RunRecord]) -> str:
    benchmark, profile, method, source, device = key
    seconds = [record.seconds for record in records]
    memory = max(record.peak_memory_mb for record in records)
    times = f"{median(seconds):.0f} s | {max(seconds):.0f} s"
    what = f"{benchmark} | `{profile}` | {method} | {source}"
    return f"| {what} | {len(records)} | {times} | {memory:.0f} MB | {device} |"


def _measured(one: Measured) -> str:
    """Write one stored table: the machine, then a line for each row."""
    versions = ", ".join(f"{name} {number}" for name, number in one["versions"].items())
    plural = "" if one["threads"] == 1 else "s"
    columns = [column for column in one["rows"][0] if column != "what"]
    lines = [
        f"{one['device'].replace('cpu', 'CPU')}, {one['threads']} thread{plural}, {versions}:",
        "",
        f"| What | {' | '.join(map(_heading, columns))} |",
        "|:---|" + "---:|" * len(columns),
        *(
            f"| {row['what']} | {' | '.join(_shown(row[column]) for column in columns)} |"
            for row in one["rows"]
        ),
    ]
    return "\n".join(lines)


def _heading(column: str) -> str:
    """Write `plain_ms` as "Plain (ms)"."""
    name, _, unit = column.rpartition("_")
    words = f"{name.replace('_', ' ')} ({unit})" if name and unit in UNITS else column.replace("_", " ")
    return words[0].upper() + words[1:]


def _shown(number: float | None) -> str:
    """Write a number with three digits at least, a dash where none was taken."""
    return "-" if number is None else f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


if __name__ == "__main__":
    main()
