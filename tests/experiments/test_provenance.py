"""The hash of the code depends on every file that numbers come from, and on no other."""

import shutil

import pytest

from xmodal_lite.experiments import provenance


@pytest.mark.parametrize(
    ("name", "decides"),
    [
        ("losses/weighted_triplet.py", True),
        ("data/sampler.py", True),
        ("experiments/runner.py", True),
        ("experiments/report/results.py", False),
        ("plots/charts.py", False),
    ],
)
def test_a_changed_line_changes_the_hash_where_numbers_come_from(tmp_path, monkeypatch, name, decides):
    copied = shutil.copytree(
        provenance.PACKAGE, tmp_path / "copy", ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(provenance, "PACKAGE", copied)
    before = provenance.code_hash()
    with (copied / name).open("a", encoding="utf-8") as file:
        file.write("# a line more\n")
    assert (provenance.code_hash() != before) == decides
