"""Runs for a page: one, all of a list, or all of a table, in this process or side by side on Dask workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from xmodal_lite.experiments.data import open_benchmark, prepare_run
from xmodal_lite.experiments.notebook import read_parameter
from xmodal_lite.experiments.report import RunReport, TableReport
from xmodal_lite.experiments.spec import RunRecord, RunSpec
from xmodal_lite.experiments.store import RunBusyError, RunStore, publish
from xmodal_lite.experiments.tables import Table, load_table

if TYPE_CHECKING:
    from xmodal_lite.benchmarks.base import Benchmark

Seed = Annotated[int, Field(ge=0, strict=True)]
Count = Annotated[int, Field(ge=1, strict=True)]


def run_all(
    specs: Sequence[RunSpec],
    benchmark: Benchmark,
    store: RunStore,
    report: Callable[[str], None] = print,
) -> list[RunRecord]:
    """Run every specification that is not finished yet, and return all records in the order asked for.

    Start the same list in a second process to share the work: a run that another process holds is passed over and
    picked up at the end.

    Parameters
    ----------
    specs : sequence of RunSpec
        From `Table.specs` or `make_spec`.
    benchmark : Benchmark
        The data they name.
    store : RunStore
        Where runs are kept.
    report : callable
        Gets one line a run.
    """
    from xmodal_lite.experiments.runner import run

    records: dict[str, RunRecord] = {}
    waiting = list(specs)
    while waiting:
        busy = []
        for spec in waiting:
            try:
                records[spec.hash] = run(spec, benchmark, store, wait=False)
            except RunBusyError:
                busy.append(spec)
                continue
            report(f"[{len(records)}/{len(specs)}] {records[spec.hash].line()}")
        if busy:  # all that is left is held elsewhere: wait for the first of them
            records[busy[0].hash] = run(busy[0], benchmark, store)
        waiting = busy[1:]
    return [records[spec.hash] for spec in specs]


def run_report(
    method: str,
    benchmark: str,
    *,
    data_root: Path | str = "",
    folder: Path | str = "data",
    protocol: str = "",
    profile: str = "demo",
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
    store: Path | str = "runs",
) -> RunReport:
    """Make a run, or what is left of it, and report it.

    Parameters
    ----------
    method, benchmark, data_root, folder, protocol, profile, seed
        As for `prepare_run`.
    changes : mapping, optional
        Changes to the profile's recipe, by dotted name.
    store : Path or str
        Where runs are kept.

    Raises
    ------
    SpecError, DataError, DeviceError, CheckpointError, DivergedError
        See `prepare_run` and `run`.
    """
    from xmodal_lite.experiments.runner import run
    from xmodal_lite.training import latest_checkpoint, load_checkpoint

    options: dict[str, Any] = {"protocol": protocol, "profile": profile, "folder": folder}
    numbers = {
        "seed": read_parameter("seed", seed, Seed),
        "overrides": read_parameter("changes", changes or {}, dict),
    }
    spec, data, accelerator = prepare_run(method, benchmark, data_root, **options, **numbers)
    record = run(spec, data, RunStore(store), accelerator=accelerator)
    last = latest_checkpoint(RunStore(store).folder(spec))
    return RunReport(record, load_checkpoint(last, spec.hash).history if last else [])


def run_table(
    name: str,
    *,
    data_root: Path | str = "",
    folder: Path | str = "data",
    profile: str = "demo",
    seeds: int = 5,
    store: Path | str = "runs",
    publish_to: Path | str = "",
) -> TableReport:
    """Make every run of a table that is not finished, and report the table.

    Parameters
    ----------
    name : str
        Name of the table.
    data_root : Path or str
        Folder in the benchmark's own layout; empty takes the data of the package or makes the synthetic data set.
    folder : Path or str
        Where synthetic data sets are kept.
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
        There is no such table or profile, the number of seeds makes no sense, or the benchmark at hand lacks the
        table's protocol.
    DataError
        The data are not in their layout.
    """
    table, count = load_table(name), read_parameter("seeds", seeds, Count)
    data = open_benchmark(table.benchmark, data_root, profile=profile, folder=folder, size=table.size)
    records = run_rows(table, data, profile=profile, seeds=count, store=store, publish_to=publish_to)
    return TableReport(table, {data.source: records})


def run_rows(
    table: Table,
    benchmark: Benchmark,
    *,
    profile: str,
    seeds: int,
    store: Path | str,
    publish_to: Path | str = "",
) -> list[RunRecord]:
    """Make every run of a table that is not finished on data that are open, and copy the records; see `run_table`."""
    specs = table.specs(benchmark, profile=profile, seeds=range(seeds))
    records = run_all(specs, benchmark, RunStore(store))
    if publish_to:
        publish(records, Path(publish_to) / table.name / benchmark.source)
    return records


def sweep_table(
    name: str,
    scheduler: str,
    *,
    data_root: Path | str = "",
    folder: Path | str = "data",
    profile: str = "demo",
    seeds: int = 5,
    store: Path | str = "runs",
    workers: int = 0,
) -> list[RunRecord]:
    """Make the runs of a table on Dask workers, so that `run_table` finds them finished.

    Parameters
    ----------
    name : str
        Name of the table.
    scheduler : str
        Address of a Dask scheduler, or "local" for one that lives as long as the sweep.
    data_root, folder, profile, seeds, store
        As for `run_table`.
    workers : int
        Of the local scheduler; 0 for one on each GPU, or on each core.

    Raises
    ------
    SweepError, SpecError, CheckpointError, DivergedError
        See `xmodal_lite.experiments.workers.run_on_workers`.
    DataError
        The data are not in their layout.
    """
    from xmodal_lite.experiments.workers import local_cluster, run_on_workers

    table, count = load_table(name), read_parameter("seeds", seeds, Count)
    where: dict[str, Any] = {
        "name": table.benchmark,
        "root": str(Path(data_root).resolve()) if data_root else "",
        "profile": profile,
        "folder": str(Path(folder).resolve()),
        "size": table.size,
    }
    data = open_benchmark(**where)
    specs = table.specs(data, profile=profile, seeds=range(count))
    with local_cluster(workers) if scheduler == "local" else nullcontext(scheduler) as address:
        return run_on_workers(specs, where, data.fingerprint, RunStore(store), address)
