"""What each row of a table adds to those it is compared with, with verdicts corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence

from xmodal_lite.escape import pipe_table
from xmodal_lite.evaluation.intervals import (
    CLEAR,
    DOUBTFUL,
    Interval,
    count_significant,
    interval,
    verdicts,
)
from xmodal_lite.experiments.report.origin import setting
from xmodal_lite.experiments.report.results import NOT_RUN, ratio, value
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.tables import Table, records_of

Key = tuple[str, str, str, str]  # protocol, row, the row compared with, metric


def difference(ours: dict[int, RunRecord], theirs: dict[int, RunRecord], metric: str) -> Interval | None:
    """Return the mean of the seed-by-seed difference of two rows, or None where they share no seed."""
    shared = sorted(set(ours) & set(theirs))
    values = [value(ours[seed], metric) - value(theirs[seed], metric) for seed in shared]
    return interval(values, test_per_train=ratio(ours[shared[0]])) if values else None


def differences(table: Table, records: Sequence[RunRecord]) -> dict[Key, Interval]:
    """Return every comparison of a table that was run, in the order of its protocols and rows.

    Parameters
    ----------
    table : Table
        Its rows name those they are compared with; its headline metrics are compared.
    records : sequence of RunRecord
        Of one source.

    Returns
    -------
    dict
        By protocol, row, the row compared with, and metric.
    """
    found = {}
    for protocol in table.protocols:
        of = {row.label: records_of(row, records, protocol) for row in table.run_rows}
        for row, other in _pairs(table):
            for metric in table.headline:
                one = difference(of[row], of[other], metric)
                if one is not None:
                    found[protocol, row, other, metric] = one
    return found


def differences_markdown(table: Table, records: Sequence[RunRecord], protocol: str) -> str:
    """Write paired differences in points under a protocol, with verdicts.

    A verdict is at the 5 % level with Holm's correction over all comparisons of the table, those under its other
    protocols included.
    """
    found = differences(table, records)
    words = dict(zip(found, verdicts(list(found.values())), strict=True))
    lines = [["Row", "compared with", *(table.headings[metric] for metric in table.headline)]]
    for row, other in _pairs(table):
        keys = [(protocol, row, other, metric) for metric in table.headline]
        cells = [f"{found[key].signed()}, {words[key]}" if key in found else NOT_RUN for key in keys]
        lines.append([row, other, *cells])
    return f"Differences, protocol {protocol} ({setting(records)}):\n\n{pipe_table(lines)}"


def significance_markdown(table: Table, records: Sequence[RunRecord]) -> str:
    """Say how the verdicts are made, how many comparisons are significant, and which; empty without any."""
    found = differences(table, records)
    if not found:
        return ""
    of = list(found.values())
    words = dict(zip(found, verdicts(of), strict=True))
    lists = {
        "With the correction": [key for key, word in words.items() if word in CLEAR],
        "Only without it": [key for key, word in words.items() if word == DOUBTFUL],
    }
    lines = [
        f"- {head}: {'; '.join(_comparison(table, key, found[key]) for key in keys) or 'none'}."
        for head, keys in lists.items()
    ]
    text = (
        "**What each row adds**, in points, seed by seed. *Higher* and *lower* mark differences that are significant "
        "at the 5 % level with Holm's correction for all comparisons of this table; an interval is that of its "
        f"comparison alone. {count_significant(of)}"
    )
    return "\n".join([text, "", *lines])


def _comparison(table: Table, key: Key, one: Interval) -> str:
    """Name a comparison and its direction."""
    protocol, row, other, metric = key
    under = f"protocol {protocol}, " if len(table.protocols) > 1 else ""
    word = "higher" if one.mean > 0 else "lower"
    return f"*{row}* {word} than *{other}* ({under}{table.headings[metric]})"


def _pairs(table: Table) -> list[tuple[str, str]]:
    """List the labels of each row and of those it is compared with."""
    return [(row.label, other) for row in table.run_rows for other in row.against]
