"""Corruption as a change of test samples, its studies, and the table of a study."""

import numpy as np
import pytest

from xmodal_lite.benchmarks import load
from xmodal_lite.data.corruption import CORRUPTIONS, SEVERITIES, corrupt_images
from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments import RunStore, load_table, make_spec, run
from xmodal_lite.robustness import (
    Corruption,
    ImageOcclusion,
    read_study,
    retest,
    run_study_table,
    stored_study_table,
    study_changes,
    write_study,
)

pytest.importorskip("imagecorruptions")


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


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """T5 of MUN, its runs replaced by tiny ones of one seed, published."""
    folder = tmp_path_factory.mktemp("t5")
    options = {"folder": folder / "data", "store": folder / "runs", "publish_to": folder / "results"}
    return folder, run_study_table("mun-t5", profile="tiny", seeds=1, **options)


@pytest.mark.slow
def test_a_table_of_a_study_shows_both_tests_and_is_the_same_when_it_is_read_again(made):
    folder, report = made
    again = stored_study_table("mun-t5", folder / "results")
    assert again.records["synthetic"] and not again.records["real"]
    by_hash = {record.spec.hash: record.metrics for record in report.records["synthetic"]}
    assert {record.spec.hash: record.metrics for record in again.records["synthetic"]} == by_hash
    text = again.markdown("synthetic")
    assert "corrupted mAP" in text and "corruption/...: the same test with visible images corrupted" in text
    for reported in ("14.73", "22.48", "36.17"):  # papers' numbers stay out of synthetic data
        assert reported not in text and reported in again.markdown("real")


@pytest.mark.slow
def test_a_record_of_another_run_or_none_is_refused(made):
    folder, _ = made
    studies = folder / "results" / "mun-t5" / "synthetic-corruption"
    one, other, *_ = sorted(studies.glob("*.json"))
    study = read_study(one)
    write_study(read_study(other), one)
    with pytest.raises(CheckpointError, match=f"{one.name} is of run {other.stem}"):
        stored_study_table("mun-t5", folder / "results")
    one.unlink()
    with pytest.raises(CheckpointError, match="is not a whole record of a study"):
        stored_study_table("mun-t5", folder / "results")
    write_study(study, one)


def test_a_table_without_a_study_is_refused(tmp_path):
    with pytest.raises(SpecError, match="table 'mun-t1' has no study"):
        stored_study_table("mun-t1", tmp_path)


def test_the_reported_rows_are_of_both_tests():
    table = load_table("mun-t5")
    reported = {row.label: row.reported["single"] for row in table.rows if row.reported}
    assert set(reported) == {"Two-stream, AGW recipe", "CIL"}
    for one in reported.values():
        assert one.values.keys() == table.headings.keys()


def test_a_change_for_images_is_kept_apart_by_its_kind():
    found = {type(change) for name in ("occlusion", "corruption") for change in study_changes(name, 2)}
    assert found == {ImageOcclusion, Corruption}
