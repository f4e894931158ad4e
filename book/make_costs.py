"""Write the cost tables of the book from stored measurements: no time and no memory is typed.

    python book/make_costs.py

reads the run records under `results/` and writes `book/costs-table.md`, reads what the scripts of `perf/` stored in
`results/perf/` and writes `book/costs-parts.md`. From both it writes `book/costs-paper.md`, the time of a run of the
paper profile, and `book/costs-memory.md`, the memory of its steps and which cards have enough.
`book/costs.md` includes the four, and `tests/book/test_costs.py` fails when one is stale.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from xmodal_lite.experiments import resolve
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.store import read_records
from xmodal_lite.experiments.tables import SOURCES
from xmodal_lite.training import Recipe
from xmodal_lite.training.flops import PEAK

ROOT = Path(__file__).resolve().parent.parent
RUNS, PARTS, PAPER, MEMORY = (
    ROOT / "book" / f"costs-{name}.md" for name in ("table", "parts", "paper", "memory")
)
STORED = ROOT / "results" / "perf"
HEAD = ["| Benchmark | Profile | Method | Data | Runs | Median time | Longest | Peak memory |"]
RULE = ["|:---|:---|:---|:---|---:|---:|---:|---:|"]
UNITS = ("s", "ms", "MB", "M")
COUNTS = "operation counts"  # what `perf/operation_counts.py` stores
UNCOUNTED = "Nothing has been counted with this edition yet: `python perf/operation_counts.py`.\n"


class Card(NamedTuple):
    """A GPU by its data sheet: name reported by the driver, TFLOP/s in 32 bits without tensor cores, GB/s of memory."""

    device: str
    single: float
    bandwidth: float


# NVIDIA's data sheets: T4 (8.1, up to 320), A100 80 GB SXM (19.5, 2039), H100 SXM (67, 3350), H200 SXM (67, 4800)
CARDS = {
    "T4": Card("Tesla T4", 8.1, 320.0),
    "A100": Card("NVIDIA A100-SXM4-80GB", 19.5, 2039.0),
    "H100": Card("NVIDIA H100 80GB HBM3", 67.0, 3350.0),
    "H200": Card("NVIDIA H200", 67.0, 4800.0),
}
# Assumptions of the estimates, ours: the share of the peak that matrix products reach, the share of the bandwidth that
# other operations reach, and the time to launch one operation without a CUDA graph. They are fitted to the steps that
# were measured on an H100 (`training_step*-cuda.json`).
PRODUCTS, MOVES, START = 0.27, 0.47, 40e-6
# A measured step: its name in `perf/training_step.py`, and the settings of a recipe that it stands for
STEP = re.compile(r"(?P<method>[\w-]+), bf16(?P<replayed>, replayed)?, resnet50, 64 x 288 x 144")
SIZE, IMAGES = (288, 144), 64
# GB of a card that a run can use: the driver reserves some, and a T4 more for error correction
SIZES = {"8 GB": 8.0, "16 GB (T4)": 15.0, "40 or 80 GB": 40.0}
# Measured memory over the estimate, ours: temporary gradients, copies in 16 bits, fragmentation of the allocator.
# Processes on a CPU needed 1.3 to 1.5 times the estimate (`training_step-cpu.json`, without the libraries), an H100 1.2
# times.
SPARE = 1.5
SPLITS = (1, 2, 4)  # micro-batches of a step that are shown

LIMITED = "sysu-mm01"  # the benchmark of which measured steps are set beside their card's limits
Measured = dict[str, Any]  # what `perf/_table.py` stores
Steps = dict[tuple[str, str, bool], float]  # of measured steps, by device, method and whether replayed


def costs_table(records: Iterable[RunRecord]) -> str:
    """Return a table for each machine, with one line for each benchmark, profile, method and source of data."""
    groups: dict[tuple[str, ...], list[RunRecord]] = defaultdict(list)
    for record in {record.spec.hash: record for record in records}.values():  # a run may be in several tables
        spec = record.spec
        groups[record.device, spec.benchmark, spec.profile, spec.method, spec.source].append(record)
    if not groups:
        return "No run has been published with this edition yet: **not measured**.\n"
    tables = [
        "\n".join([f"**{device}**", "", *HEAD, *RULE, *(_line(key, groups[key]) for key in keys)])
        for device, keys in groupby(sorted(groups), key=lambda key: key[0])
    ]
    return "\n\n".join(tables) + "\n"


def parts_table(stored: Iterable[Measured]) -> str:
    """Return a table for each speed script and device, and the command to measure a GPU that was not."""
    ordered = sorted(stored, key=lambda one: (one["benchmark"], one["device"] != "cpu", one["device"]))
    parts = []
    for name, found in groupby(ordered, key=lambda one: one["benchmark"]):
        measured = list(found)
        parts += [f"**{name.capitalize()}**", *map(_measured, measured)]
        script = name.replace(" ", "_")
        if all(one["device"] == "cpu" for one in measured) and _knows_devices(script):
            command = f"python perf/{script}.py --device cuda --output results/perf/{script}-cuda.json"
            parts.append(f"On CUDA: not measured. To measure it: `{command}`")
    return "\n\n".join(parts or ["No part has been measured with this edition yet: **not measured**."]) + "\n"


def paper_table(stored: Iterable[Measured], records: Iterable[RunRecord]) -> str:
    """Return the time of a run of the paper profile on each card: measured if there is a record, else estimated."""
    parts = list(stored)
    if not (counted := _counted(parts)):
        return UNCOUNTED
    run, steps = list(records), _measured_steps(parts, "step_s")
    peaks = _measured_steps(parts, "peak_MB")
    head = (
        f"| METHOD BENCHMARK | Steps | {' | '.join(f'{card}, min' for card in CARDS)} | GPU, GB | Disk, GB |"
    )
    lines = [
        head,
        "|:---|---:|" + "---:|" * (len(CARDS) + 2),
        *(_paper_line(row, _on_cards(row, run), steps, peaks) for row in counted),
    ]
    assumed = (
        f"Estimates assume that matrix products reach {100 * PRODUCTS:.0f} % of the card's peak, that other operations "
        f"reach {100 * MOVES:.0f} % of its memory bandwidth, and that without a CUDA graph the launch of an operation "
        f"takes at least {1e6 * START:.0f} µs. Data sheets: "
        + "; ".join(
            f"{name} {PEAK[card.device]:g} TFLOP/s in 16 bits, {card.single:g} in 32, {card.bandwidth:,.0f} GB/s"
            for name, card in CARDS.items()
        )
        + "."
    )
    return "\n".join([*lines, "", assumed, *_limits(counted, steps)]) + "\n"


def memory_table(stored: Iterable[Measured], records: Iterable[RunRecord]) -> str:
    """Return the memory of a step with 1, 2 and 4 micro-batches, how many a card needs, and the impostors in each."""
    parts = list(stored)
    if not (counted := _counted(parts)):
        return UNCOUNTED
    run, peaks = list(records), _measured_steps(parts, "peak_MB")
    ways = [_way(parts) for parts in SPLITS]
    lines = [
        f"| Method and benchmark | {' | '.join(f'{way}, GB' for way in ways)} |",
        "|:---|" + "---:|" * len(ways),
        *(_memory_line(row, _on_cards(row, run), peaks) for row in counted),
        "",
        f"*Full batch* is a step without micro-batches. A step fits a card if {SPARE:g} times the estimate fits, "
        "next to the images of the benchmark if these take at most half of the card:",
        "",
        *(_held(name, size, counted) for name, size in SIZES.items()),
        "",
        f"| Benchmarks | P | K | {' | '.join(f'impostors, {way}' for way in ways)} |",
        "|:---|" + "---:|" * (2 + len(ways)),
        *_others(counted),
    ]
    return "\n".join(lines) + "\n"


def _counted(stored: Iterable[Measured]) -> list[Measured]:
    return [row for one in stored if one["benchmark"] == COUNTS for row in one["rows"]]


def _on_cards(row: Measured, records: Iterable[RunRecord]) -> list[RunRecord]:
    """Return the runs of the paper profile that were measured on one of the cards."""
    method, benchmark = row["what"].split()
    return [
        one
        for one in records
        if (one.spec.method, one.spec.benchmark, one.spec.profile) == (method, benchmark, "paper")
        and any(name in one.device for name in CARDS)
    ]


def _measured_steps(stored: Iterable[Measured], column: str) -> Steps:
    """Return a column of the steps that were measured, by device, method and whether they were replayed."""
    return {
        (one["device"], match["method"], match["replayed"] is not None): row[column]
        for one in stored
        if one["benchmark"] == "training step"
        for row in one["rows"]
        if row["step_s"] and (match := STEP.fullmatch(row["what"]))
    }


def _step_on(card: Card, row: Measured, steps: Steps) -> float | None:
    """Return what was measured of a recipe's step on a card, if it was."""
    recipe = _recipe(row)
    if recipe.image_size != SIZE or 2 * recipe.num_identities * recipe.num_instances != IMAGES:
        return None
    return steps.get((card.device, row["what"].split()[0], recipe.cuda_graph))


def _paper_line(row: Measured, run: Sequence[RunRecord], steps: Steps, peaks: Steps) -> str:
    minutes = []
    for name, card in CARDS.items():
        seconds = [one.seconds for one in run if name in one.device]
        step = _step_on(card, row, steps)
        if seconds:
            minutes.append(f"**{_shown(median(seconds) / 60)}** whole run")
        elif step:
            minutes.append(f"**{_rounded(row['steps'] * step / 60)}** from a step")
        else:
            minutes.append(_estimated(row["steps"] * _step_seconds(row, card) / 60))
    disk = (2 * row["checkpoint_MB"] + (row["cache_MB"] or 0)) / 1000
    cells = [row["what"], f"{row['steps']:,}", *minutes, _need(row, run, peaks)]
    return f"| {' | '.join(cells)} | {_rounded(disk)}{'' if row['cache_MB'] else ' + cache'} |"


def _limits(counted: Iterable[Measured], steps: Steps) -> list[str]:
    """Compare a measured step with the smallest time in which its card can compute and move what was counted."""
    told = []
    for row in counted:
        for name, card in CARDS.items():
            if row["what"].endswith(LIMITED) and (step := _step_on(card, row, steps)):
                computed = row["GFLOP"] / 1e3 / PEAK[card.device]
                moved = row["moved_MB"] / 1e3 / card.bandwidth
                told.append(
                    f"{row['what']} on the {name}: {1e3 * computed:.2g} ms of arithmetic, {1e3 * moved:.2g} ms of "
                    f"memory traffic, so the MFU is at most {100 * computed / max(computed, moved):.0f} %. Measured: "
                    f"{1e3 * step:.3g} ms, MFU {100 * computed / step:.0f} %."
                )
    head = (
        "A lower bound of the time of a step: arithmetic and memory traffic overlap, both run at the rates of the data "
        "sheet, and every operation reads its inputs and writes its results once."
    )
    return ["", head, "", *(f"- {line}" for line in told)] if told else []


def _memory_line(row: Measured, run: Sequence[RunRecord], peaks: Steps) -> str:
    needs = [_need(row, run, peaks, parts) for parts in SPLITS]
    return f"| {row['what'].replace(' ', ', ')} | {' | '.join(needs)} |"


def _need(row: Measured, run: Sequence[RunRecord], peaks: Steps, parts: int = 1) -> str:
    """Write the memory of a recipe's step in GB: from a run, else from a timed step, else from the count."""
    runs = [one for one in run if one.spec.overrides.get("grad_accumulation", 1) == parts]
    if runs:
        return f"**{_shown(max(one.peak_memory_mb for one in runs) * 2**20 / 1e9)}**"
    timed = [peak for card in CARDS.values() if (peak := _step_on(card, row, peaks))]
    if timed and parts == 1:
        return f"**{_rounded(max(timed) / 1e3)}**"
    return _estimated(_memory(row, parts))


def _held(name: str, size: float, counted: Iterable[Measured]) -> str:
    """Name the steps whose full batch does not fit a card, and the number of micro-batches that does."""
    ways = {row["what"]: _that_fits(row, _recipe(row).num_identities, size) for row in counted}
    others = "; ".join(f"{what}: {way}" for what, way in ways.items() if way != _way(1))
    return f"- {name}: every step with its full batch" + (f", except {others}." if others else ".")


def _that_fits(row: Measured, identities: int, size: float) -> str:
    """Name the fewest micro-batches that fit a card of a size in GB; each has two identities or more."""
    images = (row["cache_MB"] or 0) / 1000
    left = size - images if images <= size / 2 else size
    for parts in range(1, identities // 2 + 1):
        if identities % parts == 0 and SPARE * _memory(row, parts) <= left:
            return _way(parts)
    return "does not fit"


def _others(counted: Iterable[Measured]) -> list[str]:
    """Count the impostors of a sample in the other modality, by batch and number of micro-batches."""
    benchmarks: dict[tuple[int, int], dict[str, None]] = defaultdict(dict)
    for row in counted:
        recipe = _recipe(row)
        benchmarks[recipe.num_identities, recipe.num_instances][row["what"].split()[1]] = None
    return [
        f"| {', '.join(names)} | {p} | {k} | {' | '.join(str(k * (p // parts - 1)) for parts in SPLITS)} |"
        for (p, k), names in benchmarks.items()
    ]


def _recipe(row: Measured) -> Recipe:
    method, benchmark = row["what"].split()
    recipe = resolve(method, benchmark, "paper", {})
    assert isinstance(recipe, Recipe)
    return recipe


def _way(parts: int) -> str:
    return "full batch" if parts == 1 else f"`grad_accumulation={parts}`"


def _rounded(value: float) -> str:
    """Write a number with two significant digits."""
    return _shown(float(f"{value:.2g}"))


def _estimated(value: float) -> str:
    """Write an estimate with its sign; a no-break space keeps both on one line."""
    return f"≈\u00a0{_rounded(value)}"


def _step_seconds(row: Measured, card: Card) -> float:
    """Estimate the time of a step from what it computes and moves, one after the other."""
    peak = PEAK[card.device] if row["bits"] == 16 else card.single
    products = row["GFLOP"] / (1e3 * PRODUCTS * peak)
    moves = row["moved_MB"] / (1e3 * MOVES * card.bandwidth)
    starts = 0.0 if _recipe(row).cuda_graph else row["operations"] * START
    return max(products + moves, starts)


def _memory(row: Measured, parts: int = 1) -> float:
    """Estimate the memory of a step in GB: weights, gradients, moments, and activations of one micro-batch."""
    return (row["state_MB"] + row["kept_MB"] / parts) / 1000


def _knows_devices(script: str) -> bool:
    """Tell whether a speed script runs on more than the processor."""
    return '"--device"' in (ROOT / "perf" / f"{script}.py").read_text(encoding="utf-8")


def stored_runs() -> list[RunRecord]:
    """Read every published run record."""
    folders = sorted(path for path in (ROOT / "results").glob("*/*") if path.name in SOURCES)
    return [record for folder in folders for record in read_records(folder)]


def stored_parts() -> list[Measured]:
    """Read what the speed scripts stored."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(STORED.glob("*.json"))]


def main() -> None:
    """Write the four tables from what is stored."""
    runs, parts = stored_runs(), stored_parts()
    RUNS.write_text(costs_table(runs), encoding="utf-8")
    PARTS.write_text(parts_table(parts), encoding="utf-8")
    PAPER.write_text(paper_table(parts, runs), encoding="utf-8")
    MEMORY.write_text(memory_table(parts, runs), encoding="utf-8")


def _line(key: tuple[str, ...], records: Sequence[RunRecord]) -> str:
    _, benchmark, profile, method, source = key
    seconds = [record.seconds for record in records]
    memory = max(record.peak_memory_mb for record in records)
    times = f"{median(seconds):.0f} s | {max(seconds):.0f} s"
    what = f"{benchmark} | `{profile}` | {method} | {source}"
    return f"| {what} | {len(records)} | {times} | {memory:.0f} MB |"


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
    """Write a number with at least three digits, a dash if there is none."""
    return "-" if number is None else f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


if __name__ == "__main__":
    main()
