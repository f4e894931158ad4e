"""Write the pages of all results from the stored run records: `make results`, or `python book/make_results.py`.

Three pages come of it, which are committed so that the book builds from the files alone:

- `results.md`: every method on every benchmark, real and synthetic apart;
- `paper-versus-ours.md`: every number that a paper reports beside ours, and the command that fills an empty cell;
- `not-reproduced.md`: what could not be reproduced, from the fidelity ledgers.

`tests/book/test_results_pages.py` fails when one is stale.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from make_ledgers import Ledger, read_ledger
from scipy.stats import studentized_range

from xmodal_lite.benchmarks import data_set
from xmodal_lite.escape import markdown, pipe_table
from xmodal_lite.evaluation.intervals import Interval, against_reported
from xmodal_lite.experiments import TableReport, stored_table, table_names
from xmodal_lite.experiments.data import root_option
from xmodal_lite.experiments.report import cell
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.tables import records_of

ROOT = Path(__file__).resolve().parent.parent
BOOK, RESULTS = ROOT / "book", ROOT / "results"
NAMES = {"marrnet": "cmUNet and MarrNet", "mun": "MUN", "enhancing": "The enhancing network"}
# The methods of the grid: what they run, as the tables write it.
METHODS: dict[str, tuple[str, dict[str, object]]] = {
    "Cosine of the samples": ("cosine", {}),
    "Cosine of HOG": ("cosine", {"options.features": "hog"}),
    "CCA": ("cca", {}),
    "CCA of HOG": (
        "cca",
        {"options.features": "hog", "options.components": 200, "options.directions": 100},
    ),
    "Kernel ridge": ("kernel-ridge", {}),
    "Two-stream": ("two-stream", {}),
    "Two-stream, CAJ augmentation": (
        "two-stream",
        {"augment.colour": "exchange", "augment.erase": 0.5},
    ),
    "Two-stream on the extractor of MUN": ("enhancing", {"model.losses": ["id", "tri"]}),
    "Extractor alone": ("marrnet", {"model.unet": False}),
    "cmUNet without its losses": ("marrnet", {"model.losses": ["id", "tri"]}),
    "MarrNet": ("marrnet", {}),
    "MUN": ("mun", {}),
    "Enhancing network": ("enhancing", {}),
    "Combined (ours)": ("combined", {}),
}
INTRO = """\
(all-results)=
# All results

Every method on every benchmark, from the stored run records. Values are percent, with half the width of the 95 %
interval, which is corrected where seeds draw splits of the same data. The pages of the tables have the setting, the
other metrics, the differences with their verdicts, and where the numbers come from. An empty cell was not run.
"""
COMPARED = """\
(paper-versus-ours)=
# Paper versus ours

Every number that a paper reports and that we could verify, beside ours on the same real data and protocol. Numbers on
synthetic data are not compared with a paper's. *Not run* means that the real data are behind a form which we have not
signed; the command runs the table where you have them.
"""
MISSING = """\
(not-reproduced)=
# What could not be reproduced, and why

- **No full text of the three papers was read.** We know their abstracts, summaries of MUN's full text, and what other
  papers quote. The ledgers mark each statement as known, second hand or ours.
- **No official code was read.** One repository is announced and was not public when we looked.
- **The benchmarks of people and faces need signed forms.** We have none of them. Their tables hold synthetic data.
- **No run of the profile `paper` is stored.** It needs a GPU for hours; {ref}`costs` estimates each run.

The rest of this page is generated from the ledgers and the table definitions.
"""


def main() -> None:
    """Write the three pages."""
    started = time.perf_counter()
    for name, text in pages().items():
        (BOOK / name).write_text(text, encoding="utf-8")
    print(f"3 pages in {time.perf_counter() - started:.1f} s")


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    reports = [stored_table(name, RESULTS) for name in table_names()]
    return {
        "results.md": grid_page(reports),
        "paper-versus-ours.md": compared_page(reports),
        "not-reproduced.md": missing_page(reports),
    }


def grid_page(reports: list[TableReport]) -> str:
    """Write the grid of methods and benchmarks, real and synthetic apart."""
    reports = [report for report in reports if not report.table.study]  # the same runs under change
    parts = [INTRO]
    for source in ("real", "synthetic"):
        cells = dict(_columns(reports, source))
        lines = [["Method", *cells, "Average rank"]]
        ranks = _average_ranks(cells)
        for method in METHODS:
            row = [str(column[method]) if method in column else "" for column in cells.values()]
            if any(row):
                lines.append([method, *row, f"{ranks[method]:.1f}" if method in ranks else ""])
        title = (
            "Real data" if source == "real" else "Synthetic data: they test the code and explain the methods"
        )
        parts.append(f"## {title}\n\n{pipe_table(lines)}\n")
        parts += [_about_ranks(ranks, cells), _costs(reports, source)]
    return "\n".join(part for part in parts if part)


def _columns(reports: list[TableReport], source: str) -> Iterator[tuple[str, dict[str, Interval]]]:
    """Yield each benchmark, protocol and headline metric with each method's interval, from the first table with it."""
    seen: dict[str, dict[str, Interval]] = {}
    for report in reports:
        title = data_set(report.table.benchmark).title
        for protocol in report.table.protocols:
            for metric in report.table.headline[:2]:
                column = seen.setdefault(f"{title}, {protocol}: {report.table.headings[metric]}", {})
                for name in METHODS:
                    found = cell(_runs(report, source, protocol, name), metric)
                    if found:
                        column.setdefault(name, found)
    yield from ((name, column) for name, column in seen.items() if column)


def _runs(report: TableReport, source: str, protocol: str, name: str) -> dict[int, RunRecord]:
    """Return the records of a method of the grid by seed; empty where the table has no such row, or it was not run."""
    for row in report.table.run_rows:
        if (row.method, row.overrides) == METHODS[name]:
            return records_of(row, report.records.get(source, ()), protocol)
    return {}


def _average_ranks(cells: dict[str, dict[str, Interval]]) -> dict[str, float]:
    """Return the average rank of the methods that the most columns share, over those columns."""
    methods = [name for name in METHODS if sum(name in column for column in cells.values()) > len(cells) / 2]
    shared = [column for column in cells.values() if all(name in column for name in methods)]
    if len(methods) < 3 or not shared:
        return {}
    means = np.array([[column[name].mean for name in methods] for column in shared])  # (columns, methods)
    ranks = (-means).argsort(axis=1).argsort(axis=1) + 1
    return dict(zip(methods, ranks.mean(axis=0).tolist(), strict=True))


def _about_ranks(ranks: dict[str, float], cells: dict[str, dict[str, Interval]]) -> str:
    """Say what the average ranks are, and how far apart they must be; empty without any."""
    if not ranks:
        return ""
    count, columns = len(ranks), sum(all(name in column for name in ranks) for column in cells.values())
    quantile = studentized_range.ppf(0.95, count, np.inf) / math.sqrt(2)
    critical = quantile * math.sqrt(count * (count + 1) / (6 * columns))
    return (
        f"The average rank is over the {columns} columns that all {count} methods with a rank share; 1 is the highest "
        f"mean. Their critical difference is {critical:.1f} at the 5 % level (Nemenyi's test {{cite}}`demsar2006`). "
        "Columns of one data set are not independent, so it is too small.\n"
    )


def _costs(reports: list[TableReport], source: str) -> str:
    """Write the parameters and the time of a step of each trained method, by benchmark."""
    found: dict[str, dict[str, RunRecord]] = {}
    for report in reports:
        title = data_set(report.table.benchmark).title
        for name in METHODS:
            for protocol in report.table.protocols:
                if records := _runs(report, source, protocol, name):
                    found.setdefault(title, {}).setdefault(name, next(iter(records.values())))
    lines = [["Method", *(f"{title}: parameters, step" for title in found)]]
    for name in METHODS:
        cells = [_cost(of.get(name)) for of in found.values()]
        if any(cells):
            lines.append([name, *cells])
    note = "Parameters, and the mean time of a training step. The machine of the runs did other work at the same time."
    return f"{note}\n\n{pipe_table(lines)}\n"


def _cost(record: RunRecord | None) -> str:
    if record is None or not record.parameters:
        return ""
    step = f", {1000 / record.steps_per_second:.0f} ms" if record.steps_per_second else ""
    return f"{record.parameters / 1e6:.2f} M{step}"


def compared_page(reports: list[TableReport]) -> str:
    """Write every reported number beside ours."""
    parts = [COMPARED]
    for report in reports:
        lines = [line for protocol in report.table.protocols for line in _compared(report, protocol)]
        if not lines:
            continue
        command = f"xmodal tables run {report.table.name}{root_option(report.table.benchmark, 'real')} --profile paper"
        head = ["Row", "Metric", "Reported", "Source", "Ours", "Verdict"]
        parts.append(
            f"## {markdown(report.table.title)} ({report.table.number})\n\n{pipe_table([head, *lines])}\n\n"
            f"To fill it: `{command}`. {{ref}}`costs` estimates the time.\n"
        )
    without = [one.table.title for one in reports if not any(row.reported for row in one.table.rows)]
    listed = "\n".join(f"- {markdown(title)}" for title in without)
    parts.append(f"## No reported number is available to us\n\n{listed}\n")
    return "\n".join(parts)


def _compared(report: TableReport, protocol: str) -> Iterator[list[str]]:
    for row in report.table.rows:
        reported = row.reported.get(protocol)
        if reported is None:
            continue
        found = records_of(row, report.records.get("real", ()), protocol)
        for metric in report.table.headline:
            printed = reported.values.get(metric)
            ours = cell(found, metric)
            verdict = "not run" if row.method else "reported only"
            if ours and printed is not None:
                verdict = against_reported(ours, float(printed) / 100)
            yield [
                f"{row.label}, {protocol}",
                report.table.headings[metric],
                f"{reported.name} {printed}" if printed is not None else "not available",
                markdown(reported.source),
                str(ours or "–"),
                verdict,
            ]


def missing_page(reports: list[TableReport]) -> str:
    """Write what the ledgers and the tables say is missing."""
    parts = [MISSING]
    ledgers = {name: read_ledger(BOOK / "ledgers" / f"{name}.yml") for name in NAMES}
    lines = [["Paper", "Known", "Second hand", "Ours", "Effect not measured"]]
    lines += [[f"{{doc}}`{NAMES[name]} <fidelity-{name}>`", *_counts(one)] for name, one in ledgers.items()]
    parts.append(f"## Statements by what we know of them\n\n{pipe_table(lines)}\n")
    parts.append("## Tables without a run on real data\n")
    parts += [
        f"- {markdown(report.table.title)} ({report.table.number})"
        for report in reports
        if not report.records.get("real")
    ]
    parts.append("\n## Choices of ours whose effect no table shows\n")
    for name, ledger in ledgers.items():
        items = [one for one in ledger.statements if one.mark == "ours" and one.effect == "not measured"]
        parts.append(f"### {NAMES[name]}\n")
        parts += [f"- {item.statement.strip()}" for item in items]
        parts.append("")
    return "\n".join(parts)


def _counts(ledger: Ledger) -> list[str]:
    marks = [item.mark for item in ledger.statements]
    unmeasured = sum(item.effect == "not measured" for item in ledger.statements)
    return [str(marks.count(mark)) for mark in ("known", "second-hand", "ours")] + [str(unmeasured)]


if __name__ == "__main__":
    main()
