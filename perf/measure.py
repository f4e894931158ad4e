"""Size and start-up time of the library against its marks: one table, exit status 1 where a mark is missed.

    python perf/measure.py

Code lines are lines that hold a token of the program: no blank line, no comment, no docstring.
"""

from __future__ import annotations

import ast
import io
import os
import resource
import subprocess
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "xmodal_lite"
CORE = ("losses", "models", "evaluation", "data", "training")
MARKS = {  # each at most this; the first two, lines of code, less than this
    "core": 3500,
    "library without synthetic data": 7400,
    "longest file, lines": 320,
    "longest function, lines": 60,
    "files in experiments/": 12,
    "import xmodal_lite, s of processor": 0.1,
}
COMMANDS = ("--help", "benchmarks", "tables list", "recipe marrnet rruff")
COMMAND_MARK = 0.5  # s of processor
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def docstring_lines(node: ast.AST) -> set[int]:
    """Return the lines of the docstrings of a module, and of all that is defined in it."""
    lines: set[int] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = one.body[0] if one.body else None
            if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
                lines |= set(range(first.lineno, (first.end_lineno or 0) + 1))
    return lines


def code_lines(text: str) -> set[int]:
    """Return the numbers of the lines that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return lines - docstring_lines(ast.parse(text))


def longest_function(path: Path) -> tuple[int, str]:
    """Return the length and the name of a file's longest function: its lines of code, signature included."""
    text = path.read_text(encoding="utf-8")
    code = code_lines(text)
    found = [
        (len(code & set(range(one.lineno, (one.end_lineno or 0) + 1))), f"{path.name}: {one.name}")
        for one in ast.walk(ast.parse(text))
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return max(found, default=(0, ""))


def processor_seconds(*arguments: str, tries: int = 3) -> float:
    """Return the least processor time of a Python process, user and system, of some tries."""
    times = []
    for _ in range(tries):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run(
            [sys.executable, *arguments], check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def measure() -> list[tuple[str, float, float | None, str]]:
    """Return a line for each figure: its name, its value, its mark or None, and where the value is from."""
    files = sorted(PACKAGE.rglob("*.py"))
    counts: dict[str, int] = {}
    for path in files:
        part = path.relative_to(PACKAGE).parts
        name = part[0] if len(part) > 1 else "(single files)"
        counts[name] = counts.get(name, 0) + len(code_lines(path.read_text(encoding="utf-8")))
    lengths = [(len(path.read_text(encoding="utf-8").splitlines()), path.name) for path in files]
    longest, function = max(lengths), max(map(longest_function, files))
    empty = processor_seconds("-c", "pass")
    values: list[tuple[str, float, str]] = [
        ("core", sum(counts[name] for name in CORE), ", ".join(CORE)),
        ("library without synthetic data", sum(counts.values()) - counts["synthetic"], ""),
        ("longest file, lines", *longest),
        ("longest function, lines", *function),
        ("files in experiments/", len(list((PACKAGE / "experiments").glob("*.py"))), ""),
        (
            "import xmodal_lite, s of processor",
            processor_seconds("-c", "import xmodal_lite") - empty,
            "the interpreter's own start taken off",
        ),
    ]
    lines: list[tuple[str, float, float | None, str]] = [
        (f"code lines, {name}", count, None, "") for name, count in sorted(counts.items())
    ]
    lines += [(name, value, MARKS[name], note) for name, value, note in values]
    lines += [
        (
            f"xmodal {command}, s of processor",
            processor_seconds("-m", "xmodal_lite.cli", *command.split()),
            COMMAND_MARK,
            "",
        )
        for command in COMMANDS
    ]
    return lines


def main() -> int:
    """Print the table; return 1 where a mark is missed."""
    missed = 0
    for name, value, mark, note in measure():
        shown = f"{value:10.3f}" if isinstance(value, float) else f"{value:10,}"
        strict = name in ("core", "library without synthetic data")
        ok = mark is None or (value < mark if strict else value <= mark)
        missed += not ok
        verdict = "" if mark is None else f"{'<' if strict else '<='} {mark:g} {'ok' if ok else 'MISSED'}"
        print(f"{name:<48}{shown}  {verdict:<16} {note}".rstrip())
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
