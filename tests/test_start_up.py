"""Commands that compute nothing answer at once: torch and what else takes its time is not loaded by them."""

import resource
import subprocess
import sys

import pytest

SLOW = ("torch", "pandas", "scipy", "sklearn", "matplotlib", "accelerate", "PIL", "dask", "distributed")
COMMANDS = ["--help", "benchmarks", "tables list", "recipe marrnet rruff", "recipe cca cufs --profile paper"]
FACTOR = (
    8  # times what the interpreter takes to load typer: a shared machine is slow, torch would be far more
)


def loaded_by(code: str) -> set[str]:
    """Top-level modules that are loaded after some lines of Python."""
    lines = [code, "import sys", "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"]
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("LOADED")[2].split())


def seconds(*arguments: str) -> float:
    """Least processor time of a Python process, of three."""
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_computes_nothing_loads_nothing_slow(command):
    code = f"from xmodal_lite import cli\ntry: cli.app({command.split()!r})\nexcept SystemExit: pass"
    assert not loaded_by(code) & set(SLOW)


def test_the_package_itself_loads_nothing():
    assert not loaded_by("import xmodal_lite") & {*SLOW, "numpy", "pydantic", "typer"}


def test_a_recipe_is_validated_without_torch():
    code = "from xmodal_lite.experiments import resolve\nresolve('mun', 'sysu-mm01', 'paper', {'lr': 0.1})"
    assert not loaded_by(code) & set(SLOW)


def test_commands_take_little_processor_time():
    typer = seconds("-c", "import typer")
    assert seconds("-c", "import xmodal_lite") < 2 * typer
    for command in COMMANDS:
        assert seconds("-m", "xmodal_lite.cli", *command.split()) < FACTOR * typer, command
