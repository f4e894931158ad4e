"""A paper's table: rows of run specifications, cells from run records, reported numbers with their source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from importlib import resources
from typing import Any

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError, model_validator

from xmodal_lite.benchmarks import Benchmark
from xmodal_lite.errors import SpecError
from xmodal_lite.evaluation.intervals import Interval, against_reported, interval, verdict
from xmodal_lite.experiments.spec import RunRecord, RunSpec, make_spec
from xmodal_lite.models import model_names

DEFINITIONS = resources.files(__package__) / "definitions"
NOT_AVAILABLE = "not available"
_SIZE = TypeAdapter(tuple[int, int])
NOT_RUN = "not run"


class Reported(BaseModel):
    """What a paper reports for a method under one protocol, and where it was read.

    Attributes
    ----------
    name : str
        The method, as papers call it.
    source : str
        Who printed the numbers.
    values : dict of str to Decimal
        By metric, in percent, with the digits that were printed; an absent one is shown as "not available".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    values: dict[str, Decimal]


class Row(BaseModel):
    """One row of a table.

    Attributes
    ----------
    label : str
        What the reader sees.
    method : str, optional
        Method to run; a row without one is only reported.
    overrides : dict
        Changes to the profile's recipe.
    against : tuple of str
        Labels of the rows that this one is compared with, seed by seed.
    reported : dict of str to Reported
        A paper's numbers by protocol. A definition names an entry of `definitions/reported/BENCHMARK-PROTOCOL.yml`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    method: str | None = None
    overrides: dict[str, JsonValue] = {}
    against: tuple[str, ...] = ()
    reported: dict[str, Reported] = {}

    @model_validator(mode="after")
    def _shows_something(self) -> Row:
        if self.method is None and (self.overrides or self.against or not self.reported):
            raise ValueError(
                f"row '{self.label}' has no method, so it needs a reported number and nothing else"
            )
        return self


class Table(BaseModel):
    """A table to re-run.

    Attributes
    ----------
    name, title, paper, number : str
        Its name on the command line, its caption, the paper's key in the bibliography, the table's name there.
    benchmark : str
        The benchmark that all rows use.
    protocols : tuple of str
        One table is written for each.
    columns : dict of str to dict
        For each part of the table (a direction, say) its metrics and their headings.
    headline : tuple of str
        The metrics that rows are compared by.
    rows : tuple of Row
        In the order shown.
    seeds : int
        Seeds on the real data: 0, 1, ... up to this many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    paper: str
    number: str
    benchmark: str
    protocols: tuple[str, ...]
    columns: dict[str, dict[str, str]]
    headline: tuple[str, ...]
    rows: tuple[Row, ...]
    seeds: int = 5

    @model_validator(mode="after")
    def _names_agree(self) -> Table:
        labels = [row.label for row in self.rows]
        if len(set(labels)) != len(labels):
            raise ValueError("two rows have the same label")
        runs = [(row.method, row.overrides) for row in self.run_rows]
        if any(run in runs[:place] for place, run in enumerate(runs)):
            raise ValueError("two rows are the same run")
        unknown = {label for row in self.rows for label in row.against} - {row.label for row in self.run_rows}
        unknown |= set(self.headline) - set(self.headings)
        if unknown:
            raise ValueError(f"unknown row or column: {sorted(unknown)}")
        return self

    @property
    def run_rows(self) -> tuple[Row, ...]:
        """The rows that can be run; the others are only reported."""
        return tuple(row for row in self.rows if row.method is not None)

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width at which the images are loaded, where the rows change that of the profile."""
        sizes = [row.overrides["image_size"] for row in self.run_rows if "image_size" in row.overrides]
        return _SIZE.validate_python(sizes[0]) if sizes else None

    @property
    def headings(self) -> dict[str, str]:
        """Metric to whole heading, such as "Raman query, infrared gallery: rank-1"."""
        return {
            metric: f"{part}: {heading}"
            for part, metrics in self.columns.items()
            for metric, heading in metrics.items()
        }

    def specs(
        self, benchmark: Benchmark, *, profile: str, seeds: Sequence[int], protocols: Sequence[str] = ()
    ) -> list[RunSpec]:
        """Return every run of the table, seed by seed so that a table cut short has whole seeds."""
        return [
            make_spec(
                row.method,
                benchmark,
                protocol=protocol,
                profile=profile,
                seed=seed,
                overrides=dict(row.overrides),
            )
            for seed in seeds
            for protocol in protocols or self.protocols
            for row in self.rows
            if row.method is not None
        ]


def table_names() -> tuple[str, ...]:
    """Return the names of the tables that can be run."""
    return tuple(
        sorted(file.name.removesuffix(".yml") for file in DEFINITIONS.iterdir() if file.name.endswith(".yml"))
    )


def load_table(name: str) -> Table:
    """Read a table's definition; its `overrides` are those of every row that is trained, and `size` that of all.

    Raises
    ------
    SpecError
        There is no such table, or its definition is not valid.
    """
    if name not in table_names():
        raise SpecError(f"unknown table '{name}'; known: {', '.join(table_names())}")
    definition = _read(f"{name}.yml")
    shared = definition.pop("overrides", {})
    of_all = {key: value for key, value in shared.items() if key == "image_size"}
    for row in definition["rows"]:
        if "method" in row:
            given = shared if row["method"] in model_names() else of_all
            row["overrides"] = given | row.get("overrides", {})
        if "reported" in row:
            row["reported"] = _reported(row["reported"], definition["benchmark"], definition["protocols"])
    try:
        return Table.model_validate(definition)
    except ValidationError as error:
        raise SpecError(f"the definition of table '{name}' is not valid: {error}") from error


def _read(path: str) -> Any:
    return yaml.safe_load(DEFINITIONS.joinpath(path).read_text(encoding="utf-8"))


def _reported(name: str, benchmark: str, protocols: Sequence[str]) -> dict[str, Any]:
    """Return what is reported for a method, by protocol."""
    entries = {protocol: _read(f"reported/{benchmark}-{protocol}.yml") for protocol in protocols}
    if not any(name in entry for entry in entries.values()):
        raise SpecError(f"nothing is reported for '{name}' in the files reported/{benchmark}-*.yml")
    return {p: {"name": name, **entry[name]} for p, entry in entries.items() if name in entry}


def records_of(row: Row, records: Iterable[RunRecord], protocol: str) -> dict[int, RunRecord]:
    """Return the records that belong to a row under a protocol, by seed.

    Raises
    ------
    SpecError
        Two records claim the same seed (two profiles, two states of the data): a mean over them means nothing.
    """
    found: dict[int, RunRecord] = {}
    for record in records:
        spec = record.spec
        if (spec.method, spec.protocol, spec.overrides) != (row.method, protocol, row.overrides):
            continue
        if spec.seed in found:
            raise SpecError(
                f"runs {found[spec.seed].spec.hash} and {spec.hash} are both seed {spec.seed} of row '{row.label}'; "
                "select one profile and one state of the data"
            )
        found[spec.seed] = record
    return found


def cell(records: dict[int, RunRecord], metric: str) -> Interval | None:
    """Return the mean and interval of a metric over seeds, or None where nothing was run."""
    return interval([record.metrics[metric] for record in records.values()]) if records else None


def difference(ours: dict[int, RunRecord], theirs: dict[int, RunRecord], metric: str) -> Interval | None:
    """Return the mean of the seed-by-seed difference of two rows, or None where they share no seed."""
    shared = sorted(set(ours) & set(theirs))
    values = [ours[seed].metrics[metric] - theirs[seed].metrics[metric] for seed in shared]
    return interval(values) if values else None


def results_markdown(table: Table, records: Sequence[RunRecord], protocol: str) -> str:
    """Write one protocol's results, a table for each part of the columns.

    Each cell has mean and half width of the 95 % interval over seeds, in percent. Reported numbers, and how far ours
    lie from them, are written where no record is of a synthetic data set: these are never set beside a paper's number. Where
    nothing was run at all, only rows with a reported number are written.

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


def _part_alone(table: Table, records: Sequence[RunRecord], protocol: str, metrics: dict[str, str]) -> str:
    """Write what was run, and nothing else."""
    lines = [["Method", *metrics.values(), "Seeds"]]
    for row in table.run_rows:
        found = records_of(row, records, protocol)
        lines.append([row.label, *_ours(found, metrics), str(len(found))])
    return _pipe_table(lines)


def _part_compared(table: Table, records: Sequence[RunRecord], protocol: str, metrics: dict[str, str]) -> str:
    """Write what was run beside what is reported."""
    lines = [["Method", *metrics.values(), "Seeds, or source"]]
    for row in table.rows if records else [row for row in table.rows if protocol in row.reported]:
        lines += _compared(row, records_of(row, records, protocol), list(metrics), protocol)
    alone = [row.label for row in table.run_rows if protocol not in row.reported]
    without = "any row" if len(alone) == len(table.rows) else "; ".join(alone)
    note = f"\n\nReported numbers are {NOT_AVAILABLE} to us for {without}." if alone else ""
    return _pipe_table(lines) + note


def _ours(found: dict[int, RunRecord], metrics: Iterable[str]) -> list[str]:
    return [str(cell(found, metric) or NOT_RUN) for metric in metrics]


def _compared(row: Row, found: dict[int, RunRecord], metrics: list[str], protocol: str) -> list[list[str]]:
    """Write the lines of a row on real data: what is reported, what is ours, and the difference."""
    reported = row.reported.get(protocol)
    ours = [*_ours(found, metrics), str(len(found))]
    if reported is None:
        return [[row.label, *ours]]
    printed = [str(reported.values.get(metric, NOT_AVAILABLE)) for metric in metrics]
    lines = [[f"{reported.name} (reported)", *printed, reported.source]]
    if row.method is not None:
        lines.append([f"{row.label} (ours)", *ours])
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


def differences_markdown(table: Table, records: Sequence[RunRecord], protocol: str) -> str:
    """Write what each row adds to those it is compared with: paired differences in points, and a verdict."""
    by_label = {row.label: records_of(row, records, protocol) for row in table.run_rows}
    lines = [["Row", "compared with", *(table.headings[metric] for metric in table.headline)]]
    for row, other in [(one, other) for one in table.run_rows for other in one.against]:
        found = [difference(by_label[row.label], by_label[other], metric) for metric in table.headline]
        lines.append(
            [row.label, other, *(f"{one.signed()}, {verdict(one)}" if one else NOT_RUN for one in found)]
        )
    return _pipe_table(lines)


def headline_frame(table: Table, records: Sequence[RunRecord], protocol: str) -> pd.DataFrame:
    """Return the headline numbers of every run, for a figure.

    Returns
    -------
    pandas.DataFrame
        One line per row of the table, headline metric and seed: columns `row`, `metric` (its heading), `seed` and
        `value` (a fraction), in the order of the table.
    """
    lines = [
        (row.label, table.headings[metric], seed, record.metrics[metric])
        for row in table.run_rows
        for seed, record in sorted(records_of(row, records, protocol).items())
        for metric in table.headline
    ]
    return pd.DataFrame(lines, columns=["row", "metric", "seed", "value"])


def _pipe_table(lines: list[list[str]]) -> str:
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    rule = "|" + "|".join([":---", *["---:"] * (len(lines[0]) - 1)]) + "|"
    return "\n".join([head, rule, *body])
