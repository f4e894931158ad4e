"""A sweep on Dask workers: one run per worker, so one per GPU, on this machine or on many.

The run store decides what is finished; Dask only hands out the work. A finished run is never repeated. Where a worker
dies, another one resumes its run from the last checkpoint. A second sweep of the same runs shares them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from accelerate.utils import parse_flag_from_env

from xmodal_lite.errors import DataError, SpecError, XmodalError
from xmodal_lite.experiments import provenance
from xmodal_lite.experiments.data import open_benchmark
from xmodal_lite.experiments.runner import run
from xmodal_lite.experiments.spec import RunRecord, RunSpec
from xmodal_lite.experiments.store import RunBusyError, RunStore

SECONDS = 30  # that a scheduler, or the first of its workers, may take to answer
PATIENCE = 4  # times SECONDS without a single worker, as where all are started again, before a sweep gives up
ENDED = ("finished", "error", "cancelled")  # states of a task that change no more
QUIET = logging.WARNING  # the least of Dask's log that is shown
BOKEH = "bokeh"  # the package that Dask's dashboard is drawn with
LAST = -1  # Dask's priority of a run that another process holds: after all others


class SweepError(XmodalError, RuntimeError):
    """The scheduler is gone or a worker cannot take part; what is finished or checkpointed stays in the store."""


def run_on_workers(
    specs: Sequence[RunSpec],
    data: Mapping[str, Any],
    fingerprint: str,
    store: RunStore,
    scheduler: str,
    report: Callable[[str], None] = print,
) -> list[RunRecord]:
    """Run every specification that is not finished yet on Dask workers; the records come in the order asked for.

    Parameters
    ----------
    specs : sequence of RunSpec
        What to run.
    data : mapping
        Keyword arguments of `open_benchmark`; every worker opens the data itself, so its paths are absolute.
    fingerprint : str
        Of the data that the specifications name, all of it.
    store : RunStore
        On a disk that every worker sees under the same path.
    scheduler : str
        Address of a Dask scheduler.
    report : callable
        Gets one line a run.

    Raises
    ------
    SweepError
        No scheduler or no worker answers, the scheduler or the last worker is gone, or a worker has other code, data
        or threads.
    SpecError
        Dask is not installed.
    CheckpointError, DivergedError
        A run stopped, as it would have in this process.
    """
    records = {spec.hash: found for spec in specs if (found := store.record(spec))}
    waiting = [spec for spec in specs if spec.hash not in records]
    report(f"{len(specs)} runs, {len(records)} of them finished before")
    if waiting:
        with _connected(scheduler) as client:
            report(_dashboard(client))
            terms = {"data": dict(data), "fingerprint": fingerprint, "store": str(store.root.resolve())}
            for spec in _finished(client, waiting, terms | {"code": provenance.CODE}):
                records[spec.hash] = _stored(store, spec)
                report(f"[{len(records)}/{len(specs)}] {records[spec.hash].line()}")
    return [records[spec.hash] for spec in specs]


@contextmanager
def local_cluster(workers: int = 0) -> Iterator[str]:
    """Start a scheduler and its workers on this machine, and yield the scheduler's address.

    Parameters
    ----------
    workers : int
        How many; 0 for one on each GPU, or on each core where there is no GPU.

    Raises
    ------
    SpecError
        Dask is not installed.
    """
    distributed = _dask()
    gpus = _gpus()
    count = workers or len(gpus) or os.cpu_count() or 1
    homes = [{"CUDA_VISIBLE_DEVICES": gpus[n % len(gpus)]} if gpus else {} for n in range(count)]
    own = {"host": "127.0.0.1"}
    scheduler = {"cls": distributed.Scheduler, "options": own | {"dashboard_address": "127.0.0.1:8787"}}
    # no limit: a run may use what there is; and quiet, or Dask logs workers that come and go between our lines
    options = own | {"nthreads": 1, "memory_limit": 0, "silence_logs": QUIET}
    nannies = {
        n: {"cls": distributed.Nanny, "options": options | {"env": env}} for n, env in enumerate(homes)
    }
    with distributed.SpecCluster(scheduler=scheduler, workers=nannies, silence_logs=QUIET) as cluster:
        yield cluster.scheduler_address


def _dask() -> Any:
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise SpecError("--scheduler needs Dask; install it: pip install 'dask[distributed]'") from error
    return distributed


def _gpus() -> list[str]:
    """Name the GPUs that this process may use, as CUDA_VISIBLE_DEVICES does; none where a processor is chosen."""
    if parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.cuda.is_available():
        return []
    everything = ",".join(map(str, range(torch.cuda.device_count())))
    names = os.environ.get("CUDA_VISIBLE_DEVICES", everything).split(",")
    return [name for name in names if name and not name.startswith("-")]


@contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    distributed = _dask()
    try:
        client = distributed.Client(scheduler, timeout=SECONDS)
    except (OSError, ValueError) as error:
        raise SweepError(
            f"no Dask scheduler answers at {scheduler} ({str(error) or type(error).__name__}). Start one with "
            "'dask scheduler' and give the address that it prints, or use --scheduler local"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=SECONDS)
        except TimeoutError as error:
            raise SweepError(
                f"the scheduler at {scheduler} has no worker. Start one for each GPU, in the same environment: "
                f"dask worker {scheduler} --nthreads 1 --memory-limit 0"
            ) from error
        yield client


def _dashboard(client: Any) -> str:
    """Say where the sweep can be watched: Dask serves that page where the scheduler has bokeh."""
    if client.run_on_scheduler(find_spec, BOKEH):
        return f"dashboard: {client.dashboard_link}"
    return "no dashboard: the scheduler has no bokeh (pip install 'bokeh>=3.1')"


def _finished(client: Any, specs: Sequence[RunSpec], terms: dict[str, Any]) -> Iterator[RunSpec]:
    """Hand out all runs, and yield each when it is finished, by whichever process."""
    known: dict[str, RunSpec] = {}

    def submit(spec: RunSpec, *, wait: bool) -> Any:
        key = _key(spec, terms) + ("-held" if wait else "")
        known[key] = spec
        priority = LAST if wait else 0
        return client.submit(_work, spec.model_dump_json(), wait, key=key, priority=priority, **terms)

    futures = {submit(spec, wait=False) for spec in specs}
    try:
        while futures:
            ended = _some_ended(client, futures)
            futures -= ended
            for future in ended:
                spec = known[future.key]
                if _outcome(future, spec):
                    yield spec
                else:  # another process holds it; a worker waits for that when nothing else is left
                    futures.add(submit(spec, wait=True))
    finally:
        with suppress(Exception):  # the scheduler may be gone
            client.cancel(list(futures))


def _some_ended(client: Any, futures: set[Any]) -> set[Any]:
    """Wait until at least one task has ended, whichever way; SweepError if no worker is left to work on them."""
    distributed = _dask()
    alone = 0
    while not (ended := {future for future in futures if future.status in ENDED}):
        try:
            distributed.wait(futures, timeout=SECONDS, return_when="FIRST_COMPLETED")
        except distributed.CancelledError:
            continue  # its status says so, too
        except TimeoutError:
            alone = 0 if _has_workers(client) else alone + 1
            if alone == PATIENCE:
                raise SweepError(
                    f"no worker is left at {client.scheduler.address}. Finished runs are stored, the others have their "
                    "checkpoints: start workers and give the same command again"
                ) from None
    return ended


def _has_workers(client: Any) -> bool:
    try:
        return bool(client.scheduler_info(n_workers=1)["workers"])
    except OSError:  # the scheduler does not answer, either
        return False


def _key(spec: RunSpec, terms: Mapping[str, Any]) -> str:
    """Name a task, another one for another store; the dashboard groups by what stands before the first hyphen."""
    group = f"{spec.method}/{spec.benchmark}/{spec.protocol}/{spec.profile}".replace("-", "_")
    mark = hashlib.sha256(json.dumps(terms, sort_keys=True, default=str).encode()).hexdigest()[:8]
    return f"{group}-seed_{spec.seed}-{mark}-{spec.hash}"


def _outcome(future: Any, spec: RunSpec) -> bool:
    """Return whether a run is finished (or held by another process); every fault becomes one clear error."""
    distributed = _dask()
    what = f"run {spec.hash} ({spec.method}, {spec.protocol}, seed {spec.seed})"
    try:
        return future.result()
    except XmodalError:
        raise
    except distributed.CancelledError as error:
        raise SweepError(
            "the scheduler is gone. Finished runs are stored, the others have their checkpoints: start a scheduler and "
            "give the same command again"
        ) from error
    except distributed.KilledWorker as error:
        raise SweepError(
            f"{what} took several workers down with it, as a lack of memory does. Its last checkpoint is whole; give "
            "each worker more memory, or the run fewer samples a step"
        ) from error
    except Exception as error:
        raise SweepError(f"{what} failed on a worker: {type(error).__name__}: {error}") from error


def _stored(store: RunStore, spec: RunSpec) -> RunRecord:
    record = store.record(spec)
    if record is None:
        raise SweepError(
            f"a worker finished run {spec.hash}, but its record is not in {store.root}: give a --store on a disk that "
            "all workers share under the same path"
        )
    return record


def _work(text: str, wait: bool, *, data: dict[str, Any], fingerprint: str, store: str, code: str) -> bool:
    """Make one run on a worker; False if another process holds it and `wait` is false."""
    from distributed import get_worker

    worker = get_worker()
    me = f"worker {worker.address}"
    if worker.state.nthreads != 1:
        raise SweepError(
            f"{me} has {worker.state.nthreads} threads, and runs side by side in one process would share their random "
            "draws; start it with --nthreads 1"
        )
    if code != provenance.CODE:
        raise SweepError(
            f"{me} has other code ({provenance.CODE[:12]}, not {code[:12]}); give it the same version of xmodal-lite "
            "and start it again"
        )
    try:
        benchmark = _opened(**data)
    except DataError as error:
        raise SweepError(f"{me} cannot read the data: {error}") from error
    if benchmark.fingerprint != fingerprint:
        raise SweepError(
            f"{me} has other data in {data['root'] or data['folder']} ({benchmark.fingerprint[:12]}, not "
            f"{fingerprint[:12]}); give it the same files and start it again"
        )
    spec = RunSpec.model_validate_json(text)
    try:
        run(spec, benchmark, RunStore(store), wait=wait)
    except RunBusyError:
        return False
    return True


_opened = cache(open_benchmark)  # once a process
