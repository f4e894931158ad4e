"""Records travel in the wheel: an installed package shows a table's numbers without a checkout."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from xmodal_lite.experiments import provenance, stored_table
from xmodal_lite.experiments.store import PACKAGED, results_folder

SHOW = """
import sys
from pathlib import Path
import xmodal_lite
from xmodal_lite.experiments import stored_table
print(Path(xmodal_lite.__file__).parent)
print(stored_table("agw-sysu", "../../results").markdown("synthetic"))
assert "torch" not in sys.modules
"""


def test_the_wheel_takes_the_records_along(repository: Path):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    forced = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert forced == {"results": PACKAGED.relative_to(repository).as_posix()}
    assert (repository / "results").is_dir()


def test_a_package_without_a_checkout_shows_its_records_and_needs_no_torch(repository: Path, tmp_path: Path):
    """What the wheel unpacks to: the package with the records below it, far from any checkout."""
    package = tmp_path / "site" / "xmodal_lite"
    shutil.copytree(provenance.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "emoji"))
    shutil.copytree(repository / "results", package / "results")
    work = tmp_path / "a" / "b"
    work.mkdir(parents=True)
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    command = [sys.executable, "-c", SHOW]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=True)
    place, _, shown = done.stdout.partition("\n")
    assert Path(place) == package
    assert shown.strip() == stored_table("agw-sysu", repository / "results").markdown("synthetic")
    assert "10 runs" in shown and "CAJ augmentation" in shown


def test_the_folder_of_a_checkout_comes_first(tmp_path: Path, monkeypatch):
    packaged = tmp_path / "packaged"
    monkeypatch.setattr("xmodal_lite.experiments.store.PACKAGED", packaged)
    assert results_folder(tmp_path / "none") == tmp_path / "none"
    packaged.mkdir()
    assert results_folder(tmp_path / "none") == packaged
    (tmp_path / "own").mkdir()
    assert results_folder(tmp_path / "own") == tmp_path / "own"
