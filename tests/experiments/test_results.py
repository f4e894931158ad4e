"""The stored records that the book shows: whole, of the tables' rows, and of one state of data and code."""

import pytest

from xmodal_lite.experiments import load_table, resolve, stored_records, table_names
from xmodal_lite.experiments.tables import records_of

STORED = [name for name in table_names() if name == "marrnet-t1"]


@pytest.fixture(params=STORED)
def table_and_records(request, repository):
    return load_table(request.param), stored_records(repository / "results", request.param, "real")


def test_every_record_belongs_to_one_row(table_and_records):
    table, records = table_and_records
    claimed = [
        record.spec.hash
        for row in table.rows
        for protocol in table.protocols
        for record in records_of(row, records, protocol).values()
    ]
    assert sorted(claimed) == sorted(record.spec.hash for record in records)


def test_every_row_has_five_seeds(table_and_records):
    table, records = table_and_records
    for row in table.rows:
        for protocol in table.protocols:
            assert set(records_of(row, records, protocol)) == set(range(5)), (row.label, protocol)


def test_records_are_of_one_data_set_one_code_and_todays_recipe(table_and_records):
    _, records = table_and_records
    assert len({record.fingerprint for record in records}) == 1
    assert len({record.code for record in records}) == 1
    assert len({record.threads for record in records}) == 1
    for record in records:
        spec = record.spec
        recipe = resolve(spec.method, spec.benchmark, spec.profile, dict(spec.overrides))
        assert spec.recipe == recipe.model_dump(mode="json"), spec.hash


def test_chance_is_beaten_by_what_was_trained_and_marks_are_met(table_and_records):
    table, records = table_and_records
    marrnet = next(row for row in table.rows if row.method == "marrnet" and not row.overrides)
    for protocol, floor in (("A", 0.20), ("B", 0.60)):
        found = records_of(marrnet, records, protocol).values()
        for metric in table.headline:
            assert sum(record.metrics[metric] for record in found) / len(found) >= floor, (protocol, metric)
