"""The table on emoji from end to end: recipes, a tiny run of each row, ranked answers, what make demo prints."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from xmodal_lite.benchmarks import load
from xmodal_lite.cli import app
from xmodal_lite.deployment import answers_at_test, find_run, load_run
from xmodal_lite.errors import SpecError
from xmodal_lite.experiments import RunStore, load_table, make_spec, resolve, run, run_all

TABLE = load_table("drawings")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory):
    """A tiny run of each row of the table: data, store and records."""
    data, store = load("drawings"), RunStore(tmp_path_factory.mktemp("runs"))
    specs = TABLE.specs(data, profile="tiny", seeds=[0])
    return data, store, run_all(specs, data, store, report=lambda line: None)


def marrnet(records):
    return next(r for r in records if r.spec.method == "marrnet" and not r.spec.overrides)


def test_every_row_runs(finished):
    _, _, records = finished
    assert [record.spec.method for record in records] == [row.method for row in TABLE.run_rows]
    for record in records:
        assert record.spec.data.startswith("real:")
        assert TABLE.headings.keys() <= record.metrics.keys()
    assert set(marrnet(records).losses) == {"id", "tri", "rec", "tra", "adv", "per"}


def test_a_run_repeats_to_the_last_digit(finished, tmp_path):
    data, _, records = finished
    one = marrnet(records)
    assert run(one.spec, data, RunStore(tmp_path)).metrics == one.metrics


def test_the_rows_share_one_extractor_and_schedule():
    recipes = [resolve(row.method, "drawings", "demo", row.overrides) for row in TABLE.run_rows[2:]]
    shared = [
        (
            r.steps,
            r.lr,
            r.warmup,
            r.ema_decay,
            r.num_identities,
            r.augment,
            r.model["width"],
            r.model["pooling"],
        )
        for r in recipes
    ]
    assert len(recipes) == 4 and all(one == shared[0] for one in shared)
    assert recipes[0].steps == 240 and resolve("mun", "drawings", "paper", {}).steps == 600


def test_ranked_answers_are_those_that_the_report_counts(finished):
    data, store, records = finished
    one = marrnet(records)
    stored = load_run(find_run(one.spec.hash, store.root))
    answers = answers_at_test(stored, data, "v2r", count=408)
    assert answers.queries.shape == answers.gallery.shape == (408, 3, 64, 64)
    assert (answers.right.sum(axis=1) == 1).all()
    best = answers.similarity.argmax(axis=1)
    assert answers.right[np.arange(408), best].mean() == pytest.approx(one.metrics["v2r/rank1"])
    assert answers_at_test(stored, data).queries.shape == (8, 3, 64, 64)
    with pytest.raises(SpecError, match="has no direction 'x2y'; known: v2r, r2v"):
        answers_at_test(stored, data, "x2y")


def test_the_command_line_needs_no_folder(tmp_path):
    shown = CliRunner().invoke(app, ["run", "cosine", "drawings", "--store", str(tmp_path / "runs")])
    assert shown.exit_code == 0 and "cosine on drawings (real data)" in shown.output
    assert "emoji unseen-groups" in shown.output
    checked = CliRunner().invoke(app, ["check", "drawings"])
    assert checked.exit_code == 0 and "1,020" in checked.output


def test_no_command_asks_for_a_folder_of_the_emoji(finished):
    from xmodal_lite.experiments import RunReport, TableReport

    assert "--data-root" not in RunReport(finished[2][0], []).commands()
    assert "--data-root" not in TableReport(TABLE, {"real": []}).markdown("real")


def test_what_to_expect_is_read_from_records(finished, repository: Path):
    spec = importlib.util.spec_from_file_location("expected", repository / "book" / "expected.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said = module.expected(TABLE, finished[2])
    one = marrnet(finished[2])
    assert said.startswith("On our machine, split 0, profile tiny")
    assert f"{100 * one.metrics['r2v/rank1']:.1f} / " in said and len(said.splitlines()) == 8
    assert module.expected(TABLE, []) == ""


def test_a_seed_without_a_split_is_refused(finished):
    with pytest.raises(SpecError, match="5 splits"):
        make_spec("mun", finished[0], protocol="unseen-groups", profile="demo", seed=5)
