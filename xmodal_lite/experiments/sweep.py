"""Many runs, one after the other; several processes may share the same list."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from xmodal_lite.benchmarks import Benchmark
from xmodal_lite.errors import SpecError
from xmodal_lite.experiments.run import run
from xmodal_lite.experiments.spec import RunRecord, RunSpec
from xmodal_lite.experiments.store import RunBusyError, RunStore, read_record, read_records


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
            report(run_line(records[spec.hash], len(records), len(specs)))
        if busy:  # all that is left is held elsewhere: wait for the first of them
            records[busy[0].hash] = run(busy[0], benchmark, store)
        waiting = busy[1:]
    return [records[spec.hash] for spec in specs]


def publish(records: Sequence[RunRecord], store: RunStore, folder: Path) -> None:
    """Copy the records of finished runs into a folder that is kept under version control.

    A record there of the same row and seed, made by another recipe or of another state of the data, is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = {_place(record) for record in records}
    for path in folder.glob("*.json"):
        if _place(read_record(path)) in new:
            path.unlink()
    for record in records:
        shutil.copyfile(store.folder(record.spec) / "record.json", folder / f"{record.spec.hash}.json")


def _place(record: RunRecord) -> str:
    """Name the cell of a table that a record counts in."""
    spec = record.spec
    return json.dumps([spec.method, spec.protocol, spec.overrides, spec.seed], sort_keys=True)


def stored_records(results: Path, table: str, source: str) -> list[RunRecord]:
    """Read the published records of a table.

    Parameters
    ----------
    results : Path
        The `results` folder of the repository.
    table : str
        Name of the table.
    source : {"real", "synthetic"}
        The two are never mixed.

    Raises
    ------
    SpecError
        Nothing is stored for that table and source.
    """
    folder = results / table / source
    if not folder.is_dir():
        root = " --data-root path/to/the/data" if source == "real" else ""
        raise SpecError(
            f"no stored runs in {folder}; make them with: xmodal tables run {table}{root} --results {results}"
        )
    return read_records(folder)


def run_line(record: RunRecord, done: int, total: int) -> str:
    """Say in one line what a finished run was and what came out."""
    spec = record.spec
    changes = " ".join(f"{name}={value}" for name, value in spec.overrides.items())
    ranks = " ".join(
        f"{name} {100 * value:.1f}" for name, value in record.metrics.items() if name.endswith("rank1")
    )
    run_name = f"{spec.method} {changes} protocol {spec.protocol} seed {spec.seed}"
    share = record.utilisation()
    mfu = f", MFU {100 * share:.1f} %" if share else ""
    return f"[{done}/{total}] {run_name}: {ranks}, {record.seconds:.0f} s{mfu}"
