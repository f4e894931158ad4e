"""Every notebook is a pair: NN_name.py, and NN_name.ipynb with what it showed when it ran, in order.

nbval compares only what is stored: a notebook that never ran would pass with nothing checked. Here it fails.
"""

import json
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook, new_output

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SOURCES = sorted(NOTEBOOKS.rglob("*.py"))
TWINS = [path for path in sorted(NOTEBOOKS.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
MEGABYTE = 2**20
MACHINE_PATH = re.compile(r"""(?<![\w.~:/])(/(work|tmp|home|root|Users|mnt)/[\w.-]+|[A-Z]:\\\\?Users)""")


def notebooks(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.relative_to(NOTEBOOKS).as_posix())


def cells(path: Path) -> list[tuple[str, str, list[str], dict]]:
    """What the two of a pair must share: kind, text, tags and figure settings of every cell."""
    return [
        (cell.cell_type, cell.source.strip(), cell.metadata.get("tags", []), cell.metadata.get("mystnb", {}))
        for cell in jupytext.read(path).cells
    ]


def setup_cell() -> str:
    return (NOTEBOOKS / "_setup_cell.txt").read_text(encoding="utf-8").strip()


def is_parameters(cell: nbformat.NotebookNode) -> bool:
    return "parameters" in cell.metadata.get("tags", [])


def shortcomings(notebook: nbformat.NotebookNode) -> list[str]:
    """Say what is wrong with a notebook that claims to have been executed."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    counts = [cell.execution_count for cell in code]
    if None in counts:
        found.append(f"code cell {counts.index(None)} was never run")
    elif counts != list(range(1, len(code) + 1)):
        found.append(f"cells were not run once, in order, in a fresh kernel: {counts}")
    outputs = [output for cell in code for output in cell.outputs]
    found += [f"a stored error: {item.ename}" for item in outputs if item.output_type == "error"]
    found += [f"a warning on the page: {item.text[:80]}" for item in outputs if item.get("name") == "stderr"]
    if "papermill" in notebook.metadata:
        found.append("papermill's own metadata was not taken out")
    if any("papermill-error-cell-tag" in cell.metadata.get("tags", []) for cell in notebook.cells):
        found.append("papermill stopped at a failing cell")
    stored = json.dumps([notebook.metadata, outputs])
    found += [f"a path of one machine: {match.group()}" for match in MACHINE_PATH.finditer(stored)]
    for cell in code:
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            settings = cell.metadata.get("mystnb", {})
            if not settings.get("image", {}).get("alt") or not settings.get("figure", {}).get("caption"):
                found.append(f"a figure without caption or alt text, from: {cell.source[:60]!r}")
    return found


def test_there_are_notebooks():
    assert SOURCES


def test_every_notebook_has_its_twin():
    assert [path.with_suffix("") for path in SOURCES] == [path.with_suffix("") for path in TWINS]


@notebooks(SOURCES)
def test_both_of_a_pair_hold_the_same_cells(path: Path):
    assert cells(path) == cells(path.with_suffix(".ipynb")), "run `make notebooks` and commit both"


@notebooks(TWINS)
def test_a_twin_was_executed_whole(path: Path):
    assert shortcomings(nbformat.read(path, as_version=4)) == []


@notebooks(TWINS)
def test_a_twin_is_small(path: Path):
    assert path.stat().st_size < MEGABYTE


@notebooks(TWINS)
def test_a_twin_opens_on_colab_with_the_common_setup(path: Path):
    cells = nbformat.read(path, as_version=4).cells
    first = next(
        cell.source.strip() for cell in cells if cell.cell_type == "code" and not is_parameters(cell)
    )
    assert first == setup_cell(), "the first code cell must be notebooks/_setup_cell.txt, letter for letter"


@notebooks(TWINS)
def test_a_twin_is_in_the_book(path: Path, repository: Path):
    toc = yaml.safe_load((repository / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    pages = [page["file"] for chapter in chapters for page in (chapter, *chapter.get("sections", ()))]
    assert path.relative_to(repository).as_posix() in pages


def ran(source: str, *outputs: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return new_code_cell(source, execution_count=1, outputs=list(outputs))


@pytest.mark.parametrize(
    ("word", "cell"),
    [
        ("never run", new_code_cell("1")),
        ("in order", new_code_cell("1", execution_count=2)),
        ("error", ran("1/0", new_output("error", ename="ZeroDivisionError"))),
        ("warning", ran("f()", new_output("stream", name="stderr", text="IProgress not found"))),
        ("machine", ran("here", new_output("stream", text="in /home/jo/x"))),
        ("machine", ran("here", new_output("stream", text="in C:\\Users\\jo"))),
        ("alt text", ran("plot()", new_output("display_data", {"image/png": "iVBORw0K"}))),
    ],
)
def test_a_bad_notebook_is_noticed(word: str, cell: nbformat.NotebookNode):
    assert any(word in text for text in shortcomings(new_notebook(cells=[cell])))


def test_a_failed_papermill_run_is_noticed():
    notebook = new_notebook(metadata={"papermill": {}})
    assert shortcomings(notebook) == ["papermill's own metadata was not taken out"]
