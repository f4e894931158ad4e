"""A finished run, tested again: the cases agree with a test by hand, and what is stored is resumed or refused."""

import json

import numpy as np
import pytest

from xmodal_lite.benchmarks import load
from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments import RunStore, make_spec, run
from xmodal_lite.experiments.runner import fit_classical
from xmodal_lite.robustness import (
    Disguise,
    SpanOcclusion,
    curve_frame,
    retest,
    studies,
    summary,
    write_study,
)
from xmodal_lite.robustness.retest import _Sides
from xmodal_lite.synthetic import write

CHANGES = [SpanOcclusion(fill="zero", ratio=ratio) for ratio in (0.3, 0.7)]


@pytest.fixture(scope="module")
def minerals(tmp_path_factory):
    return load("rruff", write("rruff", tmp_path_factory.mktemp("data") / "minerals", identities=30))


@pytest.fixture(scope="module")
def runs(minerals, tmp_path_factory):
    """A store with one run in closed form and one of a network."""
    store = RunStore(tmp_path_factory.mktemp("runs"))
    specs = [
        make_spec(method, minerals, protocol="A", profile="tiny", seed=1, overrides=overrides)
        for method, overrides in (("cca", {}), ("contrastive", {"steps": 20}))
    ]
    return store, [run(spec, minerals, store) for spec in specs]


@pytest.fixture
def short(monkeypatch):
    """The study "occlusion" with two levels."""
    monkeypatch.setitem(studies._STUDIES, "occlusion", lambda: CHANGES)


@pytest.fixture(params=[0, 1], ids=["closed form", "network"])
def tested(request, runs, minerals, short):
    store, records = runs
    return store, records[request.param], retest(records[request.param], minerals, store, "occlusion")


def test_the_clean_test_is_that_of_the_run_and_hiding_most_of_a_spectrum_costs(tested):
    _, record, study = tested
    assert study.clean == pytest.approx(record.metrics, abs=1e-4)
    assert [level.change for level in study.levels] == CHANGES
    assert sum(study.levels[1].cases["both"].values()) < sum(study.clean.values())


def test_a_case_changes_the_side_that_it_names(runs, minerals, short):
    """By hand: change the spectra, embed all, test; only the named side is taken from there."""
    store, (record, _) = runs
    study = retest(record, minerals, store, "occlusion")
    split = minerals.split("A", 1)
    model, modality = fit_classical(record.spec, minerals, split), minerals.table.modality[split.test]
    clean = np.asarray(minerals.samples[split.test])

    def test_with(*changed):
        samples = clean.copy()
        for m in changed:
            own = modality == m
            samples[own] = CHANGES[0].apply(clean[own], split.test[own], seed=1)
        parts = {m: model.embed(samples[modality == m], m) for m in (0, 1)}
        features = np.empty((len(samples), parts[0].shape[1]), np.float32)
        for m, part in parts.items():
            features[modality == m] = part
        return split.evaluate(features).metrics

    of_v, of_r, of_both = test_with(0), test_with(1), test_with(0, 1)
    cases = study.levels[0].cases
    for name in ("v2r/rank1", "v2r/rank5", "r2v/rank1", "r2v/rank5"):
        query, gallery = (of_v, of_r) if name.startswith("v2r") else (of_r, of_v)
        assert cases["query"][name] == pytest.approx(query[name], abs=1e-5)
        assert cases["gallery"][name] == pytest.approx(gallery[name], abs=1e-5)
        assert cases["both"][name] == pytest.approx(of_both[name], abs=1e-5)


def test_each_side_is_embedded_once_clean_and_once_a_level(runs, minerals, short, monkeypatch):
    store, (record, _) = runs
    (store.folder(record.spec) / "occlusion.json").unlink(missing_ok=True)
    made = []
    pieces = _Sides.pieces
    monkeypatch.setattr(
        _Sides,
        "pieces",
        lambda self, m, change=None, seed=0: made.append((m, change)) or pieces(self, m, change, seed),
    )
    retest(record, minerals, store, "occlusion")
    assert made == [(m, change) for change in (None, *CHANGES) for m in (0, 1)]


def test_a_test_cut_short_goes_on_and_a_whole_one_is_not_repeated(tested, minerals):
    store, record, study = tested
    path = store.folder(record.spec) / "occlusion.json"
    write_study(study.model_copy(update={"levels": study.levels[:1]}), path)
    again = retest(record, minerals, store, "occlusion")
    assert again.levels == study.levels and again.clean == study.clean
    before = path.stat().st_mtime_ns
    assert retest(record, minerals, store, "occlusion") == again
    assert path.stat().st_mtime_ns == before


def test_a_record_names_the_code_of_the_run_and_of_the_test(tested, minerals):
    store, record, study = tested
    assert study.run_code == record.code and study.code != record.code
    older = record.model_copy(update={"code": "0" * 64})  # trained by other code: it is tested all the same
    (store.folder(record.spec) / "occlusion.json").unlink()
    assert retest(older, minerals, store, "occlusion").run_code == "0" * 64


def test_a_run_of_other_data_is_refused(tested, minerals, tmp_path):
    store, record, _ = tested
    other = load("rruff", write("rruff", tmp_path / "other", identities=30, seed=1))
    with pytest.raises(
        SpecError, match=r"is of data synthetic:\w+, but the data at hand is .*; give the root"
    ):
        retest(record, other, store, "occlusion")


def test_a_record_that_is_damaged_or_begun_by_other_code_is_refused(tested, minerals):
    store, record, study = tested
    path = store.folder(record.spec) / "occlusion.json"
    write_study(study.model_copy(update={"levels": study.levels[:1], "code": "0" * 64}), path)
    with pytest.raises(CheckpointError, match="was begun by other code"):
        retest(record, minerals, store, "occlusion")
    text = json.loads(path.read_text())
    text["levels"] *= 2
    path.write_text(json.dumps(text))
    with pytest.raises(CheckpointError, match="two levels are the same change"):
        retest(record, minerals, store, "occlusion")
    path.write_text(path.read_text()[:300])
    with pytest.raises(CheckpointError, match="delete that file and test the run again"):
        retest(record, minerals, store, "occlusion")
    path.unlink()


def test_a_run_that_no_longer_gives_its_own_numbers_is_refused(runs, minerals, short):
    store, (record, _) = runs
    (store.folder(record.spec) / "occlusion.json").unlink(missing_ok=True)
    worse = {name: value / 2 for name, value in record.metrics.items()}
    with pytest.raises(CheckpointError, match="delete the run's folder and make it again"):
        retest(record.model_copy(update={"metrics": worse}), minerals, store, "occlusion")


def test_a_curve_starts_at_the_clean_test_and_its_area_is_relative_to_that(tested):
    _, _, study = tested
    frame = curve_frame(study)
    query = frame[(frame["case"] == "query") & (frame["metric"] == "r2v/rank5")]
    assert query["level"].tolist() == [0, 0.3, 0.7]
    clean, middle, end = query["value"]
    assert clean == study.clean["r2v/rank5"]
    area = 0.3 * (clean + middle) / 2 + 0.4 * (middle + end) / 2
    assert summary(study)["query/span, zero/r2v/rank5"] == pytest.approx(area / (0.7 * clean))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    root = write("tufts", tmp_path_factory.mktemp("data") / "faces", identities=12, images=2)
    return load("tufts", root, size=(32, 32))


def test_a_disguise_changes_a_part_of_each_face_by_row_and_seed(faces):
    rows = np.flatnonzero(faces.table.modality == 1)[:6]
    before = faces.samples[rows]
    for item in ("sunglasses", "mask", "wig"):
        change = Disguise(item=item)
        images = change.of(faces, rows, 0)
        assert images.shape == before.shape and images.dtype == np.uint8
        changed = np.abs(images.astype(int) - before).max(1) > 24
        share = changed.mean((1, 2))
        assert (share > 0.01).all() and (share < 0.7).all(), (item, share)
        np.testing.assert_array_equal(change.of(faces, rows[2:4], 0), images[2:4])
    assert (change.of(faces, rows, 1) != images).any()


def test_a_disguise_is_for_synthetic_faces_alone(runs, minerals, faces):
    store, (record, _) = runs
    with pytest.raises(SpecError, match="test 'disguise' has no change for spectra"):
        retest(record, minerals, store, "disguise")
    emoji = load("drawings")
    with pytest.raises(SpecError, match="these are real data of drawings; test one of cufs, cufsf"):
        studies.check_study("disguise", emoji)
    assert studies.check_study("disguise", faces) == [Disguise(item=x) for x in ("sunglasses", "mask", "wig")]
