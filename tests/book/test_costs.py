"""The table of costs is what the stored records give."""

import importlib.util
from pathlib import Path

import pytest

from xmodal_lite.experiments.spec import RunRecord, RunSpec
from xmodal_lite.experiments.store import read_records

ROOT = Path(__file__).resolve().parents[2]


def load_script():
    spec = importlib.util.spec_from_file_location("make_costs", ROOT / "book" / "make_costs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_costs = load_script()


@pytest.fixture
def records() -> list[RunRecord]:
    spec = {"benchmark": "rruff", "data": "stand-in:0123", "protocol": "A", "profile": "tiny"}
    common = {
        "protocol": "A", "metrics": {}, "draws": [], "losses": {}, "parameters": 1, "fingerprint": "0",
        "code": "0", "commit": "", "versions": {}, "threads": 1, "finished": "",
    }  # fmt: skip
    costs = [("marrnet", 4.0, 300.2), ("marrnet", 6.6, 290.0), ("cca", 0.2, 150.0)]
    return [
        RunRecord(
            spec=RunSpec(method=method, seed=seed, **spec),
            device="Some CPU, 1 threads",
            seconds=seconds,
            peak_memory_mb=memory,
            **common,
        )
        for seed, (method, seconds, memory) in enumerate(costs)
    ]


def test_the_committed_table_is_what_the_records_give():
    written = make_costs.costs_table(read_records(ROOT / "results"))
    assert make_costs.TARGET.read_text(encoding="utf-8") == written, "run: python book/make_costs.py"


def test_without_records_nothing_is_claimed():
    assert "not measured" in make_costs.costs_table([])


def test_table_of_three_runs(records: list[RunRecord]):
    assert make_costs.costs_table(records) == GOLDEN


GOLDEN = """\
| Profile | Method | Data | Runs | Median time | Longest | Peak memory | Machine |
|:---|:---|:---|---:|---:|---:|---:|:---|
| `tiny` | cca | stand-in | 1 | 0 s | 0 s | 150 MB | Some CPU, 1 threads |
| `tiny` | marrnet | stand-in | 2 | 5 s | 7 s | 300 MB | Some CPU, 1 threads |
"""
