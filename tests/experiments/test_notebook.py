"""Papermill with its parameters checked, and without traces of this machine."""

import sys
from functools import partial

import nbformat
import pytest

from xmodal_lite.errors import SpecError
from xmodal_lite.experiments import read_parameter, run_notebook, run_report, run_table, sweep_table
from xmodal_lite.experiments.notebook import NotebookError


@pytest.fixture
def notebook(tmp_path):
    node = nbformat.v4.new_notebook()
    node.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    parameters = nbformat.v4.new_code_cell("number = 1  # int: to print", metadata={"tags": ["parameters"]})
    node.cells = [parameters, nbformat.v4.new_code_cell("print(10 / number)")]
    path = tmp_path / "in.ipynb"
    nbformat.write(node, str(path))
    return path


def test_the_parameter_arrives_and_the_traces_go(notebook, tmp_path):
    pytest.importorskip("papermill")
    output = run_notebook(notebook, tmp_path / "deep" / "out.ipynb", {"number": 4}, echo=False)
    text = output.read_text()
    assert "2.5" in text
    assert str(tmp_path) not in text


def test_an_unknown_parameter_stops_before_anything_runs(notebook, tmp_path):
    pytest.importorskip("papermill")
    with pytest.raises(SpecError, match="no parameter nubmer; known: number"):
        run_notebook(notebook, tmp_path / "out.ipynb", {"nubmer": 4})
    assert not (tmp_path / "out.ipynb").exists()


def test_a_copy_that_cannot_be_written_stops_before_anything_runs(notebook, tmp_path):
    pytest.importorskip("papermill")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SpecError, match=r"cannot write .*file/out.ipynb: .*; choose another folder"):
        run_notebook(notebook, tmp_path / "file" / "out.ipynb", {"number": 0})


def test_a_failing_cell_is_named(notebook, tmp_path):
    pytest.importorskip("papermill")
    with pytest.raises(NotebookError, match="ZeroDivisionError"):
        run_notebook(notebook, tmp_path / "out.ipynb", {"number": 0}, echo=False)


def test_without_papermill_it_is_said_what_to_install(notebook, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "papermill", None)
    with pytest.raises(SpecError, match="pip install papermill ipykernel"):
        run_notebook(notebook, tmp_path / "out.ipynb", {})


def test_a_missing_notebook_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"no notebook .*absent.ipynb"):
        run_notebook(tmp_path / "absent.ipynb", tmp_path / "out.ipynb", {})


@pytest.mark.parametrize("value", ["false", "False", "no", "0", 0, False])
def test_what_papermill_hands_over_for_false_is_false(value):
    assert read_parameter("run", value, bool) is False


@pytest.mark.parametrize("value", ["", "flase", "[]", 2, None, 0.5])
def test_what_is_no_flag_is_refused(value):
    with pytest.raises(SpecError, match=r"run = .*; give another value"):
        read_parameter("run", value, bool)


@pytest.mark.parametrize("seeds", [1.5, -2, 0, "3", True, None])
def test_seeds_that_are_no_number_are_refused_before_any_data_are_made(tmp_path, seeds):
    for make in (run_table, partial(sweep_table, scheduler="local")):
        with pytest.raises(SpecError, match="seeds = "):
            make("marrnet-t1", seeds=seeds, folder=tmp_path / "data")
    with pytest.raises(SpecError, match="seed = "):
        run_report("cosine", "rruff", seed=-1 if seeds == 0 else seeds, folder=tmp_path / "data")
    assert not any(tmp_path.iterdir())


def test_every_table_notebook_reads_its_flag_before_it_runs(repository):
    sources = sorted((repository / "notebooks" / "tables").glob("*.py"))
    assert len(sources) >= 18
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert 'read_parameter("run", run, bool)' in text, path.name
        assert "stored_table(" in text or "stored_study_table(" in text, path.name
