"""What the page of a table shows: everything on real data and everything on synthetic data, apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xmodal_lite.benchmarks import data_set
from xmodal_lite.escape import markdown
from xmodal_lite.experiments.data import root_option
from xmodal_lite.experiments.report.differences import differences_markdown, significance_markdown
from xmodal_lite.experiments.report.origin import data_words, origin_markdown, setting
from xmodal_lite.experiments.report.results import costs_markdown, headline_frame, results_markdown
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.store import results_folder
from xmodal_lite.experiments.tables import (
    SOURCES,
    Table,
    default_seeds,
    load_table,
    records_of,
    stored_records,
)

if TYPE_CHECKING:
    import pandas as pd

PROFILE = {"real": "paper", "synthetic": "demo"}  # what a table is meant to be run with
CAUTION = "Drawn by this package. Do not compare these numbers with a paper's; they say nothing about the real data."


@dataclass(frozen=True)
class TableReport:
    """What the page of a table shows.

    Attributes
    ----------
    table : Table
        The definition.
    records : dict of str to sequence of RunRecord
        By source, "real" and "synthetic"; a table that was just run has only the source that it was run on.
    """

    table: Table
    records: Mapping[str, Sequence[RunRecord]]

    def markdown(self, source: str) -> str:
        """Write all there is on one source: what was run, results, differences, and how to run what is missing."""
        if source not in self.records:
            return f"This run was on {' and '.join(self.records)} data."
        records, protocols = self.records[source], self.table.protocols
        if source == "synthetic" and not records:
            return f"No run on the synthetic data set is stored. {self._how_to_run(source)}"
        parts = [f"**{self.table.title}: {source} data.** {_what(records)}"]
        if records:
            parts.append(self._intervals())
        if source == "synthetic":
            parts.append(CAUTION)
        parts += [results_markdown(self.table, records, protocol) for protocol in protocols]
        if not all(records_of(row, records, p) for row in self.table.run_rows for p in protocols):
            parts.append(f"Rows are not run yet. {self._how_to_run(source)}")
        if records:
            parts.append(significance_markdown(self.table, records))
            parts += [differences_markdown(self.table, records, protocol) for protocol in protocols]
            parts += [
                _in_full(records),
                costs_markdown(self.table, records),
                origin_markdown(self.table, records),
            ]
        return "\n\n".join(part for part in parts if part)

    def panels(self) -> dict[str, pd.DataFrame]:
        """Return the headline numbers for a figure, a panel for each protocol: real data if there are any records."""
        source = next((source for source in SOURCES if self.records.get(source)), None)
        if source is None:
            return {}
        records = self.records[source]
        frames = {
            protocol: headline_frame(self.table, records, protocol) for protocol in self.table.protocols
        }
        run = {protocol: frame for protocol, frame in frames.items() if len(frame)}
        return {_panel_title(records, protocol, len(run) > 1): frame for protocol, frame in run.items()}

    def _intervals(self) -> str:
        """Say what the intervals are, and what they cover."""
        ratios = data_set(self.table.benchmark).resampled
        found = [f"{ratios[p]:.2f} (protocol {p})" for p in self.table.protocols if p in ratios]
        plus_minus = "After \N{PLUS-MINUS SIGN} stands half the width of the 95 % interval over seeds"
        if not found:
            return (
                f"{plus_minus}, by Student's t. All seeds have one split: the interval covers training, and not the "
                "choice of identities. A row without an interval is the same for every seed."
            )
        return (
            f"{plus_minus}, by the corrected resampled t-test (Nadeau and Bengio, Machine Learning 52, 2003), as each "
            f"seed has another split of the same data. Test samples for each training sample: {', '.join(found)}."
        )

    def _how_to_run(self, source: str) -> str:
        records = self.records.get(source)
        profile = records[0].spec.profile if records else PROFILE[source]
        root = root_option(self.table.benchmark, source)
        options = f"--profile {profile} --seeds {default_seeds(self.table, source)} --results results"
        return f"To run them:\n\n```bash\nxmodal tables run {self.table.name}{root} \\\n  {options}\n```"


def stored_table(name: str, results: Path | str) -> TableReport:
    """Report what is stored of a table, of real data and of the synthetic data set; nothing stored is a report, too.

    Parameters
    ----------
    name : str
        Name of the table.
    results : Path or str
        The folder that records are published into; where there is none, the records in the package are read.

    Raises
    ------
    SpecError
        There is no such table.
    CheckpointError
        A stored record is damaged or does not belong there.
    """
    folder = results_folder(results)
    stored = {
        source: stored_records(folder, name, source) if (folder / name / source).is_dir() else []
        for source in SOURCES
    }
    return TableReport(load_table(name), stored)


def _what(records: Sequence[RunRecord]) -> str:
    """Say how many runs there are, of which profile and seeds."""
    if not records:
        return "Nothing was run yet."
    profiles = " and ".join(sorted({record.spec.profile for record in records}))
    return f"{len(records)} runs, profile {profiles}: {setting(records)}."


def _in_full(records: Sequence[RunRecord]) -> str:
    """Name the protocols in full, as the lowest seed's reports print them."""
    first = min(record.spec.seed for record in records)
    names = {f"- {one.spec.protocol}: {markdown(one.protocol)}" for one in records if one.spec.seed == first}
    return "\n".join([f"Protocols in full, as seed {first} prints them:", "", *sorted(names)])


def _panel_title(records: Sequence[RunRecord], protocol: str, several: bool) -> str:
    """Name the data, and the protocol if there are several; below them the rest of the setting."""
    data = data_words(records[0])
    rest = setting(records).removeprefix(f"{data}, ")
    return f"{data[0].upper()}{data[1:]}{f', protocol {protocol}' if several else ''}\n{rest}"
