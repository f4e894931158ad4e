"""The speed script of the training step: what comes first, and that what it has measured outlasts its end."""

import importlib
import json
from argparse import Namespace
from pathlib import Path
from types import ModuleType

import pytest

PERF = Path(__file__).resolve().parents[1] / "perf"
DEFAULTS = {
    "method": ["published", "two-stream"], "backbone": "resnet50", "size": (288, 144), "batch": [64],
    "precision": "bf16", "compile": ["no"], "graph": False, "like": "sysu-mm01", "threads": 1,
    "rounds": 1, "output": None,
}  # fmt: skip


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(PERF)
    return importlib.import_module("training_step")


def asked(**options: object) -> Namespace:
    return Namespace(**DEFAULTS | {"device": "cpu"} | options)


def test_what_is_compiled_comes_last_and_the_published_version_never_is(script: ModuleType):
    cases = script.cases_of(asked(batch=[64, 128], compile=["default", "no"]))
    assert [(case.method, case.precision, case.batch, case.compile) for case in cases] == [
        ("published", "no", 64, "no"), ("two-stream", "bf16", 64, "no"),
        ("published", "no", 128, "no"), ("two-stream", "bf16", 128, "no"),
        ("two-stream", "bf16", 64, "default"), ("two-stream", "bf16", 128, "default"),
    ]  # fmt: skip


def test_a_case_that_fails_has_no_numbers_and_the_file_holds_all_cases_so_far(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    output = tmp_path / "new" / "step.json"
    stored = []

    def apart(run: object, case: object) -> object:
        if output.exists():
            stored.append(len(json.loads(output.read_text())["rows"]))
        return None if case.batch == 128 else script.Measured(2.0, 4.0, 100.0, 10**12)

    monkeypatch.setattr(script, "apart", apart)
    chosen = asked(batch=[64, 128, 256], output=output)
    found = {}
    script.measure_in_turns(script.cases_of(chosen), chosen, found)
    table = json.loads(output.read_text())
    assert stored == [1, 2, 3, 4, 5]
    assert [row["step_s"] for row in table["rows"]] == [2.0, 2.0, None, None, 2.0, 2.0]
    assert table["benchmark"] == "training step" and table["rows"][1]["ratio"] == 1.0
    assert not list(tmp_path.rglob("*.part"))


def test_of_several_rounds_the_best_counts(script: ModuleType, monkeypatch: pytest.MonkeyPatch):
    times = iter([3.0, 2.0, None, None, 1.0, 4.0])
    monkeypatch.setattr(
        script, "apart", lambda *_: (t := next(times)) and script.Measured(t, t, 100.0, 10**12)
    )
    found, chosen = {}, asked(rounds=3)
    script.measure_in_turns(script.cases_of(chosen), chosen, found)
    assert [measured.seconds for measured in found.values()] == [1.0, 2.0]


def test_whatever_goes_wrong_in_a_case_is_told_and_the_others_go_on(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
):
    def fails(case: str) -> None:
        raise ValueError("no compiler\nand a long story")

    assert script.attempt(fails, "a case") is None
    assert capsys.readouterr().out == "a case: not measured, ValueError: no compiler\n"
