"""Whole runs on synthetic minerals: stored, repeated, resumed after a kill, refused where they do not fit."""

import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest
import torch

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import load
from xmodal_lite.errors import CheckpointError, DeviceError, SpecError
from xmodal_lite.experiments import RunStore, make_spec, prepare_run, provenance, run, run_all, train
from xmodal_lite.training import TrainingSet


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return load(
        "rruff", synthetic.write("rruff", tmp_path_factory.mktemp("synthetic") / "rruff", identities=24)
    )


def spec_of(data, method="marrnet", seed=0, **overrides):
    changes = {name.replace("__", "."): value for name, value in overrides.items()}
    changes = (
        {"steps": 6, "num_identities": 6, **changes}
        if method in ("marrnet", "two-stream", "contrastive")
        else changes
    )
    return make_spec(method, data, protocol="A", profile="tiny", seed=seed, overrides=changes)


@pytest.mark.parametrize("method", ["cosine", "cca", "kernel-ridge", "two-stream", "contrastive", "marrnet"])
def test_every_method_runs_to_a_record(data, tmp_path, method):
    record = run(spec_of(data, method), data, RunStore(tmp_path))
    assert set(record.metrics) >= {"v2r/rank1", "r2v/rank1", "v2r/mrr"}
    assert all(0 <= value <= 1 for value in record.metrics.values())
    assert record.fingerprint == data.fingerprint
    assert "synthetic protocol A" in record.protocol
    trained = method in ("two-stream", "contrastive", "marrnet")
    assert (record.parameters > 0) == trained
    assert (record.step_flop > 0) == (record.steps_per_second > 0) == bool(record.speed()) == trained


def test_the_same_seed_gives_the_same_record_and_another_seed_does_not(data, tmp_path):
    first, again, other = (
        run(spec_of(data, seed=seed), data, RunStore(tmp_path / name))
        for seed, name in ((0, "a"), (0, "b"), (1, "c"))
    )
    assert (first.metrics, first.losses) == (again.metrics, again.losses)
    assert first.losses != other.losses


def test_a_finished_run_is_not_repeated(data, tmp_path):
    store, spec = RunStore(tmp_path), spec_of(data)
    first = run(spec, data, store)
    assert run(spec, data, store) == first  # the finishing time would differ


class Overtaken(RunStore):
    """A store in which another process finishes the run just before this one gets the lock."""

    def __init__(self, root, theirs):
        super().__init__(root)
        self.theirs = theirs

    @contextmanager
    def writing(self, spec, *, wait=True):
        with super().writing(spec, wait=wait) as folder:
            self.finish(self.theirs)
            yield folder


def test_a_run_that_another_process_finished_meanwhile_is_not_repeated(data, tmp_path):
    spec = spec_of(data, "cosine")
    record = run(spec, data, RunStore(tmp_path / "theirs"))
    theirs = record.model_copy(update={"device": "another machine"})
    assert run(spec, data, Overtaken(tmp_path / "ours", theirs)) == theirs


def test_the_test_is_in_the_precision_of_the_run(data, tmp_path, monkeypatch):
    seen, module = [], sys.modules["xmodal_lite.experiments.runner"]
    calibrate = module.calibrate

    def noted(spec, benchmark, rows, features):
        seen.append((rows, features))
        return calibrate(spec, benchmark, rows, features)

    monkeypatch.setattr(module, "calibrate", noted)
    store, spec = RunStore(tmp_path), spec_of(data, "two-stream", precision="bf16")
    assert run(spec, data, store).precision == "bf16"
    ((rows, features),) = seen
    matcher = train(spec, data, store.folder(spec)).matcher  # from the last checkpoint
    assert np.array_equal(features, module.embed(matcher, data, rows, precision="bf16"))
    assert not np.array_equal(features, module.embed(matcher, data, rows))


def test_run_all_takes_up_what_is_left(data, tmp_path):
    store, lines = RunStore(tmp_path), []
    specs = [spec_of(data, "cosine", seed) for seed in range(3)]
    run(specs[1], data, store)
    records = run_all(specs, data, store, lines.append)
    assert [record.spec.seed for record in records] == [0, 1, 2]
    assert len(lines) == 3


def test_other_data_is_refused(data, tmp_path):
    spec = spec_of(data).model_copy(update={"data": "real:0123456789ab"})
    with pytest.raises(SpecError, match="is of data real:0123456789ab, but the data at hand is synthetic"):
        run(spec, data, RunStore(tmp_path))


@pytest.mark.parametrize("method", ["cosine", "two-stream"])
def test_images_of_another_size_are_refused_or_make_another_run(method, tmp_path):
    root = synthetic.write("cufs", tmp_path / "cufs", identities=12)
    small = load("cufs", root, size=(16, 16))
    usual, changed = (
        make_spec(method, small, protocol="404-202", profile="tiny", seed=0, overrides=changes)
        for changes in ({}, {"image_size": [16, 16]})
    )
    assert usual.hash != changed.hash
    with pytest.raises(SpecError, match="images of 32 x 32, but they were loaded at 16 x 16; load"):
        run(usual, small, RunStore(tmp_path / "runs"))
    if method == "cosine":
        assert run(changed, small, RunStore(tmp_path / "runs")).spec.recipe.image_size == (16, 16)


FACES = {"cufs": {}, "cufsf": {}, "casia-nir-vis": {"images": 2}, "tufts": {"images": 2}}


@pytest.mark.parametrize("name", FACES)
def test_marrnet_runs_on_every_set_of_faces(name, tmp_path):
    root = synthetic.write(name, tmp_path / name, identities=20, **FACES[name])
    faces = load(name, root, size=(32, 32))
    changes = {"steps": 2, "num_identities": 4}
    spec = make_spec("marrnet", faces, protocol=faces.protocols[0], profile="tiny", seed=0, overrides=changes)
    record = run(spec, faces, RunStore(tmp_path / "runs"))
    assert {"tra", "per", "adv", "rec"} <= set(record.losses)
    assert record.losses["tra"] > 0  # pairs are aligned where the recipe takes pixels
    assert set(record.metrics) >= {"r2v/rank1", "r2v/vr@1%", "r2v/eer"}


def test_pixels_without_aligned_pairs_are_refused(tmp_path):
    root = synthetic.write("regdb", tmp_path / "regdb", identities=10, images=2)
    people = load("regdb", root, size=(64, 32))
    changes = {"steps": 2, "num_identities": 2, "model.transform": "pixel"}
    spec = make_spec(
        "marrnet", people, protocol=people.protocols[0], profile="tiny", seed=0, overrides=changes
    )
    with pytest.raises(SpecError, match="no two training images of regdb are aligned"):
        run(spec, people, RunStore(tmp_path / "runs"))


def test_images_may_be_seen_as_they_are(tmp_path):
    """Nothing in an empty augmentation says whether it is of spectra or of images."""
    faces = load("cufs", synthetic.write("cufs", tmp_path / "cufs", identities=12), size=(32, 32))
    changes = {"steps": 1, "num_identities": 4, "augment": {}}
    spec = make_spec("two-stream", faces, protocol="404-202", profile="tiny", seed=0, overrides=changes)
    assert run(spec, faces, RunStore(tmp_path / "runs")).metrics


@pytest.mark.parametrize(
    ("method", "change", "words"),
    [
        ("two-stream", {"model__latent": 3}, "model 'two-stream' has no option latent"),
        ("two-stream", {"model__segments": 0}, "does not take segments=0"),
        ("marrnet", {"model__unet_width": 0}, "does not take unet_width=0"),
        (
            "marrnet",
            {"loss_weights__trip": 100},
            "weights losses that MarrNet does not have: trip; known: id, tri,",
        ),
    ],
)
def test_what_a_model_does_not_have_is_told_before_a_step(data, tmp_path, method, change, words):
    store, spec = RunStore(tmp_path), spec_of(data, method, **change)
    with pytest.raises(ValueError, match=words):
        run(spec, data, store)
    assert not list(store.folder(spec).glob("checkpoint-*"))


def test_a_run_is_of_the_recipe_in_its_specification_not_of_its_profile(data, tmp_path):
    """As where a published record is repeated after a profile has changed."""
    spec = spec_of(data, "two-stream")
    other = spec.model_copy(update={"recipe": spec.recipe.model_copy(update={"steps": 3})})
    store = RunStore(tmp_path)
    assert run(other, data, store).spec == other
    assert (store.folder(other) / "checkpoint-0000003").is_dir()


def test_a_run_is_prepared_from_names(data, tmp_path, monkeypatch):
    root = tmp_path / "rruff"
    synthetic.write("rruff", root, identities=24)
    changes = {"steps": 6, "num_identities": 6}
    prepared = prepare_run("marrnet", "rruff", root, profile="tiny", overrides=changes)
    assert prepared.spec == spec_of(data)
    assert prepared.accelerator.mixed_precision == "no"
    assert prepare_run("cca", "rruff", root, profile="tiny", protocol="B", seed=2).accelerator is None
    with pytest.raises(DeviceError, match="unknown device"):
        prepare_run("cca", "rruff", tmp_path / "nothing", device="tpu")


def test_a_split_is_divided_once(data, monkeypatch):
    again = replace(data)
    made = []
    splitter = data.splitters["A"]
    monkeypatch.setitem(again.splitters, "A", lambda *given: made.append(given) or splitter(*given))
    assert again.split("A", 7) is again.split("A", 7)
    assert len(made) == 1
    assert again.split("A", 8) is not again.split("A", 7)


def test_a_seed_without_a_split_is_refused_before_any_run(tmp_path):
    root = synthetic.write("cufs", tmp_path / "cufs", identities=12)
    with pytest.raises(SpecError, match="choose seed 0 to 4, not 5"):
        make_spec("cosine", load("cufs", root, size=(32, 32)), protocol="404-202", profile="tiny", seed=5)


def test_the_peak_of_an_earlier_run_is_forgotten_on_a_gpu_only(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", asked.append)
    for name in ("cpu", "cuda"):
        provenance.reset_peak_memory(torch.device(name))
    assert asked == [torch.device("cuda")]


def test_an_unknown_protocol_is_named(data):
    with pytest.raises(SpecError, match="no protocol 'C'; known: A, B"):
        make_spec("cosine", data, protocol="C", profile="tiny", seed=0)


def test_nothing_to_train_is_said(data):
    with pytest.raises(SpecError, match="nothing to train"):
        train(spec_of(data, "cosine"), data)


def test_a_checkpoint_of_another_run_in_the_folder_is_refused(data, tmp_path):
    store, mine, theirs = RunStore(tmp_path), spec_of(data), spec_of(data, seed=3)
    run(theirs, data, store)
    store.folder(theirs).rename(store.folder(mine))
    (store.folder(mine) / "record.json").unlink()
    with pytest.raises(CheckpointError, match=f"belongs to run {theirs.hash}"):
        run(mine, data, store)


def test_a_run_does_not_go_on_from_a_checkpoint_of_other_code(data, tmp_path, monkeypatch):
    store, spec = RunStore(tmp_path), spec_of(data, "two-stream")
    run(spec, data, store)
    (store.folder(spec) / "record.json").unlink()
    monkeypatch.setattr(provenance, "CODE", "0ther")
    with pytest.raises(CheckpointError, match=r"was made by other code \(\w{12}, not 0ther\)"):
        run(spec, data, store)


@pytest.mark.parametrize(
    ("place", "function", "message"),
    [
        (TrainingSet, "to", "before the first step: take a larger GPU"),
        (
            sys.modules["xmodal_lite.experiments.runner"],
            "embed",
            "The training is stored: the same command goes on",
        ),
    ],
)
def test_a_gpu_that_is_full_before_or_after_the_steps_is_one_error(
    data, tmp_path, monkeypatch, place, function, message
):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 1_000_000_000)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (500_000_000, 16_000_000_000))
    store, spec = RunStore(tmp_path), spec_of(data, "two-stream")
    with monkeypatch.context() as patched:
        patched.setattr(place, function, full)
        with pytest.raises(DeviceError, match=f"of 16.0 GB, this run took 1.0 GB .*{message}"):
            run(spec, data, store)
    assert (store.folder(spec) / "checkpoint-0000006").exists() == (function == "embed")
    assert run(spec, data, store).metrics


def test_the_folder_says_what_it_holds(data, tmp_path):
    store, spec = RunStore(tmp_path), spec_of(data)
    run(spec, data, store)
    told = json.loads((store.folder(spec) / "spec.json").read_text())
    assert (told["method"], told["recipe"]["steps"]) == ("marrnet", 6)


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_it_ends_bit_for_bit_the_same(repository, tmp_path):
    source = spec_from_file_location("kill_and_resume", repository / "perf" / "kill_and_resume.py")
    script = module_from_spec(source)
    sys.modules[source.name] = script
    source.loader.exec_module(script)
    assert script.compare(tmp_path, tries=3, steps=60, seed=1) == 0
