"""The command line: what a user types, what comes back, and one line for each mistake."""

import sys

import pytest
from typer.testing import CliRunner

from xmodal_lite import cli, standins


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(standins.write("rruff", tmp_path_factory.mktemp("cli") / "rruff", identities=24))


def call(*arguments):
    """Run `xmodal ARGUMENTS` in this process."""
    return CliRunner().invoke(cli.app, list(arguments), catch_exceptions=True)


def error_of(monkeypatch, capsys, *arguments):
    """Run `xmodal ARGUMENTS` as the console script does, and return what it wrote to standard error."""
    monkeypatch.setattr(sys, "argv", ["xmodal", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_lists_benchmarks_and_methods():
    shown = call("benchmarks").output
    assert "rruff" in shown and "marrnet" in shown and "kernel-ridge" in shown


def test_standin_then_check_then_run(tmp_path):
    folder = str(tmp_path / "rruff")
    assert "24 identities" in call("standin", "rruff", folder, "--identities", "24").output
    checked = call("check", "rruff", folder)
    assert checked.exit_code == 0 and "no problem found" in checked.output
    shown = call("run", "cosine", "rruff", "--data-root", folder, "--store", str(tmp_path / "runs"))
    assert shown.exit_code == 0
    assert "stand-in protocol A" in shown.output and "rank1" in shown.output


def test_check_tells_every_problem_and_fails(tmp_path):
    for name in ("raman", "infrared"):
        (tmp_path / name).mkdir()
    found = call("check", "rruff", str(tmp_path))
    assert found.exit_code == 1
    assert found.output.count("holds no .txt file") == 2


def test_changes_reach_the_run(tmp_path, root):
    changes = ["--set", "steps=3", "--set", "identities=4", "--set", 'model.losses=["id","tri"]']
    shown = call(
        "run",
        "marrnet",
        "rruff",
        "--profile",
        "tiny",
        "--data-root",
        root,
        "--store",
        str(tmp_path),
        *changes,
    )
    assert shown.exit_code == 0, shown.output
    (record,) = tmp_path.glob("*/record.json")
    assert '"steps": 3' in record.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "marnet", "rruff"), "unknown method 'marnet'"),
        (("run", "marrnet", "rruf"), "unknown benchmark 'rruf'"),
        (("run", "marrnet", "rruff", "--profile", "huge"), "unknown profile 'huge'"),
        (("run", "marrnet", "rruff", "--set", "stepz=1"), "stepz"),
        (("run", "marrnet", "rruff", "--set", "steps"), "--set takes NAME=VALUE"),
        (("run", "marrnet", "rruff", "--data-root", "no/such/folder"), "no such folder"),
        (("standin", "rruf", "somewhere"), "no stand-in is called 'rruf'"),
        (("download", "sysu-mm01", "somewhere"), "cannot be downloaded"),
        (("tables", "run", "marrnet-t9"), "unknown table 'marrnet-t9'"),
        (("tables", "show", "marrnet-t1", "--results", "no/such"), "no stored runs"),
    ],
)
def test_a_mistake_is_one_line(monkeypatch, capsys, arguments, message):
    error = error_of(monkeypatch, capsys, *arguments)
    assert message in error
    assert error.startswith("error: ") and "Traceback" not in error


def test_an_unknown_protocol_is_one_line(monkeypatch, capsys, root):
    error = error_of(monkeypatch, capsys, "run", "cosine", "rruff", "--data-root", root, "--protocol", "C")
    assert "no protocol 'C'; known: A, B" in error


def test_tables_are_listed():
    assert "marrnet-t1" in call("tables", "list").output
