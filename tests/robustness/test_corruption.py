"""Corruption as a change of test samples, its studies, and the table of a study."""

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from xmodal_lite.benchmarks import load
from xmodal_lite.data.corruption import CORRUPTIONS, SEVERITIES, corrupt_images
from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments import RunStore, load_table, make_spec, run
from xmodal_lite.experiments.store import read_record
from xmodal_lite.robustness import (
    Corruption,
    ImageOcclusion,
    read_study,
    retest,
    stored_study_table,
    study_changes,
    write_study,
)

pytest.importorskip("imagecorruptions")

STORED = sorted(Path(__file__).resolve().parents[2].glob("results/*/*-corruption*/*.json"))


@pytest.fixture(scope="module")
def emoji():
    return load("drawings")


@pytest.fixture(scope="module")
def finished(emoji, tmp_path_factory):
    """A run in closed form on emoji and its record under the study "corruption"."""
    store = RunStore(tmp_path_factory.mktemp("runs"))
    options = {"profile": "tiny", "seed": 0, "overrides": {"options.features": "hog"}}
    record = run(make_spec("cosine", emoji, protocol="unseen-groups", **options), emoji, store)
    return store, record, retest(record, emoji, store, "corruption")


def test_the_study_is_one_draw_for_each_image_and_the_map_is_every_corruption_at_every_severity():
    assert study_changes("corruption", 2) == [Corruption()]
    grid = [(change.name, change.severity) for change in study_changes("corruption-map", 2)]
    assert grid == [(name, severity) for name in CORRUPTIONS for severity in SEVERITIES]
    for study in ("corruption", "corruption-map"):
        with pytest.raises(SpecError, match=f"test '{study}' has no change for spectra"):
            study_changes(study, 1)


@pytest.mark.parametrize("change", [Corruption(), Corruption(name="fog", severity=5)])
def test_a_change_corrupts_by_row_and_seed_and_leaves_the_samples(emoji, change):
    rows = np.array([3, 40, 7])
    images = np.asarray(emoji.samples[rows])
    before = images.copy()
    changed = change.apply(images, rows, 2)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(changed, corrupt_images(images, rows, 2, change.name, change.severity))
    np.testing.assert_array_equal(change.apply(images[1:2], rows[1:2], 2), changed[1:2])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "mist"}, "unknown corruption 'mist'; known: gaussian_noise"),
        ({"name": "fog", "severity": 0}, "severity 1 to 5, not 0"),
        ({"severity": 6}, "severity 1 to 5, not 6"),
    ],
)
def test_what_does_not_exist_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Corruption(**wrong)


def test_visible_images_alone_are_corrupted_on_whichever_side_they_are(finished, emoji):
    _, record, study = finished
    (level,) = study.levels
    assert {name.split("/")[0] for name in level.cases["query"]} == {"v2r"}
    assert {name.split("/")[0] for name in level.cases["gallery"]} == {"r2v"}
    assert "both" not in level.cases
    assert study.clean == pytest.approx(record.metrics, abs=1e-4)
    for case, metric in (("query", "v2r/map"), ("gallery", "r2v/map")):
        assert level.cases[case][metric] < 0.9 * study.clean[metric]


def test_a_record_of_a_study_is_read_back_whole_and_says_what_came_out(finished):
    store, record, study = finished
    assert read_study(store.folder(record.spec) / "corruption.json") == study
    clean, *changed = study.lines()
    assert clean.startswith("clean: v2r/rank1 ") and len(changed) == 2
    assert changed[0].startswith("visible images corrupted at random, 3, query changed: v2r/rank1 ")


@pytest.fixture
def stored(repository, tmp_path):
    """A copy of the published records of T5 of MUN."""
    copytree(repository / "results" / "mun-t5", tmp_path / "mun-t5")
    return tmp_path


def test_a_table_of_a_study_shows_both_tests_and_no_reported_number_beside_synthetic_data(stored):
    report = stored_study_table("mun-t5", stored)
    assert report.records["synthetic"] and not report.records["real"]
    text = report.markdown("synthetic")
    assert "corrupted mAP" in text and "corruption/...: the same test with visible images corrupted" in text
    for reported in ("14.73", "22.48", "36.17"):
        assert reported not in text and reported in report.markdown("real")


def test_a_record_of_another_run_or_none_is_refused(stored):
    one, other, *_ = sorted((stored / "mun-t5" / "synthetic-corruption").glob("*.json"))
    write_study(read_study(other), one)
    with pytest.raises(CheckpointError, match=f"{one.name} is of run {other.stem}"):
        stored_study_table("mun-t5", stored)
    one.unlink()
    with pytest.raises(CheckpointError, match="is not a whole record of a study"):
        stored_study_table("mun-t5", stored)


@pytest.mark.parametrize("path", STORED, ids=lambda path: "/".join(path.parts[-3:]))
def test_a_published_record_is_of_a_published_run_and_of_the_whole_study(path):
    study = read_study(path)
    assert study.spec.hash == path.stem and f"{study.spec.source}-{study.study}" == path.parent.name
    run_of_it = read_record(path.parents[1] / study.spec.source / path.name)
    assert run_of_it.spec == study.spec
    assert study.clean == pytest.approx({name: run_of_it.metrics[name] for name in study.clean}, abs=0.002)
    assert [level.change for level in study.levels] == study_changes(study.study, 2)


def test_a_table_without_a_study_is_refused(tmp_path):
    with pytest.raises(SpecError, match="table 'mun-t1' has no study"):
        stored_study_table("mun-t1", tmp_path)


@pytest.mark.parametrize("name", ["mun-t5", "mun-t5-regdb"])
def test_the_reported_rows_are_of_both_tests(name):
    rows = [row for row in load_table(name).rows if row.reported]
    assert [row.label for row in rows] == ["Two-stream, AGW recipe", "CIL"]
    for row in rows:
        ((_, one),) = row.reported.items()
        clean, corrupted = (
            {
                metric.partition("/")[2]: float(x)
                for metric, x in one.values.items()
                if metric.startswith(start)
            }
            for start in ("clean/", "corruption/")
        )
        assert clean.keys() == corrupted.keys()
        assert all(clean[metric] > corrupted[metric] for metric in clean)


def test_a_change_for_images_is_kept_apart_by_its_kind():
    found = {type(change) for name in ("occlusion", "corruption") for change in study_changes(name, 2)}
    assert found == {ImageOcclusion, Corruption}
