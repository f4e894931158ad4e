"""The page "Add a data set, a method, a table": its files, lines and commands work in a copy of the checkout."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PAGE = "book/add-your-own.md"
LINE = re.compile(r'^    "[\w-]+": "\w+\.\w+",$', re.MULTILINE)
SHELL = re.compile(r"```bash\n(.*?)```", re.DOTALL)
XMODAL = """
import contextlib, io, json, pathlib, sys
from xmodal_lite import cli

def call(arguments):
    sys.argv, shown = ["xmodal", *arguments], io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        try:
            cli.main()
        except SystemExit as stop:
            return [stop.code or 0, shown.getvalue()]

assert pathlib.Path(cli.__file__).parents[1] == pathlib.Path.cwd()
done = []
for command in json.load(sys.stdin):
    run = next(iter(pathlib.Path("runs").glob("*/record.json")), pathlib.Path("none/yet")).parent.name
    done.append(call([run if word == "HASH" else word for word in command]))
print(json.dumps(done))
"""
BROKEN = [
    "xmodal check shapes broken",
    "xmodal run pair-cosine shapes --data-root broken --profile tiny",
    "xmodal run pair-cosine shapes --profile tiny",
]


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def checkout(repository: Path, page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which a reader did what the page says, up to the commands of `xmodal`."""
    root = tmp_path_factory.mktemp("guide")
    for name in ("xmodal_lite", "tests/guide"):
        shutil.copytree(repository / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "notebooks" / "tables").mkdir(parents=True)
    for command in commands(page):
        if command[0] != "xmodal":
            program = [sys.executable] if command[0] == "python" else command[:1]
            subprocess.run([*program, *command[1:]], cwd=root, check=True)
    for line, package, registry in zip(
        LINE.findall(page), ("benchmarks", "models"), ("_SETS", "_MODELS"), strict=True
    ):
        path = root / "xmodal_lite" / package / "__init__.py"
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(rf"^{registry} = {{.*\n", rf"\g<0>{line}\n", text, flags=re.MULTILINE))
    shutil.copytree(root / "data" / "shapes", root / "broken")
    (root / "broken" / "test.txt").unlink()
    return root


@pytest.fixture(scope="module")
def shown(page: str, checkout: Path) -> dict[str, tuple[int, str]]:
    """Exit status and output of each command, by the command."""
    given = [command for command in commands(page) if command[0] == "xmodal"] + list(map(shlex.split, BROKEN))
    done = subprocess.run(
        [sys.executable, "-c", XMODAL],
        input=json.dumps([command[1:] for command in given]),
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    return {" ".join(command): (code, text) for command, (code, text) in zip(given, results, strict=True)}


def commands(page: str) -> list[list[str]]:
    return [shlex.split(line) for block in SHELL.findall(page) for line in block.splitlines()]


def output(shown: dict[str, tuple[int, str]], start: str) -> str:
    """What the one command that begins so wrote."""
    (found,) = [text for command, (_, text) in shown.items() if command.startswith(start)]
    return found


def test_every_command_of_the_page_succeeds(shown):
    failed = {command: text for command, (code, text) in shown.items() if code and command not in BROKEN}
    assert len(shown) >= 8 + len(BROKEN)
    assert not failed


def test_the_registries_list_what_was_added(shown):
    sets, methods = output(shown, "xmodal benchmarks").splitlines()[:2]
    assert "shapes" in sets and "pair-cosine" in methods


def test_the_check_counts_the_shapes(shown):
    lines = output(shown, "xmodal check shapes data").splitlines()
    assert {" ".join(line.split()) for line in lines} == {
        "training identities 16",
        "training filled images 48",
        "training outline images 48",
        "test identities 8",
        "test filled images 24",
        "test outline images 24",
        "no problem found",
    }


def test_the_method_takes_the_recipe_of_the_family(shown):
    assert "num_identities: 8" in output(shown, "xmodal recipe") and "resnet10" in output(
        shown, "xmodal recipe"
    )


def test_the_record_holds_metrics_and_the_new_loss(checkout, shown):
    (path,) = re.findall(
        r"runs/\w+/record\.json", output(shown, "xmodal run pair-cosine shapes --data-root data")
    )
    record = json.loads((checkout / path).read_text(encoding="utf-8"))
    assert {"id", "tri", "cos"} <= record["losses"].keys()
    assert 0 <= record["losses"]["cos"] <= 2
    assert {"v2r/rank1", "r2v/map"} <= record["metrics"].keys()
    assert record["protocol"].startswith("Shapes synthetic, v2r filled queries")


def test_a_query_is_matched(shown):
    assert re.search(r"shape-\d\d/\d\.png", output(shown, "xmodal match"))


def test_the_table_has_two_rows_and_is_stored(checkout, shown):
    for text in (output(shown, "xmodal tables run"), output(shown, "xmodal tables show")):
        assert "Two-stream" in text and "+ cosine of pairs" in text and "±" in text
    assert len(list((checkout / "results" / "shapes" / "synthetic").glob("*.json"))) == 4
    assert "A loss on pairs, on shapes" in output(shown, "xmodal tables list")


def test_a_folder_without_its_list_is_one_clear_problem(shown):
    problem = "broken/test.txt: no such file; restore it, or the link that leads to it"
    checked, run, no_data = (shown[command] for command in BROKEN)
    assert checked[0] == 1 and re.findall("PROBLEM: (.*)", checked[1]) == [problem]
    assert run == (2, f"error: {problem}\n")
    assert no_data[0] == 2 and "benchmark 'shapes' has no synthetic data set" in no_data[1]


def test_the_page_names_every_folder_and_the_contract(repository, page):
    package = repository / "xmodal_lite"
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == folders
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [one for one in project["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    assert "\n".join(contract["layers"]).replace("xmodal_lite.", "") in page


def test_the_files_that_the_page_names_exist(repository, page):
    named = re.findall(r"{source}`([^`]+)`", page)
    assert len(named) > 10
    assert [path for path in named if not (repository / path).is_file()] == []
