"""The library imports where only Colab's own packages are: no papermill, no jupytext, no Sphinx, no Dask."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

COLAB = {
    "accelerate", "filelock", "matplotlib", "numpy", "pandas", "pillow", "platformdirs", "pooch", "pydantic", "pyyaml",
    "rich", "safetensors", "scikit-learn", "scipy", "seaborn", "torch", "torchvision", "tqdm", "typer",
}  # fmt: skip

IMPORT_ALL = """
import importlib, pkgutil, sys
from importlib.machinery import PathFinder

class Colab(PathFinder):
    # what is not on Colab is not found, by an import or by a library that asks whether it is there
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in BLOCKED else super().find_spec(name, path, target)

BLOCKED = set(sys.argv[1].split(","))
sys.meta_path[sys.meta_path.index(PathFinder)] = Colab
import xmodal_lite
from xmodal_lite.experiments import load_table, table_names
assert [load_table(name) for name in table_names()]
names = [info.name for info in pkgutil.walk_packages(xmodal_lite.__path__, "xmodal_lite.")]
for name in names:
    importlib.import_module(name)
assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}
print(len(names), xmodal_lite.__file__)
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


def import_all(blocked: set[str], folder: Path | None = None) -> subprocess.CompletedProcess:
    """Import every module: of the checkout, or of a folder that holds the package."""
    command = [sys.executable, "-c", IMPORT_ALL, ",".join(sorted(blocked))]
    where = {} if folder is None else {"PYTHONPATH": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=os.environ | where)


@pytest.fixture(scope="module")
def unpacked_wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as pip builds it from the checkout, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder), str(repository)]
    done = subprocess.run(command, capture_output=True, text=True)
    if "No matching distribution found for hatchling" in done.stderr:
        pytest.skip("pip cannot fetch the build tool hatchling here, which needs a network")
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_library_depends_on_what_colab_has(repository: Path):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert {canonical(Requirement(text).name) for text in project["dependencies"]} == COLAB


def test_the_packages_that_colab_lacks_are_blocked():
    assert {"papermill", "jupytext", "nbclient", "sphinx", "dask", "hypothesis"} <= blocked_modules()


def test_every_module_imports_with_colab_packages_alone():
    done = import_all(blocked_modules())
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 5


def test_the_wheel_imports_with_colab_packages_alone_and_lacks_no_file(
    unpacked_wheel: Path, repository: Path
):
    done = import_all(blocked_modules(), unpacked_wheel)
    assert done.returncode == 0, done.stderr
    number, home = done.stdout.split()
    assert Path(home).is_relative_to(unpacked_wheel)
    assert int(number) == int(import_all(blocked_modules()).stdout.split()[0])
    kept = [
        path for path in (repository / "xmodal_lite").rglob("*") if path.suffix in (".py", ".yml", ".typed")
    ]
    assert [path for path in kept if not (unpacked_wheel / path.relative_to(repository)).exists()] == []


def test_colab_runs_what_we_say_it_has(repository: Path):
    """The list that `make colab` installs has every requirement, at a version that pyproject.toml allows."""
    lines = (repository / ".ci" / "colab-packages.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    versions = {canonical(name): version for name, version in pins.items()}
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for need in map(Requirement, project["dependencies"]):
        assert need.specifier.contains(versions[canonical(need.name)]), need


def test_the_block_is_noticed():
    done = import_all(blocked_modules() | {"numpy"})
    assert done.returncode != 0 and "No module named 'numpy'" in done.stderr
