"""The stored records that the book shows: whole, of the tables' rows, each row of one code revision."""

from pathlib import Path

import pytest

from xmodal_lite.experiments import RunSpec, load_table, resolve, stored_records
from xmodal_lite.experiments.report import difference
from xmodal_lite.experiments.tables import SOURCES, records_of

RESULTS = Path(__file__).resolve().parents[2] / "results"
STORED = sorted((path.parent.name, path.name) for source in SOURCES for path in RESULTS.glob(f"*/{source}"))


@pytest.fixture(params=STORED, ids="/".join)
def table_and_records(request):
    name, source = request.param
    return load_table(name), stored_records(RESULTS, name, source)


def rows_with_records(table, records):
    """For every row and protocol that was run: the row, the protocol and the records by seed."""
    found = [(row, p, records_of(row, records, p)) for row in table.run_rows for p in table.protocols]
    return [item for item in found if item[2]]


def test_the_first_table_is_stored():
    assert ("marrnet-t1", "real") in STORED


def test_every_record_belongs_to_one_row_of_its_table(table_and_records):
    table, records = table_and_records
    claimed = [one.spec.hash for *_, found in rows_with_records(table, records) for one in found.values()]
    assert sorted(claimed) == sorted(record.spec.hash for record in records)
    assert {record.spec.benchmark for record in records} == {table.benchmark}


def test_records_lie_in_the_folder_of_their_source(request, table_and_records):
    *_, source = request.node.callspec.params["table_and_records"]
    assert {record.spec.source for record in table_and_records[1]} == {source}


def test_a_file_is_named_by_the_hash_of_its_run(request, table_and_records):
    folder = RESULTS.joinpath(*request.node.callspec.params["table_and_records"])
    assert {path.stem for path in folder.iterdir()} == {record.spec.hash for record in table_and_records[1]}


def test_every_row_that_was_run_has_all_its_seeds(table_and_records):
    table, records = table_and_records
    whole = set(range(table.seeds if records[0].spec.source == "real" else 5))
    for row, protocol, found in rows_with_records(table, records):
        assert set(found) == whole, (row.label, protocol)


def test_a_row_is_run_under_every_protocol(table_and_records):
    table, records = table_and_records
    run = [row.label for row, *_ in rows_with_records(table, records)]
    assert all(run.count(label) == len(table.protocols) for label in run)


def test_a_table_is_of_one_data_set_and_profile_and_each_row_of_one_code_revision(table_and_records):
    table, records = table_and_records
    for one in ("fingerprint", "threads"):
        assert len({getattr(record, one) for record in records}) == 1, one
    assert len({record.spec.profile for record in records}) == 1
    for row in table.run_rows:
        codes = {record.code for p in table.protocols for record in records_of(row, records, p).values()}
        assert len(codes) <= 1, row.label


def test_a_record_would_be_found_again_by_todays_recipe(table_and_records):
    for record in table_and_records[1]:
        spec = record.spec
        recipe = resolve(spec.method, spec.benchmark, spec.profile, dict(spec.overrides))
        assert recipe == spec.recipe, spec.hash


def test_a_new_setting_at_its_default_leaves_a_hash_as_it_was(make_record):
    spec = make_record().spec
    text = spec.model_dump_json(exclude_defaults=True)
    assert "cuda_graph" not in text and RunSpec.model_validate_json(text).hash == spec.hash
    other = spec.model_copy(update={"recipe": spec.recipe.model_copy(update={"cuda_graph": True})})
    assert other.hash != spec.hash


def test_the_hash_of_a_run_does_not_change():
    """A golden value: a change of a default, of a name or of the way of hashing would lose every stored run."""
    recipe = resolve("marrnet", "rruff", "demo", {"loss_weights.adv": 0})
    spec = RunSpec(
        method="marrnet",
        benchmark="rruff",
        data="real:0123456789ab",
        protocol="A",
        profile="demo",
        seed=3,
        overrides={"loss_weights.adv": 0},
        recipe=recipe,
    )
    assert spec.hash == "75325b17eef88ae3"


def test_chance_is_beaten_by_what_was_trained_and_marks_are_met():
    table, records = load_table("marrnet-t1"), stored_records(RESULTS, "marrnet-t1", "real")
    marrnet = next(row for row in table.rows if row.method == "marrnet" and not row.overrides)
    for protocol, floor in (("A", 0.20), ("B", 0.60)):
        found = records_of(marrnet, records, protocol).values()
        for metric in table.headline:
            assert sum(record.metrics[metric] for record in found) / len(found) >= floor, (protocol, metric)


@pytest.mark.parametrize(
    ("name", "source", "label", "other"),
    [
        ("marrnet-t3", "synthetic", "MarrNet", "Two-stream"),
        ("marrnet-t4", "synthetic", "MarrNet", "Two-stream"),
        ("marrnet-t5", "synthetic", "MarrNet", "Two-stream"),
        ("marrnet-drawings", "real", "+ perceptual (MarrNet)", "CCA of HOG"),
    ],
)
def test_marrnet_is_on_the_mean_at_least_what_it_is_measured_against(name, source, label, other):
    table, records = load_table(name), stored_records(RESULTS, name, source)
    found = {row.label: records_of(row, records, table.protocols[0]) for row in table.run_rows}
    for metric in table.headline:
        assert difference(found[label], found[other], metric).mean >= 0, metric


@pytest.mark.parametrize(
    ("name", "metrics"), [("agw-sysu", ["all/rank1"]), ("agw-regdb", ["v2r/rank1", "r2v/rank1"])]
)
def test_the_baseline_is_neither_at_chance_nor_at_100_percent_on_synthetic_data(name, metrics):
    """Else a method could not show what it adds there."""
    table, records = load_table(name), stored_records(RESULTS, name, "synthetic")
    for row in table.run_rows:
        found = records_of(row, records, table.protocols[0]).values()
        for metric in metrics:
            assert 0.3 <= sum(record.metrics[metric] for record in found) / len(found) <= 0.8, (
                row.label,
                metric,
            )
