"""From the command line to the table, as `make demo` does it: synthetic data, every row, by papermill."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from xmodal_lite.experiments import load_table


@pytest.fixture(scope="module", params=["marrnet-t1", "mun-t5"])
def table_run(
    request: pytest.FixtureRequest, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, Path]:
    """Run a table once at the tiny profile with one seed; return its name, the run store and the executed notebook.

    The first table trains; the second tests its runs again under a study.
    """
    name = request.param
    if load_table(name).study == "corruption":
        pytest.importorskip("imagecorruptions")
    folder = tmp_path_factory.mktemp("end-to-end")
    tables_run(repository, folder, name)
    return name, folder / "runs", folder / "out" / f"{name.replace('-', '_')}.ipynb"


def tables_run(repository: Path, folder: Path, name: str) -> str:
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
    command = [str(Path(sys.executable).with_name("xmodal")), "tables", "run", name, *options]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def shown(notebook: Path) -> str:
    """All text that the notebook's outputs hold."""
    outputs = [out for cell in nbformat.read(notebook, as_version=4).cells for out in cell.get("outputs", [])]
    parts = [out.get("text", "") or out.get("data", {}).get("text/markdown", "") for out in outputs]
    return "\n".join(parts)


def test_the_table_has_every_row_with_a_number(table_run: tuple[str, Path, Path]):
    name, _, notebook = table_run
    text = shown(notebook)
    table = load_table(name)
    for row in table.run_rows:
        lines = [line for line in text.splitlines() if line.startswith(f"| {row.label} |")]
        assert len(lines) >= len(table.protocols), row.label
        assert not any("not run" in line for line in lines), row.label
    assert "synthetic" in text


def test_a_second_call_repeats_no_run_and_no_test(repository: Path, table_run: tuple[str, Path, Path]):
    name, store, notebook = table_run
    before = {path: path.stat().st_mtime_ns for path in store.glob("*/*.json")}
    assert before
    tables_run(repository, notebook.parents[1], name)
    assert {path: path.stat().st_mtime_ns for path in store.glob("*/*.json")} == before


def test_an_unknown_table_is_refused_in_one_line(repository: Path):
    command = [str(Path(sys.executable).with_name("xmodal")), "tables", "run", "no-such-table"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no-such-table" in done.stderr and "marrnet-t1" in done.stderr and "Traceback" not in done.stderr
