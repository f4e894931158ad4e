"""The library imports where only Colab's own packages are: no papermill, no jupytext, no Sphinx, no Dask."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

COLAB = {
    "accelerate", "filelock", "matplotlib", "numpy", "pandas", "platformdirs", "pooch", "pydantic", "pyyaml", "rich",
    "safetensors", "scikit-learn", "scipy", "seaborn", "torch", "torchvision", "tqdm", "typer",
}  # fmt: skip

IMPORT_ALL = """
import importlib, pkgutil, sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is not on Colab", name=name)

BLOCKED = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Block())
import xmodal_lite
names = [info.name for info in pkgutil.walk_packages(xmodal_lite.__path__, "xmodal_lite.")]
for name in names:
    importlib.import_module(name)
assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}
print(len(names))
"""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def with_dependencies(names: set[str]) -> set[str]:
    """Names of the distributions, and of everything that they need without extras."""
    found, waiting = set(), {canonical(name) for name in names}
    while waiting:
        name = waiting.pop()
        found.add(name)
        try:
            needs = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:  # needed on another system only
            continue
        needs = [need for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
        waiting |= {canonical(need.name) for need in needs} - found
    return found


def blocked_modules() -> set[str]:
    """Top-level modules of every installed package that Colab does not have, ours left out."""
    allowed = with_dependencies(COLAB) | {"xmodal-lite"}
    return {
        module for module, owners in packages_distributions().items()
        if not {canonical(owner) for owner in owners} & allowed
    }  # fmt: skip


def import_all(blocked: set[str]) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", IMPORT_ALL, ",".join(sorted(blocked))]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_library_depends_on_what_colab_has(repository: Path):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert {canonical(Requirement(text).name) for text in project["dependencies"]} == COLAB


def test_the_packages_that_colab_lacks_are_blocked():
    assert {"papermill", "jupytext", "nbclient", "sphinx", "dask", "hypothesis"} <= blocked_modules()


def test_every_module_imports_with_colab_packages_alone():
    done = import_all(blocked_modules())
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5


def test_the_block_is_noticed():
    done = import_all(blocked_modules() | {"numpy"})
    assert done.returncode != 0 and "numpy is not on Colab" in done.stderr
