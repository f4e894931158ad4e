"""Run two chapters, a run and a table as a reader on Colab does: the notebook alone in an empty folder, cells in order.

    python .ci/colab_notebooks.py FOLDER

Needs nothing but what `.ci/colab` installs: the library's wheel, and Colab's own packages.
"""

from __future__ import annotations

import importlib
import pkgutil
import shutil
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import nbformat
from nbclient import NotebookClient

import xmodal_lite

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
RUNS: dict[str, dict[str, Any]] = {  # a reader's changes to the cell of parameters
    "01_modality_gap.ipynb": {},
    "04_marrnet_raman_ir.ipynb": {},
    "benchmark.ipynb": {"method": "mun"},
    "tables/marrnet_t1.ipynb": {"run": True, "profile": "tiny", "seeds": 1, "store": "runs"},
}
SECONDS = 600  # for a cell


def run(source: Path, folder: Path, parameters: dict[str, Any]) -> list[nbformat.NotebookNode]:
    """Run a notebook in a folder of its own, with parameters set below their cell; return what it shows."""
    folder.mkdir(parents=True)
    notebook = nbformat.read(shutil.copy(source, folder), as_version=4)
    place = [n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    if parameters:
        text = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
        notebook.cells.insert(place[0] + 1, nbformat.v4.new_code_cell(text))
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=resources).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def main(folder: Path) -> None:
    """Import every module, then run the notebooks."""
    home = Path(xmodal_lite.__file__).resolve()
    assert "site-packages" in home.parts, f"not the wheel: {home}"
    names = [info.name for info in pkgutil.walk_packages(xmodal_lite.__path__, "xmodal_lite.")]
    for name in names:
        importlib.import_module(name)
    print(f"Python {sys.version.split()[0]}: {len(names)} modules of {home.parent} imported")
    for number, (name, parameters) in enumerate(RUNS.items()):
        started = perf_counter()
        outputs = run(NOTEBOOKS / name, folder / str(number), parameters)
        assert outputs, f"{name} shows nothing"
        print(f"{name}: {perf_counter() - started:.0f} s, {len(outputs)} outputs", flush=True)
    print("Colab's packages: all of it ran")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
