"""The script of `make measure` counts what it says, and experiments and deployment stay within their marks."""

import importlib.util
import sys
from pathlib import Path

import pytest

TEXT = '''"""A module."""

# a comment
import os


def f(
    x,
):
    """Say.

    More.
    """
    text = """two
    lines"""  # which count
    return text, x, os
'''


@pytest.fixture(scope="module")
def script(repository: Path):
    source = importlib.util.spec_from_file_location("measure", repository / "perf" / "measure.py")
    module = importlib.util.module_from_spec(source)
    sys.modules[source.name] = module
    source.loader.exec_module(module)
    return module


def test_blank_lines_comments_and_docstrings_are_no_code(script, tmp_path):
    assert script.code_lines(TEXT) == {4, 7, 8, 9, 14, 15, 16}
    path = tmp_path / "toy.py"
    path.write_text(TEXT)
    assert script.longest_function(path) == (6, "toy.py: f")


def test_a_missed_mark_is_told_and_fails(script, monkeypatch, capsys):
    monkeypatch.setattr(
        script, "measure", lambda: [("core", 3500, 3500, ""), ("longest file, lines", 320, 320, "")]
    )
    assert script.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("< 3500 MISSED") and lines[1].endswith("<= 320 ok")
    monkeypatch.setattr(script, "measure", lambda: [("core", 3499, 3500, "")])
    assert script.main() == 0


@pytest.mark.parametrize("package", ["experiments", "deployment"])
def test_files_and_functions_are_short(script, repository, package):
    files = sorted((repository / "xmodal_lite" / package).glob("*.py"))
    assert len(files) <= 12
    for path in files:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 320, path.name
        assert script.longest_function(path)[0] <= 60, path.name
