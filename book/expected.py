"""Print what the stored records of a table on real data let expect of its first split.

    python book/expected.py drawings

Nothing is printed where nothing is stored.
"""

from __future__ import annotations

import sys
from pathlib import Path

from xmodal_lite.experiments import RunRecord, Table, load_table, stored_records
from xmodal_lite.experiments.tables import records_of

RESULTS = Path(__file__).resolve().parents[1] / "results"


def expected(table: Table, records: list[RunRecord]) -> str:
    """Return the headline numbers of seed 0 of each row, and the time of all of them."""
    found = [
        (row.label, record)
        for protocol in table.protocols
        for row in table.run_rows
        if (record := records_of(row, records, protocol).get(0))
    ]
    if not found:
        return ""
    heading = " / ".join(table.headings[metric] for metric in table.headline)
    lines = [
        f"  {label:<24}" + " / ".join(f"{100 * record.metrics[metric]:5.1f}" for metric in table.headline)
        for label, record in found
    ]
    seconds = sum(record.seconds for _, record in found)
    profile = found[0][1].spec.profile
    head = f"On our machine, split 0, profile {profile}, {seconds:.0f} s on one core in all ({heading}, %):"
    return "\n".join([head, *lines])


def main(name: str) -> None:
    """Print the expectation for one table."""
    if (RESULTS / name / "real").is_dir():
        print(expected(load_table(name), stored_records(RESULTS, name, "real")), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
