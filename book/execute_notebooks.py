"""Run notebooks from their .py sources and store what they show in their .ipynb twins.

    python book/execute_notebooks.py [notebooks/NN_name.py ...]      (without names: all of them)

Each runs in a fresh kernel, in its own folder. A twin is written only when every cell has run; it keeps no
times, no paths and no version of the kernel, so running again without a change changes nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
CELL_SECONDS = 600


def execute(source: Path) -> Path:
    """Run one notebook; return the path of its twin.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed; the old twin stays as it was.
    """
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"  # jupytext draws a new one at random each time
    resources = {"metadata": {"path": str(source.parent)}}
    client = NotebookClient(
        notebook, timeout=CELL_SECONDS, kernel_name="python3", resources=resources, record_timing=False
    )
    client.execute()
    notebook.metadata["language_info"].pop("version", None)
    twin = source.with_suffix(".ipynb")
    nbformat.write(notebook, twin)
    return twin


def main(names: list[str]) -> None:
    """Run the notebooks named, or all."""
    sources = [Path(name).resolve() for name in names] or sorted((ROOT / "notebooks").rglob("*.py"))
    for source in sources:
        started = perf_counter()
        twin = execute(source)
        print(f"{twin.relative_to(ROOT)}: {perf_counter() - started:.0f} s, {twin.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
