"""Write the tables of what runs and their parts cost: no time and no memory in the book is typed.

    python book/make_costs.py

reads the run records under `results/` and writes `book/costs-table.md`, reads what the scripts of `benchmarks/` stored
in `results/benchmarks/` and writes `book/costs-parts.md`, and puts both together in `book/costs-paper.md`: what a run
of the paper profile takes. `book/costs.md` includes the three, and `tests/book/test_costs.py` fails when one is stale.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.store import read_records
from xmodal_lite.training.flops import PEAK

ROOT = Path(__file__).resolve().parent.parent
RUNS, PARTS, PAPER = (ROOT / "book" / f"costs-{name}.md" for name in ("table", "parts", "paper"))
STORED = ROOT / "results" / "benchmarks"
HEAD = ["| Benchmark | Profile | Method | Data | Runs | Median time | Longest | Peak memory | Machine |"]
RULE = ["|:---|:---|:---|:---|---:|---:|---:|---:|:---|"]
UNITS = ("s", "ms", "MB", "M")
COUNTS = "operation counts"  # what `benchmarks/operation_counts.py` stores


class Card(NamedTuple):
    """A GPU by its data sheet: name as the driver gives it, TFLOP/s in 32 bits without tensor cores, GB/s of memory."""

    device: str
    single: float
    bandwidth: float


# NVIDIA's data sheets: T4 (8.1, up to 320), A100 80 GB SXM (19.5, 2039), H200 SXM (67, 4800)
CARDS = {
    "T4": Card("Tesla T4", 8.1, 320.0),
    "A100": Card("NVIDIA A100-SXM4-80GB", 19.5, 2039.0),
    "H200": Card("NVIDIA H200", 67.0, 4800.0),
}
# What an estimate assumes, ours: the share of the peak that matrix products reach, the share of the bandwidth that the
# rest reaches, and the time in which Python starts one operation.
PRODUCTS, MOVES, START = 0.4, 0.7, 10e-6

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


def paper_table(stored: Iterable[Measured], records: Iterable[RunRecord]) -> str:
    """Return what a run of the paper profile takes on each card: measured where there is a record, else estimated."""
    counted = [row for one in stored if one["benchmark"] == COUNTS for row in one["rows"]]
    if not counted:
        return "Nothing has been counted with this edition yet: `python benchmarks/operation_counts.py`.\n"
    run = [record for record in records if record.spec.profile == "paper"]
    head = f"| Command | Steps | {' | '.join(f'{card}, minutes' for card in CARDS)} | GPU memory | Disk |"
    lines = [head, "|:---|---:|" + "---:|" * (len(CARDS) + 2), *(_paper_line(row, run) for row in counted)]
    assumed = (
        f"Estimates assume that matrix products reach {100 * PRODUCTS:.0f} % of the card's peak, all else "
        f"{100 * MOVES:.0f} % of its memory's bandwidth, and that an operation takes {1e6 * START:.0f} µs to start at "
        "the least: "
        + "; ".join(
            f"{name} {PEAK[card.device]:g} TFLOP/s in 16 bits, {card.single:g} in 32, {card.bandwidth:,.0f} GB/s"
            for name, card in CARDS.items()
        )
        + "."
    )
    return "\n".join([*lines, "", assumed]) + "\n"


def _paper_line(row: Measured, run: Sequence[RunRecord]) -> str:
    method, benchmark = row["what"].split()
    mine = [one for one in run if (one.spec.method, one.spec.benchmark) == (method, benchmark)]
    minutes = []
    for name, card in CARDS.items():
        seconds = [one.seconds for one in mine if name in one.device]
        if seconds:
            minutes.append(f"{_shown(median(seconds) / 60)} measured")
        else:
            minutes.append(f"{_rounded(row['steps'] * _step_seconds(row, card) / 60)} estimated")
    measured = [one.peak_memory_mb for one in mine if any(name in one.device for name in CARDS)]
    memory = f"{max(measured):,.0f} MB measured" if measured else f"{_rounded(_memory(row))} GB estimated"
    disk = (2 * row["checkpoint_MB"] + (row["cache_MB"] or 0)) / 1000
    cells = [f"`xmodal run {method} {benchmark} --profile paper`", f"{row['steps']:,}", *minutes, memory]
    return f"| {' | '.join(cells)} | {_rounded(disk)} GB{'' if row['cache_MB'] else ' and the cache'} |"


def _rounded(value: float) -> str:
    """Write an estimate: no more than two digits of it count."""
    return _shown(float(f"{value:.2g}"))


def _step_seconds(row: Measured, card: Card) -> float:
    """Estimate the time of a step from what it computes and moves, one after the other."""
    peak = PEAK[card.device] if row["bits"] == 16 else card.single
    products = row["GFLOP"] / (1e3 * PRODUCTS * peak)
    moves = row["moved_MB"] / (1e3 * MOVES * card.bandwidth)
    return max(products + moves, row["operations"] * START)


def _memory(row: Measured) -> float:
    """Estimate the memory of a step in GB: weights, gradients and moments, and what the forward pass keeps."""
    return (row["state_MB"] + row["kept_MB"]) / 1000


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
    """Write the three tables from what is stored."""
    runs, parts = stored_runs(), stored_parts()
    RUNS.write_text(costs_table(runs), encoding="utf-8")
    PARTS.write_text(parts_table(parts), encoding="utf-8")
    PAPER.write_text(paper_table(parts, runs), encoding="utf-8")


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
