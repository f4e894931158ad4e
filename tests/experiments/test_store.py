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
from xmodal_lite.experiments import RunStore, load_table, publish, stored_records
from xmodal_lite.experiments.store import RunBusyError, read_calibration, read_record


def test_a_record_comes_back(tmp_path, make_record):
    store, record = RunStore(tmp_path), make_record()
    assert store.record(record.spec) is None
    store.finish(record)
    assert store.record(record.spec) == record


def test_the_hash_depends_on_every_field(make_record):
    spec = make_record().spec
    changes = [{"method": "x"}, {"data": "real:1"}, {"protocol": "B"}, {"seed": 1}, {"profile": "p"}]
    changes += [
        {"overrides": {"a": 1}},
        {"recipe": spec.recipe.model_copy(update={"steps": 7})},
        {"benchmark": "b"},
    ]
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


TABLE = load_table("marrnet-t1")
METRICS = dict.fromkeys(TABLE.headings, 0.25)


def test_published_records_are_read_back_and_sources_kept_apart(tmp_path, make_record):
    real, made = make_record(**METRICS), make_record(data="synthetic:0123456789ab", **METRICS)
    for record in (real, made):
        publish([record], tmp_path / TABLE.name / record.spec.source)
    assert stored_records(tmp_path, TABLE.name, "real") == [real]
    assert stored_records(tmp_path, TABLE.name, "synthetic") == [made]


def test_a_published_record_replaces_that_of_another_recipe(tmp_path, make_record):
    folder = tmp_path / TABLE.name / "real"
    old, other_seed = make_record(**METRICS), make_record(seed=1, **METRICS)
    recipe = old.spec.recipe.model_copy(update={"steps": 7})
    new = old.model_copy(update={"spec": old.spec.model_copy(update={"recipe": recipe})})
    for records in ([old, other_seed], [new]):
        publish(records, folder)
    found = stored_records(tmp_path, TABLE.name, "real")
    assert sorted(one.spec.hash for one in found) == sorted(one.spec.hash for one in (new, other_seed))


def edited(path, **changes):
    """Change fields of a stored record by dotted name, as an editor does, and leave the file its name."""
    record = json.loads(path.read_text())
    for name, value in changes.items():
        *parts, last = name.split("__")
        place = record
        for part in parts:
            place = place[part]
        place[last] = value
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metrics__v2r/rank1": 9.0}, "less than or equal to 1"),
        ({"metrics__v2r/rank1": -1.0}, "greater than or equal to 0"),
        ({"metrics__v2r/rank1": float("nan")}, "finite number|not a whole run record"),
        ({"metrics__v2r/rank1": float("inf")}, "not a whole run record"),
        ({"metrics": {}}, "not a whole run record"),
        ({"seconds": -1.0}, "greater than or equal to 0"),
        ({"losses__id": float("nan")}, "not a whole run record"),
        ({"spec__seed": 1.5}, "valid integer"),
        ({"spec__seed": -2}, "greater than or equal to 0"),
        ({"spec__seed": 3}, "is the record of run"),
        ({"spec__method": "mun"}, "is the record of run"),
        ({"spec__recipe__lr": 0.5}, "is the record of run"),
        ({"spec__data": "real:ffffffffffff"}, "is not that of data real:ffffffffffff"),
        ({"fingerprint": "f" * 64}, "is not that of data real:0123456789ab"),
        ({"protocol": "RRUFF synthetic protocol A"}, "names a synthetic data set"),
    ],
)
def test_a_record_that_was_changed_by_hand_is_refused(tmp_path, make_record, changes, words):
    record = make_record(**METRICS)
    store = RunStore(tmp_path / "runs")
    publish([record], tmp_path / TABLE.name / "real")
    (path,) = (tmp_path / TABLE.name / "real").iterdir()
    for place in (path, store.finish(record)):
        edited(place, **changes)
    with pytest.raises(CheckpointError, match=words):
        stored_records(tmp_path, TABLE.name, "real")
    with pytest.raises(CheckpointError, match=words):
        store.record(record.spec)


def test_a_record_under_the_name_of_another_run_is_refused(tmp_path, make_record):
    publish([make_record(**METRICS)], tmp_path / TABLE.name / "real")
    (path,) = (tmp_path / TABLE.name / "real").iterdir()
    path.rename(path.with_name("0" * 16 + ".json"))
    with pytest.raises(CheckpointError, match="not of 0000000000000000, so it was moved or edited"):
        stored_records(tmp_path, TABLE.name, "real")


@pytest.mark.parametrize(
    ("one", "words"),
    [
        ({"data": "synthetic:0123456789ab"}, "is of synthetic data, and lies among those of real data"),
        ({"overrides": {"steps": 7}}, "belongs to no row of table 'marrnet-t1'"),
        ({"protocol": "C"}, "belongs to no row"),
        ({"seed": 1, "data": "real:ffffffffffff"}, "is of data real:"),
    ],
)
def test_a_record_in_the_wrong_folder_is_refused(tmp_path, make_record, one, words):
    records = [make_record(**METRICS), make_record(**one, **METRICS)]
    publish(records, tmp_path / TABLE.name / "real")
    with pytest.raises(CheckpointError, match=words):
        stored_records(tmp_path, TABLE.name, "real")


def test_records_of_another_benchmark_profile_or_without_a_column_are_refused(tmp_path, make_record):
    record = make_record(**METRICS)
    other_profile = record.spec.model_copy(update={"profile": "tiny", "seed": 1})
    for changed, words in (
        (record.spec.model_copy(update={"benchmark": "llcm"}), "is of benchmark 'llcm'"),
        (other_profile, "is of profile"),
    ):
        folder = tmp_path / words / TABLE.name / "real"
        publish([record, record.model_copy(update={"spec": changed})], folder)
        with pytest.raises(CheckpointError, match=words):
            stored_records(tmp_path / words, TABLE.name, "real")
    publish([make_record(v2r__rank1=0.5)], tmp_path / TABLE.name / "real")
    with pytest.raises(CheckpointError, match=r"lacks metrics of the table's columns: r2v/mrr, "):
        stored_records(tmp_path, TABLE.name, "real")


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to(path.name)])
def test_a_folder_or_a_link_loop_in_place_of_a_record_is_one_error(tmp_path, make):
    folder = tmp_path / TABLE.name / "real"
    folder.mkdir(parents=True)
    make(folder / "0123456789abcdef.json")
    with pytest.raises(CheckpointError, match=r"0123456789abcdef\.json is not a whole run record"):
        stored_records(tmp_path, TABLE.name, "real")


CALIBRATION = {"run": "0" * 16, "modalities": ["Raman", "infrared"], "scores": {"v2r": [0.5], "r2v": [0.25]}}


@pytest.mark.parametrize(
    "change",
    [
        {"scores": {"v2r": [], "r2v": [0.25]}},
        {"scores": {"v2r": [0.5]}},
        {"scores": {"v2r": [0.5], "r2v": [0.25], "x": [0.1]}},
        {"scores": {"v2r": [float("nan")], "r2v": [0.25]}},
        {"scores": {"v2r": [float("inf")], "r2v": [0.25]}},
        {"scores": {"v2r": [9.0], "r2v": [0.25]}},
        {"modalities": ["", "infrared"]},
        {"modalities": ["Raman", "raman"]},
    ],
)
def test_a_calibration_that_cannot_be_one_is_refused(tmp_path, change):
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(CALIBRATION))
    assert read_calibration(tmp_path, "0" * 16).scores["r2v"] == [0.25]
    path.write_text(json.dumps(CALIBRATION | change))
    with pytest.raises(CheckpointError, match=r"calibration\.json is not a whole calibration"):
        read_calibration(tmp_path, "0" * 16)
