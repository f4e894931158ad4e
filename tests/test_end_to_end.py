"""From the command line to the table, as `make demo` does it: synthetic minerals, every row, by papermill."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from xmodal_lite.experiments import load_table


@pytest.fixture(scope="module")
def table_run(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Run the first table once at the tiny profile with one seed; return the run store and the executed notebook."""
    folder = tmp_path_factory.mktemp("end-to-end")
    tables_run(repository, folder)
    return folder / "runs", folder / "out" / "marrnet_t1.ipynb"


def tables_run(repository: Path, folder: Path) -> str:
    options = [
        "--profile",
        "tiny",
        "--seeds",
        "1",
        "--store",
        str(folder / "runs"),
        "--output",
        str(folder / "out"),
    ]
    command = [str(Path(sys.executable).with_name("xmodal")), "tables", "run", "marrnet-t1", *options]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def shown(notebook: Path) -> str:
    """All text that the notebook's outputs hold."""
    outputs = [out for cell in nbformat.read(notebook, as_version=4).cells for out in cell.get("outputs", [])]
    parts = [out.get("text", "") or out.get("data", {}).get("text/markdown", "") for out in outputs]
    return "\n".join(parts)


def test_the_table_has_every_row_with_a_number(table_run: tuple[Path, Path]):
    _, notebook = table_run
    text = shown(notebook)
    table = load_table("marrnet-t1")
    for row in table.rows:
        lines = [line for line in text.splitlines() if line.startswith(f"| {row.label} |")]
        assert len(lines) >= len(table.protocols), row.label
        assert not any("not run" in line for line in lines), row.label
    assert "synthetic" in text


def test_a_second_call_repeats_no_run(repository: Path, table_run: tuple[Path, Path]):
    store, notebook = table_run
    before = {path: path.stat().st_mtime_ns for path in store.rglob("record.json")}
    assert before
    tables_run(repository, notebook.parents[1])
    assert {path: path.stat().st_mtime_ns for path in store.rglob("record.json")} == before


def test_an_unknown_table_is_refused_in_one_line(repository: Path):
    command = [str(Path(sys.executable).with_name("xmodal")), "tables", "run", "no-such-table"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no-such-table" in done.stderr and "marrnet-t1" in done.stderr and "Traceback" not in done.stderr
