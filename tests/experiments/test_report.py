"""The page of a table: what it shows of each source, with nothing stored, something stored, and a run made now."""

import pytest

from xmodal_lite import synthetic
from xmodal_lite.errors import SpecError
from xmodal_lite.experiments import TableReport, load_table, run_table, stored_table, sweep_table
from xmodal_lite.experiments.report.origin import code_markdown
from xmodal_lite.experiments.store import write_record

TABLE = load_table("agw-sysu")
BASE, CAJ = TABLE.rows


def measured(make_record, row, seed=0, source="synthetic", code="c0de", **changes):
    """A made-up record of a row of the table."""
    metrics = {metric: 0.3 + 0.01 * seed for metric in TABLE.headings}
    data, benchmark = f"{source}:0123456789ab", TABLE.benchmark
    record = make_record(row.method, seed, "single", row.overrides, data, benchmark, **metrics)
    return record.model_copy(update={"code": code, **changes})


@pytest.fixture
def synthetic_records(make_record):
    return [measured(make_record, row, seed) for row in TABLE.rows for seed in range(3)]


def test_with_nothing_stored_the_page_shows_what_is_reported_and_how_to_run_the_rest(tmp_path):
    page = stored_table(TABLE.name, tmp_path / "results")
    real = page.markdown("real")
    assert "| AGW (reported) | 47.50 |" in real and "not run" in real
    assert "xmodal tables run agw-sysu --data-root path/to/sysu-mm01 \\\n  --profile paper --seeds 5" in real
    made_up = page.markdown("synthetic")
    assert "xmodal tables run agw-sysu \\\n  --profile demo --seeds 5" in made_up and "47.50" not in made_up
    assert page.panels() == {}


def test_with_nothing_run_and_nothing_reported_the_page_names_the_rows_and_shows_no_empty_table(tmp_path):
    real = stored_table("marrnet-t3", tmp_path / "results").markdown("real")
    assert "Protocol 404-202: Two-stream; MarrNet; MarrNet, both ways; MUN; Enhancing." in real
    assert "not available to us for any of them" in real and "xmodal tables run marrnet-t3" in real
    assert "|" not in real
    partly = stored_table("marrnet-t2-sysu", tmp_path / "results").markdown("real")
    assert "| AGW (reported) |" in partly and "| + reconstruction |" not in partly
    assert "+ reconstruction; " in partly


def test_ten_splits_are_asked_for_where_the_protocol_has_ten(tmp_path):
    assert "--profile paper --seeds 10" in stored_table("agw-regdb", tmp_path / "results").markdown("real")


def test_stored_records_are_found_by_source(tmp_path, synthetic_records):
    for record in synthetic_records:
        write_record(record, tmp_path / "results" / TABLE.name / "synthetic" / f"{record.spec.hash}.json")
    page = stored_table(TABLE.name, tmp_path / "results")
    shown = page.markdown("synthetic")
    assert "6 runs, profile demo: synthetic data in the layout of SYSU-MM01, " in shown
    assert "a protocol, named in full" in shown
    assert "What each row adds" in shown and "To run" not in shown
    assert "47.50" not in shown and "eported" not in shown
    assert "not run" in page.markdown("real")
    title = "Synthetic data in the layout of SYSU-MM01\nresnet10, 80 x 40 pixels, 250 steps, seeds 0 to 2"
    assert list(page.panels()) == [title]


def test_the_figure_is_of_the_real_data_where_there_are_any(make_record, synthetic_records):
    real = [measured(make_record, BASE, source="real")]
    page = TableReport(TABLE, {"real": real, "synthetic": synthetic_records})
    (panel,) = page.panels().items()
    assert panel[0].startswith("SYSU-MM01, real data\n") and set(panel[1]["row"]) == {BASE.label}


def test_a_missing_row_brings_the_command_in_the_profile_of_the_others(make_record):
    page = TableReport(TABLE, {"real": [measured(make_record, BASE, seed, "real") for seed in (0, 2)]})
    shown = page.markdown("real")
    assert "seeds 0, 2." in shown and "--profile demo" in shown


def test_code_revisions_are_named_only_where_they_differ(make_record, synthetic_records):
    assert code_markdown(TABLE, synthetic_records) == ""
    other = [*synthetic_records[:3], *(measured(make_record, CAJ, seed, code="0ther") for seed in range(3))]
    assert code_markdown(TABLE, other).splitlines()[2:] == [
        f"- `c0de`: {BASE.label}",
        f"- `0ther`: {CAJ.label}",
    ]


@pytest.mark.parametrize("make", [run_table, lambda name, **options: sweep_table(name, "local", **options)])
def test_a_profile_that_is_not_there_is_told_before_any_data_are_made(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match="unknown profile 'paperr'; known: tiny, demo, paper"):
        make("marrnet-t1", profile="paperr")
    assert not any(tmp_path.iterdir())


def test_a_run_made_now_is_shown_and_published_and_nothing_else(tmp_path, monkeypatch):
    toy = load_table("marrnet-t1")
    monkeypatch.setattr(
        "xmodal_lite.experiments.sweep.load_table",
        lambda _: toy.model_copy(update={"rows": toy.rows[:2], "protocols": ("A",)}),
    )
    data = synthetic.write("rruff", tmp_path / "rruff", identities=12)
    options = {"data_root": str(data), "profile": "tiny", "seeds": 1, "store": tmp_path / "runs"}
    page = run_table("marrnet-t1", **options, publish_to=tmp_path / "out")
    assert "2 runs, profile tiny: synthetic data in the layout of RRUFF, seed 0." in page.markdown(
        "synthetic"
    )
    assert page.markdown("real") == "This run was on synthetic data."
    assert len(list((tmp_path / "out" / "marrnet-t1" / "synthetic").glob("*.json"))) == 2
