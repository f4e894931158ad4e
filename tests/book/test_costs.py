"""The tables of costs are what the stored records and measurements give."""

import contextlib
import importlib.util
from pathlib import Path

import pytest

from xmodal_lite.benchmarks import data_set, names
from xmodal_lite.errors import SpecError
from xmodal_lite.experiments import load_table, resolve, table_names
from xmodal_lite.experiments.spec import RunRecord, RunSpec
from xmodal_lite.models import model_names

ROOT = Path(__file__).resolve().parents[2]


def load_script():
    spec = importlib.util.spec_from_file_location("make_costs", ROOT / "book" / "make_costs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_costs = load_script()


@pytest.fixture
def records() -> list[RunRecord]:
    spec = {"benchmark": "rruff", "data": "synthetic:0123", "protocol": "A", "profile": "tiny"}
    common = {
        "protocol": "A", "metrics": {"a": 0.5}, "trials": [{"a": 0.5}], "losses": {}, "parameters": 1,
        "fingerprint": "0123", "code": "0", "commit": "", "versions": {}, "threads": 1, "finished": "",
    }  # fmt: skip
    costs = [("marrnet", 4.0, 300.2), ("marrnet", 6.6, 290.0), ("cca", 0.2, 150.0)]
    return [
        RunRecord(
            spec=RunSpec(method=method, seed=seed, recipe=resolve(method, "rruff", "tiny", {}), **spec),
            device="Some CPU, 1 threads",
            seconds=seconds,
            peak_memory_mb=memory,
            **common,
        )
        for seed, (method, seconds, memory) in enumerate(costs)
    ]


def test_the_committed_tables_are_what_is_stored():
    written = make_costs.costs_table(make_costs.stored_runs())
    assert make_costs.RUNS.read_text(encoding="utf-8") == written, "run: python book/make_costs.py"
    written = make_costs.parts_table(make_costs.stored_parts())
    assert make_costs.PARTS.read_text(encoding="utf-8") == written, "run: python book/make_costs.py"
    written = make_costs.paper_table(make_costs.stored_parts(), make_costs.stored_runs())
    assert make_costs.PAPER.read_text(encoding="utf-8") == written, "run: python book/make_costs.py"
    written = make_costs.memory_table(make_costs.stored_parts(), make_costs.stored_runs())
    assert make_costs.MEMORY.read_text(encoding="utf-8") == written, "run: python book/make_costs.py"


def test_every_recipe_is_counted_as_it_is_today():
    """Steps are the recipe's; a new schedule, or a new row of a table, asks for the count to be made again."""
    stored = {
        row["what"]: row["steps"]
        for one in make_costs.stored_parts()
        if one["benchmark"] == make_costs.COUNTS
        for row in one["rows"]
    }
    today = {}
    for benchmark in filter(lambda name: data_set(name).synthetic, names()):
        for method in model_names():
            with contextlib.suppress(SpecError):
                today[f"{method} {benchmark}"] = resolve(method, benchmark, "paper", {}).steps
    tables = [load_table(name) for name in table_names()]
    shown = {f"{row.method} {table.benchmark}" for table in tables for row in table.run_rows}
    assert stored.items() <= today.items(), "run: python perf/operation_counts.py"
    assert shown & today.keys() <= stored.keys(), "run: python perf/operation_counts.py"


def test_a_measured_run_replaces_its_estimate(records: list[RunRecord]):
    counted = {"benchmark": make_costs.COUNTS, "rows": [COUNTED]}
    (line,) = [line for line in make_costs.paper_table([counted], []).splitlines() if "rruff" in line]
    # a step on the T4: 4 TFLOP at 0.27 x 65 TFLOP/s and 22.4 GB at 0.47 x 320 GB/s, so 0.377 s
    assert line.startswith("| marrnet rruff | 600 | ≈\u00a03.8 |")
    assert line.endswith("| ≈\u00a03 | 3 |")
    spec = records[0].spec.model_copy(update={"profile": "paper"})
    run = records[0].model_copy(
        update={"spec": spec, "device": "Tesla T4", "seconds": 90.0, "peak_memory_mb": 1234.0}
    )
    table = make_costs.paper_table([counted], [run])
    assert "| **1.5** whole run |" in table and "| **1.29** |" in table and "≈" in table
    other = run.model_copy(update={"device": "Some CPU"})
    assert "**" not in make_costs.paper_table([counted], [other])


def test_a_card_names_the_fewest_micro_batches_that_fit(records: list[RunRecord]):
    # 1 GB for any batch, 8 GB for the full batch: 9, 5 and 3 GB; 1.5 times that must fit
    large = COUNTED | {"kept_MB": 8000.0, "cache_MB": 5000.0}
    counted = {"benchmark": make_costs.COUNTS, "rows": [large]}
    table = make_costs.memory_table([counted], [])
    assert "| marrnet, rruff | ≈\u00a09 | ≈\u00a05 | ≈\u00a03 |" in table
    # the 5 GB of images leave 10 of 15 GB, and are not kept on 8 GB
    assert "- 8 GB: every step with its full batch, except marrnet rruff: `grad_accumulation=2`." in table
    assert (
        "- 16 GB (T4): every step with its full batch, except marrnet rruff: `grad_accumulation=2`." in table
    )
    assert "- 40 or 80 GB: every step with its full batch." in table
    assert "| rruff | 64 | 1 | 63 | 31 | 15 |" in table
    small = large | {"state_MB": 6000.0}
    told = make_costs.memory_table([counted | {"rows": [small]}], [])
    assert "- 8 GB: every step with its full batch, except marrnet rruff: does not fit." in told
    assert (
        "- 16 GB (T4): every step with its full batch, except marrnet rruff: `grad_accumulation=16`." in told
    )
    spec = records[0].spec.model_copy(update={"profile": "paper", "overrides": {"grad_accumulation": 2}})
    run = records[0].model_copy(update={"spec": spec, "device": "Tesla T4", "peak_memory_mb": 4096.0})
    assert "| ≈\u00a09 | **4.29** | ≈\u00a03 |" in make_costs.memory_table([counted], [run])


def test_a_step_of_small_operations_takes_the_time_to_start_them():
    small = COUNTED | {"GFLOP": 0.1, "moved_MB": 0.1, "operations": 3000}
    for card in make_costs.CARDS.values():
        assert make_costs._step_seconds(small, card) == pytest.approx(0.12)
        replayed = small | {"what": "marrnet regdb"}
        assert make_costs._step_seconds(replayed, card) < 0.001


def test_a_step_that_was_measured_gives_the_minutes_of_its_card_and_method():
    counted = {"benchmark": make_costs.COUNTS, "rows": [COUNTED | {"what": "mun regdb", "steps": 5184}]}
    name = "bf16, {}resnet50, 64 x 288 x 144"
    times = {"mun, " + name.format("replayed, "): 0.05, "mun, " + name.format(""): 0.1}
    rows = [{"what": what, "step_s": seconds, "peak_MB": 7000.0} for what, seconds in times.items()]
    step = {"benchmark": "training step", "device": "NVIDIA H100 80GB HBM3", "rows": rows}
    told = make_costs.paper_table([counted, step], [])
    assert told.count("**4.3** from a step") == told.count("**4.3**") == 1
    assert "| **7** | 3 |" in told  # GB, where the estimate is 3
    assert "| mun, regdb | **7** | ≈" in make_costs.memory_table([counted, step], [])
    rows[0]["step_s"] = None  # a case that failed
    assert "**" not in make_costs.paper_table([counted, step], [])


def test_a_measured_step_is_set_beside_the_limits_of_its_card():
    row = COUNTED | {
        "what": "mun sysu-mm01",
        "GFLOP": 2000.0,
        "moved_MB": 16750.0,
    }  # 2.02 and 5 ms on an H100
    what = "mun, bf16, replayed, resnet50, 64 x 288 x 144"
    step = {
        "benchmark": "training step",
        "device": "NVIDIA H100 80GB HBM3",
        "rows": [{"what": what, "step_s": 0.02, "peak_MB": 1.0}],
    }
    counted = {"benchmark": make_costs.COUNTS, "rows": [row]}
    told = make_costs.paper_table([counted, step], [])
    assert "the MFU is at most 40 %. Measured: 20 ms, MFU 10 %." in told
    assert "Measured:" not in make_costs.paper_table([counted], [])


def test_without_counts_it_is_said_how_to_count():
    assert "operation_counts.py" in make_costs.paper_table([], [])
    assert "operation_counts.py" in make_costs.memory_table([], [])


def test_without_records_nothing_is_claimed():
    assert "not measured" in make_costs.costs_table([])
    assert "not measured" in make_costs.parts_table([])


def test_a_run_in_two_tables_counts_once(records: list[RunRecord]):
    assert make_costs.costs_table(records * 2) == GOLDEN


def test_table_of_three_runs(records: list[RunRecord]):
    assert make_costs.costs_table(records) == GOLDEN


def test_each_machine_has_a_table_of_its_own(records: list[RunRecord]):
    other = records[0].model_copy(update={"device": "A GPU", "seconds": 1.0})
    first, second = make_costs.costs_table([*records[1:], other]).split("**Some CPU, 1 threads**")
    assert first.startswith("**A GPU**") and "| 1 s | 1 s |" in first and "cca" not in first
    assert "| cca |" in second and "| 7 s | 7 s |" in second


def test_what_was_measured_is_shown_and_what_was_not_is_told_how_to_measure():
    rows = [
        {"what": "a step", "plain_ms": 1234.5, "ours_ms": 0.1234, "ratio": 10000.0, "peak_of_MB": None},
        {"what": "an epoch", "plain_ms": 3.0, "ours_ms": 2.0, "ratio": 1.5, "peak_of_MB": 12.0},
    ]
    cpu = {"benchmark": "data path", "device": "cpu", "threads": 2, "versions": {"python": "3"}, "rows": rows}
    gpu = cpu | {"device": "Some GPU", "threads": 1, "rows": rows[1:]}
    assert make_costs.parts_table([cpu]) == PARTS
    both = make_costs.parts_table([gpu, cpu])
    assert both.index("CPU, 2 threads") < both.index("Some GPU, 1 thread,") and "not measured" not in both


COUNTED = {
    "what": "marrnet rruff", "steps": 600, "bits": 16, "GFLOP": 4000.0, "moved_MB": 22400.0, "operations": 100,
    "parameters_M": 1.0, "kept_MB": 2000.0, "state_MB": 1000.0, "checkpoint_MB": 1000.0, "cache_MB": 1000.0,
}  # fmt: skip
PARTS = """\
**Data path**

CPU, 2 threads, python 3:

| What | Plain (ms) | Ours (ms) | Ratio | Peak of (MB) |
|:---|---:|---:|---:|---:|
| a step | 1,234 | 0.123 | 10,000 | - |
| an epoch | 3 | 2 | 1.5 | 12 |

On CUDA: not measured. To measure it: `python perf/data_path.py --device cuda \
--output results/perf/data_path-cuda.json`
"""
GOLDEN = """\
**Some CPU, 1 threads**

| Benchmark | Profile | Method | Data | Runs | Median time | Longest | Peak memory |
|:---|:---|:---|:---|---:|---:|---:|---:|
| rruff | `tiny` | cca | synthetic | 1 | 0 s | 0 s | 150 MB |
| rruff | `tiny` | marrnet | synthetic | 2 | 5 s | 7 s | 300 MB |
"""
