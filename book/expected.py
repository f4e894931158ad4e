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
    """Return the headline numbers of seed 0 of each row, and the sum of the rows' shortest times over all seeds."""
    of_rows = [(row.label, records_of(row, records, p)) for p in table.protocols for row in table.run_rows]
    found = [(label, seeds) for label, seeds in of_rows if 0 in seeds]
    if not found:
        return ""
    heading = " / ".join(table.headings[metric] for metric in table.headline)
    lines = [
        f"  {label:<24}" + " / ".join(f"{100 * seeds[0].metrics[metric]:5.1f}" for metric in table.headline)
        for label, seeds in found
    ]
    seconds = sum(min(record.seconds for record in seeds.values()) for _, seeds in found)
    head = f"On our machine, split 0, profile {found[0][1][0].spec.profile}, in %: {heading}"
    return "\n".join([head, *lines, f"  {seconds:.0f} s of one core in all (each row's quickest stored run)"])


def main(name: str) -> None:
    """Print the expectation for one table."""
    if (RESULTS / name / "real").is_dir():
        print(expected(load_table(name), stored_records(RESULTS, name, "real")), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
