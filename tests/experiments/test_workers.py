"""A sweep on real Dask workers, processes on the loopback: same records, shared, resumed after a kill, or one error."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import torch

from xmodal_lite import synthetic
from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments import (
    RunStore,
    load_table,
    make_spec,
    open_benchmark,
    provenance,
    run_all,
    run_table,
    sweep_table,
    workers,
)
from xmodal_lite.experiments.workers import SweepError, local_cluster, run_on_workers

dask = pytest.importorskip("dask", reason="Dask is not installed: pip install 'dask[distributed]'")
distributed = pytest.importorskip(
    "distributed", reason="Dask is not installed: pip install 'dask[distributed]'"
)


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    """What every worker opens: absolute paths."""
    root = synthetic.write("rruff", tmp_path_factory.mktemp("sweep") / "rruff", identities=24)
    return {"name": "rruff", "root": str(root), "profile": "tiny", "folder": "", "size": None}


@pytest.fixture(scope="module")
def data(where):
    return open_benchmark(**where)


@pytest.fixture(scope="module")
def cluster():
    """Address of a scheduler with two workers, each a process."""
    with local_cluster(2) as address:
        yield address


def specs_of(data, seeds=range(3), **changes):
    overrides = {"steps": 12, "num_identities": 6, "checkpoint_every": 5, **changes}
    make = partial(make_spec, "two-stream", data, protocol="A", profile="tiny", overrides=overrides)
    return [make(seed=seed) for seed in seeds]


def numbers(records):
    """What must not depend on where or how often a run was started."""
    return [(one.spec, one.metrics, one.trials, one.losses) for one in records]


def processes(address) -> dict[str, int]:
    """Process number of each worker."""
    with distributed.Client(address) as client:
        return client.run(os.getpid)


def address_in(note):
    """Address of a scheduler, once its file is whole."""
    with suppress(OSError, ValueError):
        return json.loads(note.read_text())["address"]


def until(happens, seconds=120.0):
    """Wait for something, and return it."""
    end = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found


def test_a_killed_worker_loses_nothing(data, where, cluster, tmp_path):
    """Killed in the middle of a run, behind a checkpoint: the run goes on elsewhere and ends bit for bit the same."""
    specs = specs_of(data, steps=150)
    store, lines, killed = RunStore(tmp_path / "swept"), [], []

    def kill():
        def in_the_middle():
            with distributed.Client(cluster) as client:
                for address, keys in client.processing().items():
                    for key in keys:
                        folder = store.root / key.rpartition("-")[2]
                        if list(folder.glob("checkpoint-*")) and not (folder / "record.json").exists():
                            return folder, client.run(os.getpid, workers=[address])[address]

        folder, process = until(in_the_middle)
        os.kill(process, signal.SIGKILL)
        killed.append((folder, process))

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    swept = run_on_workers(specs, where, data.fingerprint, store, cluster, lines.append)
    killer.join()
    (folder, process) = killed[0]
    assert process not in processes(cluster).values()
    assert (folder / "record.json").exists()
    assert numbers(swept) == numbers(run_all(specs, data, RunStore(tmp_path / "undisturbed"), lines.append))
    assert sum("two-stream" in line for line in lines) == 2 * len(specs)


def test_finished_runs_are_not_repeated_and_the_order_is_that_asked_for(data, where, cluster, tmp_path):
    store, lines = RunStore(tmp_path), []
    specs = specs_of(data)
    (first,) = run_all(specs[1:2], data, store, lines.append)
    swept = run_on_workers(specs, where, data.fingerprint, store, cluster, lines.append)
    assert [record.spec for record in swept] == specs
    assert swept[1] == first  # the finishing time would differ
    assert "3 runs, 1 of them finished before" in lines
    again = run_on_workers(specs, where, data.fingerprint, store, "no scheduler is asked", lines.append)
    assert again == swept


def test_a_table_is_swept_and_its_page_finds_it_finished(where, cluster, tmp_path, monkeypatch):
    table = load_table("marrnet-t1")
    first = table.model_copy(update={"rows": table.rows[:2], "protocols": ("A",)})
    monkeypatch.setattr("xmodal_lite.experiments.sweep.load_table", lambda _: first)
    options = {"data_root": where["root"], "profile": "tiny", "seeds": 2, "store": tmp_path}
    swept = sweep_table("marrnet-t1", cluster, **options)
    page = run_table("marrnet-t1", **options)
    assert page.records == {"synthetic": swept} and len(swept) == 4  # the finishing times would differ


def test_a_run_that_another_process_holds_is_waited_for(data, where, cluster, tmp_path):
    store, lines = RunStore(tmp_path), []
    specs = specs_of(data)
    with store.writing(specs[0]):
        sweep = threading.Thread(
            target=run_on_workers,
            args=(specs, where, data.fingerprint, store, cluster, lines.append),
            daemon=True,
        )
        sweep.start()
        until(lambda: all(store.record(spec) for spec in specs[1:]))
        assert store.record(specs[0]) is None and sweep.is_alive()
    sweep.join(timeout=120)
    assert store.record(specs[0]) is not None and not sweep.is_alive()


def test_a_worker_with_other_code_is_refused(data, where, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "CODE", "0123456789abcdef")
    with pytest.raises(SweepError, match=r"worker tcp://\S+ has other code \(\w{12}, not 0123456789ab\)"):
        run_on_workers(specs_of(data), where, data.fingerprint, RunStore(tmp_path), cluster)
    assert not list(tmp_path.glob("*/checkpoint-*"))


def test_a_worker_with_other_data_is_refused(data, where, cluster, tmp_path):
    other = synthetic.write("rruff", tmp_path / "other", identities=12)
    with pytest.raises(SweepError, match=f"other data in {other} .*, not {data.fingerprint[:12]}"):
        run_on_workers(
            specs_of(data), where | {"root": str(other)}, data.fingerprint, RunStore(tmp_path), cluster
        )


def test_a_worker_that_does_not_see_the_data_says_so(data, where, cluster, tmp_path):
    with pytest.raises(SweepError, match=r"cannot read the data: .*no such folder"):
        run_on_workers(
            specs_of(data), where | {"root": "/no/such"}, data.fingerprint, RunStore(tmp_path), cluster
        )


def test_a_worker_trains_the_recipe_of_the_specification_not_that_of_its_profile(
    data, where, cluster, tmp_path
):
    (spec,) = specs_of(data, seeds=[0])
    other = spec.model_copy(update={"recipe": spec.recipe.model_copy(update={"steps": 3})})
    (record,) = run_on_workers([other], where, data.fingerprint, RunStore(tmp_path), cluster)
    assert record.spec == other
    assert (tmp_path / other.hash / "checkpoint-0000003").is_dir()


def test_a_store_that_cannot_be_written_is_one_error(data, where, cluster, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CheckpointError, match="cannot write to the run store"):
        run_on_workers(specs_of(data), where, data.fingerprint, RunStore(tmp_path / "file"), cluster)


def test_a_store_that_the_workers_do_not_share_is_noticed(data, tmp_path):
    with pytest.raises(SweepError, match="on a disk that all workers share"):
        workers._stored(RunStore(tmp_path), specs_of(data)[0])


def test_a_worker_with_two_threads_is_refused(data, where, tmp_path):
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as two,
        pytest.raises(SweepError, match="start it with --nthreads 1"),
    ):
        run_on_workers(specs_of(data), where, data.fingerprint, RunStore(tmp_path), two.scheduler_address)


def test_no_scheduler_is_one_error(data, where, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "SECONDS", 1)
    with pytest.raises(SweepError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run_on_workers(specs_of(data), where, data.fingerprint, RunStore(tmp_path), "tcp://127.0.0.1:9")


def test_a_scheduler_without_workers_is_one_error(data, where, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "SECONDS", 1)
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, protocol="tcp://", dashboard_address=None
        ) as none,
        pytest.raises(SweepError, match=r"has no worker.*dask worker tcp://.* --nthreads 1"),
    ):
        run_on_workers(specs_of(data), where, data.fingerprint, RunStore(tmp_path), none.scheduler_address)


@pytest.mark.parametrize(
    ("victim", "message"),
    [("scheduler", "the scheduler is gone"), ("worker", r"no worker is left at tcp://")],
)
def test_who_dies_is_told_and_the_next_sweep_goes_on(victim, message, data, where, tmp_path, monkeypatch):
    """By the commands that a user types: dask scheduler, dask worker."""
    monkeypatch.setattr(workers, "PATIENCE", 1)
    note, store = tmp_path / "scheduler.json", RunStore(tmp_path / "runs")
    dask = Path(sys.executable).with_name("dask")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    options = ("--scheduler-file", str(note), "--host", "127.0.0.1")
    host = [dask, "scheduler", "--port", "0", "--no-dashboard", *options]
    hand = [dask, "worker", "--nthreads=1", "--no-nanny", "--no-dashboard", "--death-timeout=5", *options]
    with subprocess.Popen(host, **quiet) as scheduler:
        try:
            address = until(partial(address_in, note))
            with subprocess.Popen(hand, **quiet) as worker:
                try:

                    def report(line):
                        if line.startswith("[1/"):
                            monkeypatch.setattr(workers, "SECONDS", 2)  # all had time to start
                            {"scheduler": scheduler, "worker": worker}[victim].kill()

                    with pytest.raises(SweepError, match=message):
                        run_on_workers(specs_of(data), where, data.fingerprint, store, address, report)
                finally:
                    worker.kill()
        finally:
            scheduler.kill()
    done = [spec for spec in specs_of(data) if store.record(spec)]
    assert done
    assert len(run_all(specs_of(data), data, store, lambda _: None)) == 3


def test_gpus_count_where_they_are_there_and_wanted(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    for there, told, gpus in ((True, "false", ["4", "7"]), (True, "true", []), (False, "false", [])):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        monkeypatch.setenv("ACCELERATE_USE_CPU", told)
        assert workers._gpus() == gpus


def test_each_local_worker_sees_one_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    monkeypatch.setenv(
        "DASK_DISTRIBUTED__DIAGNOSTICS__NVML", "False"
    )  # it would ask the driver for GPU number 4
    monkeypatch.setitem(dask.config.config["distributed"]["diagnostics"], "nvml", False)
    with local_cluster() as address, distributed.Client(address) as client:
        seen = client.run(os.getenv, "CUDA_VISIBLE_DEVICES")
        assert sorted(seen.values()) == ["4", "7"]


def test_the_dashboard_is_named_where_it_can_be_seen(cluster, monkeypatch):
    with distributed.Client(cluster) as client:
        monkeypatch.setattr(workers, "BOKEH", "no_such_package")
        assert (
            workers._dashboard(client)
            == "no dashboard: the scheduler has no bokeh (pip install 'bokeh>=3.1')"
        )
        monkeypatch.setattr(workers, "BOKEH", "distributed")  # which is there
        assert workers._dashboard(client) == f"dashboard: {client.dashboard_link}"


def test_a_local_sweep_keeps_what_dask_logs_of_its_workers_to_itself():
    code = "from xmodal_lite.experiments.workers import local_cluster\nwith local_cluster(1): print('begun')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "begun\n"
    assert "distributed." not in done.stderr


def test_the_dashboard_says_method_benchmark_and_seed(data):
    from distributed.utils import key_split

    (spec,) = specs_of(data, seeds=[3])
    key = workers._key(spec, {"store": "here"})
    assert key.startswith("two_stream/rruff/A/tiny-seed_3-") and key.endswith(f"-{spec.hash}")
    assert key != workers._key(spec, {"store": "there"})
    assert key_split(key) == "two_stream/rruff/A/tiny"


def test_without_dask_it_is_said_what_to_install(data, where, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SpecError, match=r"pip install 'dask\[distributed\]'"):
        run_on_workers(specs_of(data), where, data.fingerprint, RunStore(tmp_path), "tcp://127.0.0.1:9")
