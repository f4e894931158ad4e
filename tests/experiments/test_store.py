"""Records come back whole or not at all, and a run has one writer at a time."""

import errno
import fcntl
import json
import subprocess
import sys
import threading
import time

import pytest

from xmodal_lite.errors import CheckpointError
from xmodal_lite.experiments import RunStore, publish, stored_records
from xmodal_lite.experiments.store import RunBusyError, read_record


def test_a_record_comes_back(tmp_path, make_record):
    store, record = RunStore(tmp_path), make_record()
    assert store.record(record.spec) is None
    store.finish(record)
    assert store.record(record.spec) == record


def test_the_hash_depends_on_every_field(make_record):
    spec = make_record().spec
    changes = [{"method": "x"}, {"data": "real:1"}, {"protocol": "B"}, {"seed": 1}, {"profile": "p"}]
    changes += [{"overrides": {"a": 1}}, {"recipe": {"a": 1}}, {"benchmark": "b"}]
    hashes = {spec.hash, *(spec.model_copy(update=change).hash for change in changes)}
    assert len(hashes) == len(changes) + 1


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_a_half_written_record_is_named(tmp_path, make_record, cut):
    store, record = RunStore(tmp_path), make_record()
    path = store.finish(record)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match="not a whole run record; delete that file"):
        store.record(record.spec)


def test_a_record_with_a_field_too_many_is_refused(tmp_path, make_record):
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**make_record().model_dump(), "rank2": 1}))
    with pytest.raises(CheckpointError, match="rank2"):
        read_record(path)


def test_a_second_process_finds_the_run_busy(tmp_path, make_record):
    store, spec = RunStore(tmp_path), make_record().spec
    code = (
        "import sys, time; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire();"
        "print('held', flush=True); time.sleep(60)"
    )
    store.folder(spec).mkdir(parents=True)
    command = [sys.executable, "-c", code, str(store.folder(spec) / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunBusyError), store.writing(spec, wait=False):
            pass
        holder.kill()
    with store.writing(spec, wait=False) as folder:  # the lock fell with its process
        assert folder.is_dir()


def test_who_waits_for_another_process_says_so(tmp_path, make_record, capsys):
    store, spec, entered = RunStore(tmp_path), make_record().spec, []

    def enter():
        with store.writing(spec):
            entered.append(spec)

    with store.writing(spec):
        assert capsys.readouterr().err == ""
        waiting = threading.Thread(target=enter, daemon=True)
        waiting.start()
        said, end = "", time.monotonic() + 30
        while not said and time.monotonic() < end:
            time.sleep(0.01)
            said = capsys.readouterr().err
        assert said == f"run {spec.hash} is being made by another process; waiting\n"
        assert not entered
    waiting.join(timeout=30)
    assert entered == [spec]


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.filterwarnings("ignore:flock not supported")
def test_a_disk_without_file_locks_is_refused(tmp_path, make_record, monkeypatch, held):
    store, spec = RunStore(tmp_path), make_record().spec
    store.folder(spec).mkdir(parents=True)

    def missing(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", missing)
    if held:  # by a process of another machine, which may be long dead
        (store.folder(spec) / "lock").write_text("12345\nanother-machine\n")
    for wait in (True, False):
        with (
            pytest.raises(CheckpointError, match="its disk has no file locks; choose another --store"),
            store.writing(spec, wait=wait),
        ):
            pass


def test_a_store_that_cannot_be_written_is_named(tmp_path, make_record):
    (tmp_path / "file").write_text("not a folder")
    with (
        pytest.raises(CheckpointError, match="cannot write"),
        RunStore(tmp_path / "file").writing(make_record().spec),
    ):
        pass


def test_the_line_of_a_run_tells_how_much_of_a_gpu_it_used(make_record):
    record = make_record(seed=3)
    assert record.line() == "marrnet  protocol A seed 3: v2r/rank1 25.0, 1 s"
    known = {"step_flop": 2 * 10**12, "steps_per_second": 50.0, "precision": "bf16", "device": "NVIDIA H200"}
    assert record.model_copy(update=known).line().endswith("v2r/rank1 25.0, 1 s, MFU 10.1 %")


def test_published_records_are_read_back_and_sources_kept_apart(tmp_path, make_record):
    store = RunStore(tmp_path / "runs")
    real, made = make_record(), make_record(data="synthetic:0123456789ab")
    for record in (real, made):
        store.finish(record)
        publish([record], tmp_path / "results" / "toy" / record.spec.source)
    assert stored_records(tmp_path / "results", "toy", "real") == [real]
    assert stored_records(tmp_path / "results", "toy", "synthetic") == [made]


def test_a_published_record_takes_the_place_of_that_of_another_recipe(tmp_path, make_record):
    store, folder = RunStore(tmp_path / "runs"), tmp_path / "results" / "toy" / "real"
    old, other_seed = make_record(), make_record(seed=1)
    new = old.model_copy(update={"spec": old.spec.model_copy(update={"recipe": {"steps": 7}})})
    for records in ([old, other_seed], [new]):
        for record in records:
            store.finish(record)
        publish(records, folder)
    found = stored_records(tmp_path / "results", "toy", "real")
    assert sorted(one.spec.hash for one in found) == sorted(one.spec.hash for one in (new, other_seed))
