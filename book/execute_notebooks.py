"""Execute notebooks from their .py sources and store the outputs in the paired .ipynb files.

    python book/execute_notebooks.py [notebooks/NN_name.py ...]      (without names: all of them)

Each runs in a fresh kernel, in its own folder. The .ipynb file is written only if every cell has run. It holds no
times, no paths and no version of the kernel, so a second run without a change changes nothing.
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
    """Execute one notebook; return the path of its .ipynb file.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed; the old .ipynb file is left unchanged.
    """
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"  # jupytext generates a random one each time
    resources = {"metadata": {"path": str(source.parent)}}
    client = NotebookClient(
        notebook, timeout=CELL_SECONDS, kernel_name="python3", resources=resources, record_timing=False
    )
    client.execute()
    notebook.metadata["language_info"].pop("version", None)
    paired = source.with_suffix(".ipynb")
    nbformat.write(notebook, paired)
    return paired


def main(names: list[str]) -> None:
    """Run the notebooks named, or all."""
    sources = [Path(name).resolve() for name in names] or sorted((ROOT / "notebooks").rglob("*.py"))
    for source in sources:
        started = perf_counter()
        paired = execute(source)
        print(
            f"{paired.relative_to(ROOT)}: {perf_counter() - started:.0f} s, {paired.stat().st_size // 1024} kB"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
