"""A fidelity ledger must be whole, point at code that exists, and be what its page shows."""

import importlib.util
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
LEDGERS = sorted((ROOT / "book" / "ledgers").glob("*.yml"))


def load_script():
    spec = importlib.util.spec_from_file_location("make_ledgers", ROOT / "book" / "make_ledgers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_ledgers = load_script()


@pytest.fixture
def statement() -> dict:
    return {"statement": "S.", "mark": "ours", "why": "W.", "code": [], "effect": "not measured"}


def write(folder: Path, **changed) -> Path:
    path = folder / "paper.yml"
    ledger = {"title": "Fidelity: a paper", "paper": "key2024", "summary": "Nothing is known.", **changed}
    path.write_text(yaml.safe_dump(ledger), encoding="utf-8")
    return path


def test_there_is_a_ledger():
    assert LEDGERS


@pytest.mark.parametrize("path", LEDGERS, ids=lambda path: path.stem)
def test_the_committed_page_is_what_the_ledger_gives(path: Path):
    written = make_ledgers.page(make_ledgers.read_ledger(path), f"book/ledgers/{path.name}")
    committed = (ROOT / "book" / f"fidelity-{path.stem}.md").read_text(encoding="utf-8")
    assert committed == written, "run: python book/make_ledgers.py"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mark": "certain"}, "mark"),
        ({"why": None}, "why"),
        ({"code": ["xmodal_lite/errors.py::NoSuchError"]}, "NoSuchError"),
        ({"code": ["xmodal_lite/no_such_file.py::f"]}, "no_such_file"),
        ({"effect": {"table": "no-such-table", "row": "r"}}, "no-such-table"),
        ({"effect": "large"}, "effect"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_ledger_that_is_wrong_is_refused(tmp_path: Path, statement: dict, change: dict, message: str):
    path = write(tmp_path, statements=[statement | change])
    with pytest.raises(make_ledgers.LedgerError, match=f"paper.yml.*{message}|paper.yml(.|\n)*{message}"):
        make_ledgers.read_ledger(path)


def test_an_empty_ledger_is_refused(tmp_path: Path):
    with pytest.raises(make_ledgers.LedgerError, match="statements"):
        make_ledgers.read_ledger(write(tmp_path, statements=[]))


def test_pointers_reach_classes_and_their_methods():
    assert make_ledgers.points_somewhere("xmodal_lite/errors.py::DataError")
    assert make_ledgers.points_somewhere("book/make_ledgers.py::MARKS")
    assert make_ledgers.points_somewhere("tests/book/test_build.py::Links.handle_starttag")
    assert not make_ledgers.points_somewhere("tests/book/test_build.py::Links.no_such_method")


def test_page_of_a_small_ledger(tmp_path: Path, statement: dict):
    known = statement | {"mark": "known", "code": ["xmodal_lite/errors.py::DataError"]}
    ledger = make_ledgers.read_ledger(write(tmp_path, statements=[statement, known]))
    assert make_ledgers.page(ledger, "paper.yml") == GOLDEN


GOLDEN = """\
% Written by book/make_ledgers.py from paper.yml: edit that file, then run the script.

# Fidelity: a paper

Paper: {cite:t}`key2024`. Nothing is known.

| Mark | Statements | Meaning |
|:---|---:|:---|
| {bdg-success}`known` | 1 | stated in the paper's abstract, or quoted from it by other papers |
| {bdg-info}`second-hand` | 0 | read in a summary of the full text, not in the text itself |
| {bdg-warning}`ours` | 1 | the sources do not say; this is our choice, not to be taken for the paper's |

## Known

Stated in the paper's abstract, or quoted from it by other papers.

S.
: {bdg-success}`known` W.

  Code: `DataError` in {source}`xmodal_lite/errors.py`. Effect: not measured.

## Ours

The sources do not say; this is our choice, not to be taken for the paper's.

S.
: {bdg-warning}`ours` W.

  Code: not built yet. Effect: not measured.
"""
