"""The table writer against golden text, and what a definition refuses."""

import json

import pytest
import torch
import yaml
from pydantic import ValidationError
from scipy import stats

from xmodal_lite.errors import SpecError
from xmodal_lite.experiments import (
    Table,
    differences_markdown,
    headline_frame,
    load_table,
    resolve,
    results_markdown,
    table_names,
)
from xmodal_lite.experiments.report import differences
from xmodal_lite.experiments.tables import DEFINITIONS, records_of
from xmodal_lite.models import build
from xmodal_lite.training import Recipe


def reported(name, **values):
    return {"A": {"name": name, "source": "Table 1", "values": values}}


def definition(**changes):
    rows = [
        {"label": "Cosine", "method": "cosine"},
        {
            "label": "Net",
            "method": "marrnet",
            "overrides": {"loss_weights.adv": 0},
            "against": ["Cosine"],
            "reported": reported("NET", **{"v2r/rank1": "31.00"}),
        },
        {"label": "Never run", "method": "two-stream", "against": ["Net"]},
        {"label": "Theirs", "reported": reported("THEIRS", **{"v2r/rank1": "33.3", "r2v/rank1": "30.10"})},
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


SETTING = "1-D residual network, 600 steps, seeds 0 to 2"


def plain(text):
    """Lines, with ordinary spaces in place of those that do not break."""
    return text.replace("\N{NO-BREAK SPACE}", " ").splitlines()


@pytest.fixture
def records(make_record):
    cosine = [make_record("cosine", seed, v2r__rank1=0.05, r2v__rank1=0.04) for seed in range(3)]
    values = zip((0.28, 0.30, 0.32), (0.20, 0.20, 0.26), strict=True)
    net = [
        make_record("marrnet", seed, overrides={"loss_weights.adv": 0}, v2r__rank1=there, r2v__rank1=back)
        for seed, (there, back) in enumerate(values)
    ]
    return cosine + net


@pytest.fixture
def synthetic_records(records):
    data = {"data": "synthetic:0123456789ab"}
    return [one.model_copy(update={"spec": one.spec.model_copy(update=data)}) for one in records]


def test_real_results_golden(records):
    """Protocol A divides the minerals anew for each seed: t(0.975, 2) s sqrt(1/3 + 2/3) = 4.303 * 2.0 = 8.6."""
    assert plain(results_markdown(Table(**definition()), records, "A")) == [
        f"There, protocol A (RRUFF, real data, {SETTING}):",
        "",
        "| Method | R1 | Seeds, or source |",
        "|:---|---:|---:|",
        "| Cosine | 5.0 | 3 |",
        "| NET (reported) | 31.00 | Table 1 |",
        "| Net (ours) | 30.0 ± 8.6 | 3 |",
        "| ours less NET | -1.0 ± 8.6, reproduced within the interval |  |",
        "| Never run | not run | 0 |",
        "| THEIRS (reported) | 33.3 | Table 1 |",
        "",
        "Reported numbers are not available to us for Cosine; Never run.",
        "",
        f"Back, protocol A (RRUFF, real data, {SETTING}):",
        "",
        "| Method | R1 | Seeds, or source |",
        "|:---|---:|---:|",
        "| Cosine | 4.0 | 3 |",
        "| NET (reported) | not available | Table 1 |",
        "| Net (ours) | 22.0 ± 14.9 | 3 |",
        "| ours less NET | not available |  |",
        "| Never run | not run | 0 |",
        "| THEIRS (reported) | 30.10 | Table 1 |",
        "",
        "Reported numbers are not available to us for Cosine; Never run.",
    ]


def test_synthetic_results_golden(synthetic_records):
    assert plain(results_markdown(Table(**definition()), synthetic_records, "A"))[:7] == [
        f"There, protocol A (synthetic data in the layout of RRUFF, {SETTING}):",
        "",
        "| Method | R1 | Seeds |",
        "|:---|---:|---:|",
        "| Cosine | 5.0 | 3 |",
        "| Net | 30.0 ± 8.6 | 3 |",
        "| Never run | not run | 0 |",
    ]


def test_no_reported_number_stands_beside_synthetic_results(synthetic_records):
    text = results_markdown(Table(**definition()), synthetic_records, "A")
    assert not any(
        word in text for word in ("31.00", "33.3", "30.10", "eported", "Theirs", "THEIRS", "Table 1")
    )


def test_real_and_synthetic_are_never_mixed(records, synthetic_records):
    with pytest.raises(SpecError, match="do not belong in one table"):
        results_markdown(Table(**definition()), [records[0], synthetic_records[-1]], "A")


def test_without_records_the_reported_numbers_are_shown_and_ours_are_not_run():
    lines = plain(results_markdown(Table(**definition()), [], "A"))
    assert "| NET (reported) | 31.00 | Table 1 |" in lines
    assert "| Net (ours) | not run | 0 |" in lines
    assert not any("less" in line for line in lines)


@pytest.mark.parametrize(
    ("printed", "words"), [("12.0", "above the paper"), ("30.0", "reproduced"), ("39.9", "below the paper")]
)
def test_the_verdict_follows_the_reported_number(records, printed, words):
    rows = definition()["rows"]
    rows[1] = {**rows[1], "reported": reported("NET", **{"v2r/rank1": printed})}
    text = results_markdown(Table(**definition(rows=rows)), records, "A")
    assert f"{30 - float(printed):+.1f}\N{NO-BREAK SPACE}±" in text and words in text


def test_a_number_is_of_its_protocol(records):
    rows = definition()["rows"][:2]
    rows[1] = {**rows[1], "reported": {"B": reported("NET", **{"v2r/rank1": "31.00"})["A"]}}
    table = Table(**definition(rows=rows, protocols=["A", "B"]))
    assert "31.00" not in results_markdown(table, records, "A")
    assert "31.00" in results_markdown(table, records, "B")


def test_differences_golden(records):
    assert plain(differences_markdown(Table(**definition()), records, "A")) == [
        f"Differences, protocol A (RRUFF, real data, {SETTING}):",
        "",
        "| Row | compared with | There: R1 |",
        "|:---|---:|---:|",
        "| Net | Cosine | +25.0 ± 8.6, higher |",
        "| Never run | Net | not run |",
    ]


def test_a_figures_numbers_are_those_of_the_records(records):
    frame = headline_frame(Table(**definition()), records, "A")
    assert list(frame.columns) == ["row", "metric", "seed", "value"]
    assert frame[frame.row == "Net"].value.tolist() == [0.28, 0.30, 0.32]


def test_verdicts_are_corrected_over_all_comparisons_of_the_table(make_record):
    """t = 0.12 / 0.02 = 6 and p = 0.027 alone; the two under protocol B have p = 0.0133, times 4 is 0.053 for all."""
    rows = definition()["rows"][:2]
    rows[1].pop("reported")
    values = {"cosine": (0.05, 0.05, 0.05), "marrnet": (0.15, 0.17, 0.19)}

    def table(headline, protocols):
        return Table(**definition(rows=rows, headline=headline, protocols=protocols))

    def run(protocol):
        changes = {"cosine": {}, "marrnet": {"loss_weights.adv": 0}}
        return [
            make_record(method, seed, protocol, changes[method], v2r__rank1=x, r2v__rank1=x)
            for method in values
            for seed, x in enumerate(values[method])
        ]

    alone = table(["v2r/rank1"], ["A"])
    (one,) = differences(alone, run("A")).values()
    assert one.p_value == pytest.approx(2 * stats.t.sf(6, 2))
    assert "higher" in differences_markdown(alone, run("A"), "A")
    many = table(["v2r/rank1", "r2v/rank1"], ["A", "B"])
    both = run("A") + run("B")
    assert len(differences(many, both)) == 4
    for protocol in "AB":
        assert differences_markdown(many, both, protocol).count("not significant after Holm") == 2


def test_differences_pair_the_seeds(make_record):
    seeds = range(4)
    records = [make_record("cosine", seed, v2r__rank1=0.1 * seed) for seed in seeds]
    records += [
        make_record("marrnet", s, overrides={"loss_weights.adv": 0}, v2r__rank1=0.1001 * s + 0.02)
        for s in seeds
    ]
    assert "| +2.0 ± 0.0, higher |" in plain(differences_markdown(Table(**definition()), records, "A"))[4]


def test_two_records_for_one_seed_are_refused(make_record):
    records = [make_record("cosine"), make_record("cosine", data="real:ffffffffffff")]
    with pytest.raises(SpecError, match="both seed 0"):
        records_of(Table(**definition()).rows[0], records, "A")


@pytest.mark.parametrize(
    "change",
    [
        {"headline": ["v2r/rank9"]},
        {"rows": [{"label": "a", "method": "m", "against": ["b"]}]},
        {"rows": [{"label": "a"}]},
        {"rows": [{"label": "a", "reported": reported("A"), "overrides": {"steps": 1}}]},
        {
            "rows": [
                {"label": "a", "reported": reported("A")},
                {"label": "b", "method": "m", "against": ["a"]},
            ]
        },
        {"colour": "red"},
    ],
)
def test_a_definition_with_unknown_names_is_refused(change):
    with pytest.raises(ValidationError):
        Table(**definition(**change))


def test_two_rows_of_one_label_are_refused():
    with pytest.raises(ValidationError, match="same label"):
        Table(**definition(rows=[{"label": "a", "method": "m"}, {"label": "a", "method": "n"}]))


def test_two_rows_of_one_run_are_refused():
    rows = [{"label": label, "method": "m", "overrides": {"steps": 1}} for label in "ab"]
    with pytest.raises(ValidationError, match="same run"):
        Table(**definition(rows=rows))


def test_a_reported_row_is_never_run(monkeypatch):
    monkeypatch.setattr("xmodal_lite.experiments.tables.make_spec", lambda method, *_, **__: method)
    specs = Table(**definition()).specs(None, profile="tiny", seeds=[0, 1])
    assert specs == ["cosine", "marrnet", "two-stream"] * 2


def test_an_unknown_table_is_named_with_the_known():
    with pytest.raises(SpecError, match="marrnet-t1"):
        load_table("marrnet-t99")


TABLES = {name: load_table(name) for name in table_names()}


@pytest.mark.parametrize("name", TABLES)
def test_every_definition_is_valid(name):
    table = TABLES[name]
    assert table.name == name
    assert len(table.rows) > 1
    assert len({metric.split("/")[-2] for metric in table.headings}) == len(table.columns)
    sizes = {resolve(row.method, table.benchmark, "demo", row.overrides).image_size for row in table.run_rows}
    assert len(sizes) == 1  # the rows of a table see the same images, those in closed form too


def test_what_is_run_in_two_tables_is_written_the_same_way_in_both():
    """Else its runs have two hashes, and are run twice."""
    settings = {}
    for table in TABLES.values():
        for row in table.run_rows:
            plain_form = {name: sorted(v) if isinstance(v, list) else v for name, v in row.overrides.items()}
            key = json.dumps([table.benchmark, row.method, plain_form], sort_keys=True)
            assert settings.setdefault(key, row.overrides) == row.overrides, (table.name, row.label)


def reported_files(table):
    end = f"-{table.study}.yml" if table.study else ".yml"
    return [f"{table.benchmark}-{protocol}{end}" for protocol in table.protocols]


def test_a_reported_number_is_shown_by_a_table_and_is_a_percentage():
    for path in DEFINITIONS.joinpath("reported").iterdir():
        tables = [t for t in TABLES.values() if path.name in reported_files(t)]
        shown = {metric for table in tables for metric in table.headings}
        used = {one.name for table in tables for row in table.rows for one in row.reported.values()}
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert set(entries) == used, path.name
        for name, entry in entries.items():
            assert set(entry["values"]) <= shown, name
            assert all(isinstance(v, str) and 0 < float(v) < 100 for v in entry["values"].values()), name


def test_an_unknown_reported_method_is_named(monkeypatch, tmp_path):
    (tmp_path / "reported").mkdir()
    (tmp_path / "reported" / "rruff-A.yml").write_text("NET: {source: s, values: {}}")
    table = definition(rows=[{"label": "a", "reported": "NOTNET"}])
    (tmp_path / "toy.yml").write_text(yaml.safe_dump(table))
    monkeypatch.setattr("xmodal_lite.experiments.tables.DEFINITIONS", tmp_path)
    with pytest.raises(SpecError, match="nothing is reported for 'NOTNET'"):
        load_table("toy")


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("profile", ["demo", "paper"])
def test_rows_that_are_compared_differ_in_the_method_alone(name, profile):
    """One augmentation, schedule and backbone; but for the baseline, whose augmentation is what it is compared by.

    A method may also be compared with itself by whether pairs move together. Where a study changes the test samples, a
    baseline may train on such changes.
    """
    table = TABLES[name]
    by_label = {row.label: row for row in table.run_rows}
    for row, other in [(one, by_label[label]) for one in table.run_rows for label in one.against]:
        recipes = [resolve(one.method, table.benchmark, profile, dict(one.overrides)) for one in (row, other)]
        if not all(isinstance(recipe, Recipe) for recipe in recipes):
            continue
        own = {
            "model": True,
            "loss_weights": True,
            "lr_multipliers": True,
        }  # a rate of what the other may not have
        if table.study:
            own["augment"] = {table.study}
        elif row.method == other.method:
            own["augment"] = {"same_on_pair"}
        if row.method == other.method == "two-stream":
            own["augment"] = True
        ours, theirs = (recipe.model_dump(exclude=own) for recipe in recipes)
        assert ours == theirs, (row.label, other.label)
        assert recipes[0].model.get("backbone") == recipes[1].model.get("backbone")


@pytest.mark.parametrize("name", TABLES)
def test_every_row_can_be_built(name):
    table = TABLES[name]
    dims = 1 if table.benchmark == "rruff" else 2
    for row in table.run_rows:
        recipe = resolve(row.method, table.benchmark, "tiny", dict(row.overrides))
        if isinstance(recipe, Recipe):
            with torch.device("meta"):  # no memory, no trials: only whether the options are known and agree
                build(row.method, dims=dims, num_classes=3, **recipe.model)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must hold names with values, not NoneType"),
        ("- a\n- b\n", "must hold names with values, not list"),
        ("name:\ttoy\n\ttitle: x\n", "cannot be read as plain YAML"),
        ("name: !!python/object:os.system toy\n", "cannot be read as plain YAML"),
        ("name: toy\n", "rows"),
        ("rows: 3\n", "rows"),
        ("rows: [a, b]\n", "rows"),
        ("rows: [{label: a, reported: AGW}]\n", "needs a name 'benchmark' and a list 'protocols'"),
        ("overrides: 3\nrows: [{label: a, method: mun}]\n", "not valid"),
    ],
)
def test_a_definition_that_is_none_is_one_clear_error(monkeypatch, tmp_path, text, words):
    (tmp_path / "toy.yml").write_text(text)
    monkeypatch.setattr("xmodal_lite.experiments.tables.DEFINITIONS", tmp_path)
    with pytest.raises(SpecError, match=words):
        load_table("toy")


def test_a_metric_that_a_record_lacks_is_named(make_record):
    records = [make_record("cosine", v2r__rank1=0.5)]
    with pytest.raises(SpecError, match="has no metric 'r2v/rank1', which the table shows"):
        results_markdown(Table(**definition()), records, "A")
