"""The results of a table: as Markdown, real data and synthetic apart, and as the numbers of a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from xmodal_lite.benchmarks import data_set
from xmodal_lite.errors import SpecError
from xmodal_lite.escape import markdown, pipe_table
from xmodal_lite.evaluation.intervals import Interval, against_reported, interval
from xmodal_lite.experiments.report.origin import setting
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.tables import Row, Table, records_of
from xmodal_lite.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

NOT_AVAILABLE, NOT_RUN = "not available", "not run"


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
    of = setting(records) if records else f"reported on {data_set(table.benchmark).title}, real data"
    write = _part_alone if sources == {"synthetic"} else _part_compared
    parts = [
        f"{part}, protocol {protocol} ({of}):\n\n{write(table, records, protocol, metrics)}"
        for part, metrics in table.columns.items()
    ]
    return "\n\n".join(parts)


def headline_frame(table: Table, records: Sequence[RunRecord], protocol: str) -> pd.DataFrame:
    """Return the headline numbers of every run, for a figure, in the order of the table.

    One line per row of the table, headline metric and seed: columns `row`, `metric` (its heading), `seed` and `value`.
    Its `attrs` are what `xmodal_lite.evaluation.intervals.bounds` takes beside the values.
    """
    import pandas as pd

    lines = [
        (row.label, table.headings[metric], seed, value(record, metric))
        for row in table.run_rows
        for seed, record in sorted(records_of(row, records, protocol).items())
        for metric in table.headline
    ]
    frame = pd.DataFrame(lines, columns=["row", "metric", "seed", "value"])
    frame.attrs["test_per_train"] = data_set(table.benchmark).resampled.get(protocol, 0.0)
    return frame


def cell(records: Mapping[int, RunRecord], metric: str) -> Interval | None:
    """Return the mean and interval of a metric over seeds, or None where nothing was run."""
    if not records:
        return None
    values = [value(record, metric) for record in records.values()]
    return interval(values, test_per_train=ratio(next(iter(records.values()))))


def ratio(record: RunRecord) -> float:
    """Return test samples per training sample where each seed draws another split of one data set, and else 0."""
    return data_set(record.spec.benchmark).resampled.get(record.spec.protocol, 0.0)


def value(record: RunRecord, metric: str) -> float:
    """Return a metric of a run; SpecError where the run has none of that name."""
    if metric not in record.metrics:
        raise SpecError(f"run {record.spec.hash} has no metric '{metric}', which the table shows")
    return record.metrics[metric]


def _part_alone(table: Table, records: Sequence[RunRecord], protocol: str, metrics: dict[str, str]) -> str:
    """Write what was run, and nothing else."""
    lines = [["Method", *metrics.values(), "Seeds"]]
    lines += [[row.label, *_ours(records_of(row, records, protocol), metrics)] for row in table.run_rows]
    return pipe_table(lines)


def _part_compared(table: Table, records: Sequence[RunRecord], protocol: str, metrics: dict[str, str]) -> str:
    """Write what was run beside what is reported."""
    lines = [["Method", *metrics.values(), "Seeds, or source"]]
    for row in table.rows if records else [row for row in table.rows if protocol in row.reported]:
        lines += _compared(row, records_of(row, records, protocol), list(metrics), protocol)
    alone = [row.label for row in table.run_rows if protocol not in row.reported]
    without = "any row" if len(alone) == len(table.rows) else "; ".join(alone)
    return pipe_table(lines) + (
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


def costs_markdown(table: Table, records: Sequence[RunRecord]) -> str:
    """Write what each trained row costs: weights, operations of the training, time; empty where none is trained."""
    lines = [["Row", "Parameters", "Training (TFLOP)", "Training and test (s)"]]
    for row in table.run_rows:
        found = [one for protocol in table.protocols for one in records_of(row, records, protocol).values()]
        steps = {one.spec.recipe.steps for one in found if isinstance(one.spec.recipe, Recipe)}
        if steps:
            first, seconds = found[0], sorted(one.seconds for one in found)[len(found) // 2]
            total = first.step_flop * max(steps) / 1e12
            counted = f"{total:,.0f}" if total else NOT_AVAILABLE
            lines.append([row.label, f"{first.parameters:,}", counted, f"{seconds:.0f}"])
    if len(lines) == 1:
        return ""
    machines = ", ".join(sorted({markdown(one.device) for one in records}))
    return (
        f"**What each row costs** ({setting(records)}). Times are medians over the runs, on {machines}.\n\n"
        f"{pipe_table(lines)}"
    )
