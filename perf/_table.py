"""What the speed scripts share: time a call, print the table, store it for the book's cost page."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

Row = dict[str, Any]


def time_of(run: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds of the fastest of some calls; work that a call leaves on a GPU counts.

    Another clock is `time.process_time`: what all threads spent, which other work on the machine changes little.
    """
    seconds = []
    for _ in range(repeats):
        start = clock()
        run()
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
        seconds.append(clock() - start)
    return min(seconds)


def compared(what: str, plain: float, ours: float) -> Row:
    """Return a row from two times in seconds; add keys of your own to it for more columns."""
    return {"what": what, "plain_ms": 1e3 * plain, "ours_ms": 1e3 * ours, "ratio": plain / ours}


def print_and_store(
    name: str,
    rows: Sequence[Row],
    output: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> None:
    """Print rows as a table and, if an output is named, write them there as JSON.

    Parameters
    ----------
    name : str
        Of the benchmark.
    rows : sequence of dict
        Each with the key "what" and the same numbers under the same keys; None where a number is not taken.
    output : Path, optional
        A JSON file; its folder is made.
    device : str
        Where it ran, as torch names it.
    threads : int, optional
        How many were allowed; by default what torch is set to.
    """
    machine = _machine(device, threads)
    versions = ", ".join(" ".join(item) for item in machine["versions"].items())
    print(f"{name}: {machine['device']}, {machine['threads']} threads, {versions}")
    columns = [column for column in rows[0] if column != "what"]
    width = max(len(row["what"]) for row in rows)
    print(" ".join([" " * width, *(f"{column:>12}" for column in columns)]))
    for row in rows:
        print(" ".join([f"{row['what']:{width}}", *(f"{_shown(row[column]):>12}" for column in columns)]))
    if output is not None:
        store(name, rows, output, device, threads)


def store(
    name: str, rows: Sequence[Row], output: Path, device: str = "cpu", threads: int | None = None
) -> None:
    """Write rows as JSON, whole or not at all, so that what a long script has so far outlasts its end.

    Parameters
    ----------
    name, rows, output, device, threads
        As in `print_and_store`.
    """
    table = {"benchmark": name, **_machine(device, threads), "rows": rows}
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = output.with_suffix(".part")
    draft.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    draft.replace(output)


def _machine(device: str, threads: int | None) -> dict[str, Any]:
    """Say where a table was measured: device, threads, versions."""
    return {
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        "threads": torch.get_num_threads() if threads is None else threads,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }


def _shown(number: float | None) -> str:
    return "-" if number is None else f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def peak() -> float:
    """Return the peak of this process's resident memory in MB, as Linux counts it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1000
