"""A data set is one file that states everything about itself; splits are drawn once."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from xmodal_lite import benchmarks, synthetic
from xmodal_lite.benchmarks.base import Benchmark, Split, TableBuilder
from xmodal_lite.benchmarks.division import divide, make_split
from xmodal_lite.benchmarks.image_set import FACE_SIZES, ImageSet, Scan, Splitters
from xmodal_lite.benchmarks.layout import present_images
from xmodal_lite.data.problems import Problems
from xmodal_lite.errors import DataError, SpecError
from xmodal_lite.evaluation import RetrievalTask
from xmodal_lite.experiments import resolve


class Toy(ImageSet):
    """Two folders; identities whose name begins with "a" train."""

    name = "toy"
    title = "Toy"
    family = "faces"
    modalities = ("day", "night")
    colours = ("any", "grey")
    folders = ("day", "night")
    image_sizes = FACE_SIZES
    totals = {"images": 16}  # noqa: RUF012

    def scan(self, root: Path, problems: Problems) -> Scan:
        rows = TableBuilder()
        for modality, folder in enumerate(self.folders):
            for path in present_images(root, folder, problems, self.remedy):
                rows.add(path, path.split("/")[1], modality, modality)
        table = rows.table()
        training = np.array([path.split("/")[1].startswith("a") for path in table.path.tolist()])
        return Scan(table, {("", 0): divide(training, str(root))}, (), self.modalities)

    def count(self, root: Path, scan: Scan) -> dict[str, int]:
        return {"images": len(scan.table)}

    def splitters(self, root: Path, scan: Scan, data: str) -> Splitters:
        return {"plain": partial(split_toy, data, scan)}


def split_toy(data: str, scan: Scan, benchmark: Benchmark, seed: int) -> Split:
    division = scan.divisions["", 0]
    night = benchmark.table.modality[division.test] == 1
    tasks = [RetrievalTask("r2v", np.flatnonzero(night), (np.flatnonzero(~night),))]
    return make_split(benchmark, "plain", seed, division, tasks, ["images"], data)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, face: Callable[..., Path]) -> Path:
    file = ModuleType("xmodal_lite.benchmarks.toy")
    file.TOY = Toy()
    monkeypatch.setitem(sys.modules, file.__name__, file)
    monkeypatch.setitem(benchmarks._SETS, "toy", "toy.TOY")  # the one line of the registry
    for folder in ("day", "night"):
        for who in ("a1", "a2", "b1", "b2"):
            for k in range(2):
                face(tmp_path / "toy" / folder / who / f"{k}.png", k, grey=folder == "night")
    return tmp_path / "toy"


def test_a_set_of_one_file_loads_checks_and_has_recipes(toy: Path) -> None:
    assert list(benchmarks.check("toy", toy)) == []
    benchmark = benchmarks.load("toy", toy)
    assert benchmark.samples.shape == (16, 3, 112, 112)
    split = benchmark.split("plain", 0)
    assert split.evaluate(np.eye(4)[benchmark.table.identity[split.test]]).metrics["r2v/rank1"] == 1
    assert resolve("two-stream", "toy", "tiny", {}).image_size == (32, 32)
    (toy / "day/b1/1.png").unlink()
    (problem,) = benchmarks.check("toy", toy)
    assert problem.startswith(f"{toy}: not the whole set: 15 images where the whole set has 16 (1 missing)")
    (toy / "night/b1/0.png").write_bytes((toy / "day/b1/0.png").read_bytes())
    with pytest.raises(DataError, match=r"night/b1/0\.png: is in colour"):
        benchmarks.load("toy", toy)


def test_a_split_is_drawn_once(toy: Path) -> None:
    benchmark = benchmarks.load("toy", toy)
    assert benchmark.split("plain", 3) is benchmark.split("plain", 3)
    assert benchmark.split("plain", 3) is not benchmark.split("plain", 4)
    with pytest.raises(SpecError, match="0 or more"):
        benchmark.split("plain", -1)


def test_every_set_states_what_experiments_read() -> None:
    for name in benchmarks.names():
        data = benchmarks.data_set(name)
        assert (data.name, len(data.modalities), len(data.colours)) == (name, 2, 2)
        assert data.family in ("people", "faces", "spectra", "drawings", "folder")
        assert bool(data.synthetic) == (name in synthetic.names())
        assert set(data.image_sizes) in (set(), {"tiny", "demo", "paper"})
        assert (data.steps_per_epoch > 0) == (data.family in ("people", "folder"))
    assert benchmarks.data_set("tufts").aligned and not benchmarks.data_set("casia-nir-vis").aligned
    with pytest.raises(SpecError, match="no benchmark 'none'; choose one of: rruff"):
        benchmarks.data_set("none")
