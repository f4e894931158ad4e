"""The page of a table: its records, stored or run now, and the text that shows them, real data and synthetic apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from xmodal_lite.experiments.data import open_benchmark
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.store import RunStore
from xmodal_lite.experiments.sweep import publish, run_all, stored_records
from xmodal_lite.experiments.tables import (
    Table,
    differences_markdown,
    headline_frame,
    load_table,
    records_of,
    results_markdown,
)
from xmodal_lite.experiments.workers import local_cluster, run_on_workers

PROFILES = {"real": "paper", "synthetic": "demo"}  # what a table is meant to be run with
CAUTION = (
    "Made up by this package: these numbers stand beside no paper's, and say nothing about the real data."
)


@dataclass(frozen=True)
class TablePage:
    """What the page of a table shows.

    Attributes
    ----------
    table : Table
        The definition.
    records : dict of str to sequence of RunRecord
        By source, "real" and "synthetic"; a page that ran its table has only the source that it ran on.
    """

    table: Table
    records: Mapping[str, Sequence[RunRecord]]

    def markdown(self, source: str) -> str:
        """Write all there is on one source: what was run, results, differences, and how to run what is missing."""
        if source not in self.records:
            return f"This run was on {' and '.join(self.records)} data."
        records = self.records[source]
        if source == "synthetic" and not records:
            return f"No run on the synthetic data set is stored. {self._how_to_run(source)}"
        parts = [f"**{self.table.title}: {source} data.** {_what(records)}"]
        if source == "synthetic":
            parts.append(CAUTION)
        parts += [results_markdown(self.table, records, protocol) for protocol in self.table.protocols]
        if self._missing(records):
            parts.append(f"Rows are not run yet. {self._how_to_run(source)}")
        if records:
            parts += [_in_full(records), code_markdown(self.table, records)]
            parts.append("**What each row adds**, in points, seed by seed:")
            parts += [self._differences(records, protocol) for protocol in self.table.protocols]
        return "\n\n".join(part for part in parts if part)

    def panels(self) -> dict[str, pd.DataFrame]:
        """Return the headline numbers for a figure, a panel for each protocol: real data if there are any records."""
        source = next((source for source in ("real", "synthetic") if self.records.get(source)), None)
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

    def _differences(self, records: Sequence[RunRecord], protocol: str) -> str:
        return f"Protocol {protocol}:\n\n{differences_markdown(self.table, records, protocol)}"

    def _missing(self, records: Sequence[RunRecord]) -> bool:
        found = [
            records_of(row, records, protocol)
            for row in self.table.run_rows
            for protocol in self.table.protocols
        ]
        return not all(found)

    def _how_to_run(self, source: str) -> str:
        records = self.records.get(source)
        profile = records[0].spec.profile if records else PROFILES[source]
        root = f" --data-root path/to/{self.table.benchmark}" if source == "real" else ""
        options = f"--profile {profile} --seeds {usual_seeds(self.table, source)} --results results"
        return f"To run them:\n\n```bash\nxmodal tables run {self.table.name}{root} \\\n  {options}\n```"


def usual_seeds(table: Table, source: str) -> int:
    """Return how many seeds a table is meant to be run with: its own number on real data, 5 on the synthetic data set."""
    return table.seeds if source == "real" else 5


def stored_page(name: str, results: Path) -> TablePage:
    """Collect what is stored of a table, of real data and of the synthetic data set; nothing is a page, too.

    Parameters
    ----------
    name : str
        Name of the table.
    results : Path
        The folder that records are published into.

    Raises
    ------
    SpecError
        There is no such table.
    """
    stored = {
        source: stored_records(results, name, source) if (results / name / source).is_dir() else []
        for source in PROFILES
    }
    return TablePage(load_table(name), stored)


def open_page(
    name: str,
    root: Path | str,
    *,
    run: bool = False,
    data_root: str = "",
    profile: str = "demo",
    seeds: int = 5,
    store: Path | str = "runs",
    publish_to: Path | str = "",
) -> TablePage:
    """Collect what the page of a table shows: the stored records, or those of runs made now.

    Parameters
    ----------
    name : str
        Name of the table.
    root : Path or str
        The checkout: stored records lie in `results`, synthetic data sets are kept in `data`.
    run : bool
        Run what is not finished, and show that; otherwise show what is stored.
    data_root : str
        Folder in the benchmark's own layout; empty makes the synthetic data set.
    profile : str
        Profile of the runs.
    seeds : int
        Seeds 0, 1, ... up to this many.
    store : Path or str
        Where runs are kept.
    publish_to : Path or str
        Also copy the records below this folder, where it is named.

    Raises
    ------
    SpecError
        There is no such table or profile, or the benchmark at hand lacks the table's protocol.
    DataError
        The data are not in their layout.
    """
    if not run:
        return stored_page(name, Path(root) / "results")
    table = load_table(name)
    data = open_benchmark(
        table.benchmark, data_root, profile=profile, folder=Path(root) / "data", size=table.size
    )
    runs = RunStore(store)
    records = run_all(table.specs(data, profile=profile, seeds=range(seeds)), data, runs)
    if publish_to:
        publish(records, runs, Path(publish_to) / name / data.source)
    return TablePage(table, {data.source: records})


def sweep_table(
    name: str,
    scheduler: str,
    *,
    data_root: str = "",
    folder: Path | str = "data",
    profile: str = "demo",
    seeds: int = 5,
    store: Path | str = "runs",
    workers: int = 0,
) -> list[RunRecord]:
    """Make the runs of a table on Dask workers, so that `open_page` finds them finished.

    Parameters
    ----------
    name : str
        Name of the table.
    scheduler : str
        Address of a Dask scheduler, or "local" for one that lives as long as the sweep.
    data_root, profile, seeds, store
        As for `open_page`.
    folder : Path or str
        Where synthetic data sets are kept.
    workers : int
        Of the local scheduler; 0 for one on each GPU, or on each core.

    Raises
    ------
    SweepError, SpecError, CheckpointError, DivergedError
        See `xmodal_lite.experiments.workers.run_on_workers`.
    DataError
        The data are not in their layout.
    """
    table = load_table(name)
    where: dict[str, Any] = {
        "name": table.benchmark,
        "root": str(Path(data_root).resolve()) if data_root else "",
        "profile": profile,
        "folder": str(Path(folder).resolve()),
        "size": table.size,
    }
    data = open_benchmark(**where)
    specs = table.specs(data, profile=profile, seeds=range(seeds))
    with local_cluster(workers) if scheduler == "local" else nullcontext(scheduler) as address:
        return run_on_workers(specs, where, data.fingerprint, RunStore(store), address)


def code_markdown(table: Table, records: Sequence[RunRecord]) -> str:
    """Say which state of the code each row is of, where there is more than one; empty where there is one."""
    rows: dict[str, list[str]] = defaultdict(list)
    for row in table.run_rows:
        found = [one for protocol in table.protocols for one in records_of(row, records, protocol).values()]
        for code in sorted({record.code for record in found}):
            rows[code].append(row.label)
    if len(rows) < 2:
        return ""
    lines = [f"- `{code[:12]}`: {'; '.join(labels)}" for code, labels in rows.items()]
    return "\n".join(
        [f"The rows are of {len(rows)} states of the code, by the start of its hash:", "", *lines]
    )


def _what(records: Sequence[RunRecord]) -> str:
    """Say how many runs there are, of which profile and seeds."""
    if not records:
        return "Nothing was run yet."
    profiles = sorted({record.spec.profile for record in records})
    seeds = sorted({record.spec.seed for record in records})
    return f"{len(records)} runs, profile {' and '.join(profiles)}, {_seeds(seeds)}."


def _seeds(seeds: Sequence[int]) -> str:
    """Name the seeds: 0 to 4, or one by one where some are left out."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    whole = list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return f"seeds {seeds[0]} to {seeds[-1]}" if whole else f"seeds {', '.join(map(str, seeds))}"


def _in_full(records: Sequence[RunRecord]) -> str:
    """Name the protocols in full, as the lowest seed's reports print them."""
    first = min(record.spec.seed for record in records)
    names = dict.fromkeys(
        f"- {record.spec.protocol}: {record.protocol}" for record in records if record.spec.seed == first
    )
    return "\n".join([f"Protocols in full, as seed {first} prints them:", "", *sorted(names)])
