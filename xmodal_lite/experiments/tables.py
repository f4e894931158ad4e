"""A paper's table: rows of run specifications, reported numbers with their source, and the records of its cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, model_validator

from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments.data import root_option
from xmodal_lite.experiments.spec import RunRecord, RunSpec, make_spec
from xmodal_lite.experiments.store import read_records, results_folder
from xmodal_lite.models import model_names

if TYPE_CHECKING:
    from xmodal_lite.benchmarks.base import Benchmark

DEFINITIONS = resources.files(__package__) / "definitions"
SOURCES = ("real", "synthetic")
_SIZE = TypeAdapter(tuple[int, int])
_YAML = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # where PyYAML was built with libyaml, ten times as fast


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
    study : str
        Where the rows are tested again under a change: one of `xmodal_lite.robustness.study_names()`, with one level.
        Metrics then begin with "clean/" or with the study's name, and so does what is reported, in `...-STUDY.yml`.
    seeds : int
        Seeds on the real data: 0, 1, ... up to this many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    paper: str
    number: str
    benchmark: str
    protocols: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: Annotated[dict[str, dict[str, str]], Field(min_length=1)]
    headline: tuple[str, ...]
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]
    study: str = ""
    seeds: int = Field(default=5, ge=1)

    @model_validator(mode="after")
    def _names_agree(self) -> Table:
        labels = [row.label for row in self.rows]
        if len(set(labels)) != len(labels):
            raise ValueError("two rows have the same label")
        runs = [(row.method, row.overrides) for row in self.run_rows]
        if any(run in runs[:index] for index, run in enumerate(runs)):
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


def default_seeds(table: Table, source: str) -> int:
    """Return how many seeds a table is meant to be run with: its own number on real data, 5 on synthetic."""
    return table.seeds if source == "real" else 5


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
    rows = definition.get("rows")
    shared = definition.pop("overrides", {})
    if isinstance(rows, list) and isinstance(shared, dict):  # else the validation below says so
        definition["rows"] = [_whole_row(row, shared, definition) for row in rows]
    try:
        return Table.model_validate(definition)
    except ValidationError as error:
        raise SpecError(f"the definition of table '{name}' is not valid: {error}") from error


def _whole_row(row: Any, shared: dict[str, Any], definition: dict[str, Any]) -> Any:
    """Return a row with the overrides of the whole table and with the numbers that are reported for it."""
    if not isinstance(row, dict):
        return row
    row = dict(row)
    if "method" in row:
        of_all = {key: value for key, value in shared.items() if key == "image_size"}
        given = shared if row["method"] in model_names() else of_all
        row["overrides"] = given | (row.get("overrides") or {})
    if "reported" in row:
        row["reported"] = _reported(row["reported"], definition)
    return row


def _read(path: str) -> dict[str, Any]:
    try:
        found = yaml.load(DEFINITIONS.joinpath(path).read_text(encoding="utf-8"), Loader=_YAML)
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise SpecError(f"the definition {path} cannot be read as plain YAML: {error}") from error
    if not isinstance(found, dict):
        raise SpecError(f"the definition {path} must hold names with values, not {type(found).__name__}")
    return found


def _reported(name: Any, definition: dict[str, Any]) -> dict[str, Any]:
    """Return what is reported for a method, by protocol."""
    benchmark, protocols = definition.get("benchmark"), definition.get("protocols")
    if not isinstance(protocols, list) or not isinstance(benchmark, str):
        raise SpecError(f"a definition that reports '{name}' needs a name 'benchmark' and a list 'protocols'")
    end = f"-{definition['study']}.yml" if definition.get("study") else ".yml"
    entries = {protocol: _read(f"reported/{benchmark}-{protocol}{end}") for protocol in protocols}
    if not any(name in entry for entry in entries.values()):
        raise SpecError(f"nothing is reported for '{name}' in the files reported/{benchmark}-*{end}")
    return {p: {"name": name, **entry[name]} for p, entry in entries.items() if name in entry}


def stored_records(results: Path, table: str, source: str) -> list[RunRecord]:
    """Read the published records of a table.

    Parameters
    ----------
    results : Path
        The `results` folder of the repository; where there is none, the records in the package are read.
    table : str
        Name of the table.
    source : {"real", "synthetic"}
        The two are never mixed.

    Raises
    ------
    SpecError
        Nothing is stored for that table and source.
    CheckpointError
        A record is damaged, lies under another run's name, is of another source or benchmark, belongs to no row of the
        table, lacks one of its columns, or is of another profile or other data than the rest.
    """
    folder, definition = results_folder(results) / table / source, load_table(table)
    if not folder.is_dir():
        root = root_option(definition.benchmark, source)
        raise SpecError(
            f"no stored runs in {folder}; make them with: xmodal tables run {table}{root} --results {results}"
        )
    records = read_records(folder)
    for record in records:
        if problem := _misplaced(record, definition, source, records[0]):
            path = folder / f"{record.spec.hash}.json"
            raise CheckpointError(f"{path} {problem}; remove that file, or publish the run again")
    return records


def _misplaced(record: RunRecord, table: Table, source: str, first: RunRecord) -> str:
    """Say why a record does not belong into a table's folder; nothing where it does."""
    spec = record.spec
    if spec.source != source:
        return f"is of {spec.source} data, and lies among those of {source} data"
    if spec.benchmark != table.benchmark:
        return f"is of benchmark '{spec.benchmark}', and table '{table.name}' of '{table.benchmark}'"
    runs = [(row.method, row.overrides) for row in table.run_rows]
    if spec.protocol not in table.protocols or (spec.method, spec.overrides) not in runs:
        return f"belongs to no row of table '{table.name}'"
    missing = sorted(table.headings.keys() - record.metrics.keys())
    if missing and not table.study:  # whose metrics are in records of their own
        return f"lacks metrics of the table's columns: {', '.join(missing)}"
    for name in ("profile", "data"):
        own, other = getattr(spec, name), getattr(first.spec, name)
        if own != other:
            return f"is of {name} {own}, and {first.spec.hash} beside it of {name} {other}"
    return ""


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
