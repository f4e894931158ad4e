"""Two short runs, of images and of spectra."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import Benchmark, load
from xmodal_lite.experiments import RunRecord, RunStore, make_spec, run


@dataclass(frozen=True)
class Finished:
    """A finished run and what it was made of."""

    folder: Path
    record: RunRecord
    data: Benchmark
    root: Path


def finish(name: str, method: str, root: Path, changes: dict, **settings) -> Finished:
    data = load(name, root / "data", **settings)
    spec = make_spec(method, data, protocol=data.protocols[0], profile="tiny", seed=0, overrides=changes)
    store = RunStore(root / "runs")
    return Finished(store.folder(spec), run(spec, data, store), data, root / "data")


@pytest.fixture(scope="session")
def image_run(tmp_path_factory) -> Finished:
    """The enhancing network after two steps on ten synthetic people."""
    root = tmp_path_factory.mktemp("images")
    synthetic.write("regdb", root / "data", identities=10, images=2)
    return finish("regdb", "enhancing", root, {"steps": 2}, size=(64, 32))


@pytest.fixture(scope="session")
def spectrum_run(tmp_path_factory) -> Finished:
    """MarrNet, which averages its weights, after five steps on 24 synthetic minerals."""
    root = tmp_path_factory.mktemp("spectra")
    synthetic.write("rruff", root / "data", identities=24)
    return finish("rruff", "marrnet", root, {"steps": 5, "num_identities": 6})
