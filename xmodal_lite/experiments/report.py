"""What the pages of a table and of a run show: Markdown and the numbers of figures, real data and synthetic apart."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from xmodal_lite.errors import SpecError
from xmodal_lite.escape import markdown, markdown_code
from xmodal_lite.evaluation.intervals import Interval, against_reported, interval, verdict
from xmodal_lite.experiments.data import root_option
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.tables import (
    SOURCES,
    Row,
    Table,
    default_seeds,
    load_table,
    records_of,
    stored_records,
)

if TYPE_CHECKING:
    import pandas as pd

NOT_AVAILABLE, NOT_RUN = "not available", "not run"
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
        if source == "synthetic":
            parts.append(CAUTION)
        parts += [results_markdown(self.table, records, protocol) for protocol in protocols]
        if not all(records_of(row, records, p) for row in self.table.run_rows for p in protocols):
            parts.append(f"Rows are not run yet. {self._how_to_run(source)}")
        if records:
            parts += [_in_full(records), code_markdown(self.table, records)]
            parts.append("**What each row adds**, in points, seed by seed:")
            parts += [
                f"Protocol {protocol}:\n\n{differences_markdown(self.table, records, protocol)}"
                for protocol in protocols
            ]
        return "\n\n".join(part for part in parts if part)

    def panels(self) -> dict[str, pd.DataFrame]:
        """Return the headline numbers for a figure, a panel for each protocol: real data if there are any records."""
        source = next((source for source in SOURCES if self.records.get(source)), None)
        if source is None:
            return {}
        title, several = f"{source.capitalize()} data", len(self.table.protocols) > 1
        frames = {
            f"{title}, protocol {protocol}" if several else title: headline_frame(
                self.table, self.records[source], protocol
            )
            for protocol in self.table.protocols
        }
        return {title: frame for title, frame in frames.items() if len(frame)}

    def _how_to_run(self, source: str) -> str:
        records = self.records.get(source)
        profile = records[0].spec.profile if records else PROFILE[source]
        root = root_option(self.table.benchmark, source)
        options = f"--profile {profile} --seeds {default_seeds(self.table, source)} --results results"
        return f"To run them:\n\n```bash\nxmodal tables run {self.table.name}{root} \\\n  {options}\n```"


@dataclass(frozen=True)
class RunReport:
    """What the page of a run shows.

    Attributes
    ----------
    record : RunRecord
        The outcome.
    history : sequence of dict
        The training log, as `xmodal_lite.training.fit` returns it; empty for methods without training.
    """

    record: RunRecord
    history: Sequence[dict[str, float]]

    def markdown(self) -> str:
        """Write where the numbers come from: time, memory, machine, code, data and recipe."""
        record, spec = self.record, self.record.spec
        versions = ", ".join(f"{name} {number}" for name, number in record.versions.items())
        commit = f", commit {markdown_code(record.commit)}" if record.commit else ""
        lines = {
            "Run": f"`{spec.hash}`, finished {markdown(record.finished)}",
            "Data": f"{spec.benchmark}, {spec.source}, fingerprint {markdown_code(record.fingerprint[:12])}",
            "Time": f"{record.seconds:.0f} s of training and evaluation",
            "Speed": markdown(record.speed()),
            "Peak memory": f"{record.peak_memory_mb:.0f} MB",
            "Machine": markdown(f"{record.device}; {versions}"),
            "Parameters": f"{record.parameters:,}" if record.parameters else "",
            "Code": markdown_code(record.code[:12]) + commit,
            "Recipe": markdown_code(spec.recipe.model_dump_json(exclude_defaults=True)),
        }
        rows = [f"| {name} | {text} |" for name, text in lines.items() if text]
        return "\n".join(["| | |", "|:---|:---|", *rows])

    def commands(self) -> str:
        """Write how the same run is started from a terminal."""
        spec = self.record.spec
        root = root_option(spec.benchmark, spec.source)
        changes = [f"{name}={json.dumps(value)}" for name, value in spec.overrides.items()]
        quoted = "".join(" --set '{}'".format(change.replace("'", "'\\''")) for change in changes)
        options = f"--protocol {spec.protocol} --profile {spec.profile} --seed {spec.seed}{quoted}"
        return f"```bash\nxmodal run {spec.method} {spec.benchmark}{root} \\\n  {options}\n```"


def stored_table(name: str, results: Path | str) -> TableReport:
    """Report what is stored of a table, of real data and of the synthetic data set; nothing stored is a report, too.

    Parameters
    ----------
    name : str
        Name of the table.
    results : Path or str
        The folder that records are published into.

    Raises
    ------
    SpecError
        There is no such table.
    CheckpointError
        A stored record is damaged or does not belong there.
    """
    folder = Path(results)
    stored = {
        source: stored_records(folder, name, source) if (folder / name / source).is_dir() else []
        for source in SOURCES
    }
    return TableReport(load_table(name), stored)


def results_markdown(table: Table, records: Sequence[RunRecord], protocol: str) -> str:
    """Write one protocol's results, a table for each part of the columns.

    Each cell has mean and half width of the 95 % interval over seeds, in percent. Reported numbers, and how far ours
    lie from them, are written on real data alone. Where nothing was run, only rows with a reported number are written.

    Raises
    ------
    SpecError
        Some records are of real data and some of a synthetic data set.
    """
    sources = {record.spec.source for record in records}
    if len(sources) > 1:
        raise SpecError(
            "records of real data and of a synthetic data set do not belong in one table; show each by itself"
        )
    if not records and not any(protocol in row.reported for row in table.rows):
        rows = "; ".join(row.label for row in table.run_rows)
        return f"Protocol {protocol}: {rows}. Reported numbers are {NOT_AVAILABLE} to us for any of them."
    write = _part_alone if sources == {"synthetic"} else _part_compared
    parts = [
        f"{part}, protocol {protocol}:\n\n{write(table, records, protocol, metrics)}"
        for part, metrics in table.columns.items()
    ]
    return "\n\n".join(parts)


def differences_markdown(table: Table, records: Sequence[RunRecord], protocol: str) -> str:
    """Write what each row adds to those it is compared with: paired differences in points, and a verdict."""
    of = {row.label: records_of(row, records, protocol) for row in table.run_rows}
    lines = [["Row", "compared with", *(table.headings[metric] for metric in table.headline)]]
    for row, other in [(one, other) for one in table.run_rows for other in one.against]:
        found = [difference(of[row.label], of[other], metric) for metric in table.headline]
        cells = [f"{one.signed()}, {verdict(one)}" if one else NOT_RUN for one in found]
        lines.append([row.label, other, *cells])
    return _pipe_table(lines)


def code_markdown(table: Table, records: Sequence[RunRecord]) -> str:
    """Say which code made each row, where there is more than one revision; empty where there is one."""
    rows: dict[str, list[str]] = defaultdict(list)
    for row in table.run_rows:
        found = [one for protocol in table.protocols for one in records_of(row, records, protocol).values()]
        for code in sorted({record.code for record in found}):
            rows[code].append(row.label)
    if len(rows) < 2:
        return ""
    head = f"{len(rows)} code revisions made the rows, by the start of their hash:\n"
    return "\n".join([head, *(f"- {markdown_code(code[:12])}: {'; '.join(of)}" for code, of in rows.items())])


def headline_frame(table: Table, records: Sequence[RunRecord], protocol: str) -> pd.DataFrame:
    """Return the headline numbers of every run, for a figure, in the order of the table.

    One line per row of the table, headline metric and seed: columns `row`, `metric` (its heading), `seed` and `value`.
    """
    import pandas as pd

    lines = [
        (row.label, table.headings[metric], seed, _value(record, metric))
        for row in table.run_rows
        for seed, record in sorted(records_of(row, records, protocol).items())
        for metric in table.headline
    ]
    return pd.DataFrame(lines, columns=["row", "metric", "seed", "value"])


def cell(records: Mapping[int, RunRecord], metric: str) -> Interval | None:
    """Return the mean and interval of a metric over seeds, or None where nothing was run."""
    return interval([_value(record, metric) for record in records.values()]) if records else None


def difference(ours: dict[int, RunRecord], theirs: dict[int, RunRecord], metric: str) -> Interval | None:
    """Return the mean of the seed-by-seed difference of two rows, or None where they share no seed."""
    shared = sorted(set(ours) & set(theirs))
    values = [_value(ours[seed], metric) - _value(theirs[seed], metric) for seed in shared]
    return interval(values) if values else None


def _value(record: RunRecord, metric: str) -> float:
    if metric not in record.metrics:
        raise SpecError(f"run {record.spec.hash} has no metric '{metric}', which the table shows")
    return record.metrics[metric]


def _part_alone(table: Table, records: Sequence[RunRecord], protocol: str, metrics: dict[str, str]) -> str:
    """Write what was run, and nothing else."""
    lines = [["Method", *metrics.values(), "Seeds"]]
    lines += [[row.label, *_ours(records_of(row, records, protocol), metrics)] for row in table.run_rows]
    return _pipe_table(lines)


def _part_compared(table: Table, records: Sequence[RunRecord], protocol: str, metrics: dict[str, str]) -> str:
    """Write what was run beside what is reported."""
    lines = [["Method", *metrics.values(), "Seeds, or source"]]
    for row in table.rows if records else [row for row in table.rows if protocol in row.reported]:
        lines += _compared(row, records_of(row, records, protocol), list(metrics), protocol)
    alone = [row.label for row in table.run_rows if protocol not in row.reported]
    without = "any row" if len(alone) == len(table.rows) else "; ".join(alone)
    return _pipe_table(lines) + (
        f"\n\nReported numbers are {NOT_AVAILABLE} to us for {without}." if alone else ""
    )


def _ours(found: dict[int, RunRecord], metrics: Iterable[str]) -> list[str]:
    return [*(str(cell(found, metric) or NOT_RUN) for metric in metrics), str(len(found))]


def _compared(row: Row, found: dict[int, RunRecord], metrics: list[str], protocol: str) -> list[list[str]]:
    """Write the lines of a row on real data: what is reported, what is ours, and the difference."""
    reported = row.reported.get(protocol)
    if reported is None:
        return [[row.label, *_ours(found, metrics)]]
    printed = [str(reported.values.get(metric, NOT_AVAILABLE)) for metric in metrics]
    lines = [[f"{reported.name} (reported)", *printed, reported.source]]
    if row.method is not None:
        lines.append([f"{row.label} (ours)", *_ours(found, metrics)])
    if found:
        distances = [_distance(found, metric, reported.values.get(metric)) for metric in metrics]
        lines.append([f"ours less {reported.name}", *distances, ""])
    return lines


def _distance(found: dict[int, RunRecord], metric: str, reported: Decimal | None) -> str:
    """Write how far ours lies from a reported number, in points, and what that says."""
    ours = cell(found, metric)
    if ours is None or reported is None:
        return NOT_AVAILABLE
    theirs = float(reported) / 100
    return f"{replace(ours, mean=ours.mean - theirs).signed()}, {against_reported(ours, theirs)}"


def _pipe_table(lines: list[list[str]]) -> str:
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, "|:---|" + "---:|" * (len(lines[0]) - 1), *body])


def _what(records: Sequence[RunRecord]) -> str:
    """Say how many runs there are, of which profile and seeds."""
    if not records:
        return "Nothing was run yet."
    profiles = " and ".join(sorted({record.spec.profile for record in records}))
    seeds = sorted({record.spec.seed for record in records})
    listed = f"seeds {', '.join(map(str, seeds))}"
    if seeds == list(range(seeds[0], seeds[-1] + 1)):
        listed = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    return f"{len(records)} runs, profile {profiles}, {listed}."


def _in_full(records: Sequence[RunRecord]) -> str:
    """Name the protocols in full, as the lowest seed's reports print them."""
    first = min(record.spec.seed for record in records)
    names = {f"- {one.spec.protocol}: {markdown(one.protocol)}" for one in records if one.spec.seed == first}
    return "\n".join([f"Protocols in full, as seed {first} prints them:", "", *sorted(names)])
