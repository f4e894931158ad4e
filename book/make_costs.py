"""Write the table of what runs cost from their stored records: no time and no memory in the book is typed.

    python book/make_costs.py

reads the records under `results/` and writes `book/costs-table.md`, which `book/costs.md` includes.
`tests/book/test_costs.py` fails when it is stale.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.store import read_records

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "book" / "costs-table.md"
HEAD = ["| Profile | Method | Data | Runs | Median time | Longest | Peak memory | Machine |"]
RULE = ["|:---|:---|:---|---:|---:|---:|---:|:---|"]


def costs_table(records: Iterable[RunRecord]) -> str:
    """Return a table with one line for each profile, method, source of data and machine."""
    groups: dict[tuple[str, str, str, str], list[RunRecord]] = defaultdict(list)
    for record in records:
        spec = record.spec
        groups[spec.profile, spec.method, spec.source, record.device].append(record)
    if not groups:
        return "No run has been published with this edition yet: **not measured**.\n"
    return "\n".join([*HEAD, *RULE, *(_line(key, groups[key]) for key in sorted(groups))]) + "\n"


def main() -> None:
    """Write the table from every stored record."""
    TARGET.write_text(costs_table(read_records(ROOT / "results")), encoding="utf-8")


def _line(key: tuple[str, str, str, str], records: list[RunRecord]) -> str:
    profile, method, source, device = key
    seconds = [record.seconds for record in records]
    memory = max(record.peak_memory_mb for record in records)
    times = f"{median(seconds):.0f} s | {max(seconds):.0f} s"
    return f"| `{profile}` | {method} | {source} | {len(records)} | {times} | {memory:.0f} MB | {device} |"


if __name__ == "__main__":
    main()
