"""The table writer against golden text, and what a definition refuses."""

import pytest
from pydantic import ValidationError

from xmodal_lite.errors import SpecError
from xmodal_lite.experiments import (
    Table,
    differences_markdown,
    headline_frame,
    load_table,
    results_markdown,
    table_names,
)
from xmodal_lite.experiments.tables import records_of


def definition(**changes):
    rows = [
        {"label": "Cosine", "method": "cosine"},
        {
            "label": "Net",
            "method": "marrnet",
            "overrides": {"weights.adv": 0},
            "against": ["Cosine"],
            "reported": {"v2r/rank1": {"value": 0.31, "source": "Table 1"}},
        },
        {"label": "Never run", "method": "two-stream", "against": ["Net"]},
    ]
    table = {
        "name": "toy",
        "title": "A toy",
        "paper": "nobody2026",
        "number": "T0",
        "benchmark": "rruff",
        "protocols": ["A"],
        "columns": {"There": {"v2r/rank1": "R1"}, "Back": {"r2v/rank1": "R1"}},
        "headline": ["v2r/rank1"],
        "rows": rows,
    }
    return {**table, **changes}


def plain(text):
    """Lines, with ordinary spaces in place of those that do not break."""
    return text.replace("\N{NO-BREAK SPACE}", " ").splitlines()


@pytest.fixture
def records(make_record):
    cosine = [make_record("cosine", seed, v2r__rank1=0.05, r2v__rank1=0.04) for seed in range(3)]
    values = zip((0.28, 0.30, 0.32), (0.20, 0.20, 0.26), strict=True)
    net = [
        make_record("marrnet", seed, overrides={"weights.adv": 0}, v2r__rank1=there, r2v__rank1=back)
        for seed, (there, back) in enumerate(values)
    ]
    return cosine + net


def test_results_golden(records):
    assert plain(results_markdown(Table(**definition()), records, "A")) == [
        "There, protocol A:",
        "",
        "| Method | R1 | Reported | Seeds |",
        "|:---|---:|---:|---:|",
        "| Cosine | 5.0 ± 0.0 | not available | 3 |",
        "| Net | 30.0 ± 5.0 | R1 31.00 (Table 1), reproduced within the interval | 3 |",
        "| Never run | not run | not available | 0 |",
        "",
        "Back, protocol A:",
        "",
        "| Method | R1 | Reported | Seeds |",
        "|:---|---:|---:|---:|",
        "| Cosine | 4.0 ± 0.0 | not available | 3 |",
        "| Net | 22.0 ± 8.6 | not available | 3 |",
        "| Never run | not run | not available | 0 |",
    ]


def test_differences_golden(records):
    assert plain(differences_markdown(Table(**definition()), records, "A")) == [
        "| Row | compared with | There: R1 | Verdict |",
        "|:---|---:|---:|---:|",
        "| Net | Cosine | +25.0 ± 5.0 | higher |",
        "| Never run | Net | not run | not run |",
    ]


def test_a_figures_numbers_are_those_of_the_records(records):
    frame = headline_frame(Table(**definition()), records, "A")
    assert list(frame.columns) == ["row", "metric", "seed", "value"]
    assert frame[frame.row == "Net"].value.tolist() == [0.28, 0.30, 0.32]


def test_differences_pair_the_seeds(make_record):
    seeds = range(4)
    records = [make_record("cosine", seed, v2r__rank1=0.1 * seed) for seed in seeds]
    records += [
        make_record("marrnet", s, overrides={"weights.adv": 0}, v2r__rank1=0.1 * s + 0.02) for s in seeds
    ]
    assert "| +2.0 ± 0.0 | higher |" in plain(differences_markdown(Table(**definition()), records, "A"))[2]


def test_two_records_for_one_seed_are_refused(make_record):
    records = [make_record("cosine"), make_record("cosine", data="real:ffffffffffff")]
    with pytest.raises(SpecError, match="both seed 0"):
        records_of(Table(**definition()).rows[0], records, "A")


@pytest.mark.parametrize(
    "change",
    [
        {"headline": ["v2r/rank9"]},
        {"rows": [{"label": "a", "method": "m", "against": ["b"]}]},
        {"colour": "red"},
    ],
)
def test_a_definition_with_unknown_names_is_refused(change):
    with pytest.raises(ValidationError):
        Table(**definition(**change))


def test_two_rows_of_one_label_are_refused():
    with pytest.raises(ValidationError, match="same label"):
        Table(**definition(rows=[{"label": "a", "method": "m"}] * 2))


def test_an_unknown_table_is_named_with_the_known():
    with pytest.raises(SpecError, match="marrnet-t1"):
        load_table("marrnet-t99")


@pytest.mark.parametrize("name", table_names())
def test_every_definition_is_valid(name):
    table = load_table(name)
    assert table.name == name
    assert len(table.rows) > 1
