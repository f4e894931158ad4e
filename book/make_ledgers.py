"""Write a page of the book from each fidelity ledger: what its paper says, what we chose, and the code for it.

    python book/make_ledgers.py

reads `book/ledgers/NAME.yml`, checks it, and writes `book/fidelity-NAME.md`. The pages are committed, so that the
book builds from the files alone; `tests/book/test_ledgers.py` fails when one is stale. To turn an "ours" into a
"known" after reading a full text, edit the YAML, and the code if it differs.
"""

import ast
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "xmodal_lite" / "experiments" / "definitions"

MARKS = {
    "known": "stated in the paper's abstract, or quoted from it by other papers",
    "second-hand": "read in a summary of the full text, not in the text itself",
    "ours": "the sources do not say; this is our choice, not to be taken for the paper's",
}
COLOURS = {"known": "success", "second-hand": "info", "ours": "warning"}


class LedgerError(ValueError):
    """A ledger is not valid; the message names the file and the statement."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Effect(_Strict):
    """The row of a table that shows the effect of a choice."""

    table: str
    row: str


class Statement(_Strict):
    """One thing that the paper says or that we chose.

    Attributes
    ----------
    statement, why : str
        The statement, and its source or the reason of our choice.
    mark : {"known", "second-hand", "ours"}
        How sure we are that it is the paper's.
    code : tuple of str
        Pointers `path::name`; none if it is not built yet.
    effect : Effect or "not measured"
        The row that shows its effect.
    """

    statement: str
    mark: Literal["known", "second-hand", "ours"]
    why: str
    code: tuple[str, ...] = ()
    effect: Effect | Literal["not measured"]


class Ledger(_Strict):
    """All statements about one paper."""

    title: str
    paper: str = Field(description="key in references.bib")
    summary: str
    statements: tuple[Statement, ...] = Field(min_length=1)


def read_ledger(path: Path) -> Ledger:
    """Read and check one ledger.

    Raises
    ------
    LedgerError
        A field is missing or unknown, a code pointer does not exist, or no table has the row of an effect.
    """
    try:
        ledger = Ledger.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise LedgerError(f"{path.name} is not valid: {error}") from error
    problems = []
    for item in ledger.statements:
        problems += [f"no {pointer} in the code" for pointer in item.code if not points_somewhere(pointer)]
        if isinstance(item.effect, Effect) and not row_exists(item.effect):
            problems.append(f"no row '{item.effect.row}' in a table '{item.effect.table}'")
    if problems:
        raise LedgerError(f"{path.name}: {'; '.join(problems)}")
    return ledger


def points_somewhere(pointer: str) -> bool:
    """Tell whether `path::Class.method` (or `path::function`, `path::CONSTANT`) is defined in that file."""
    file, _, name = pointer.partition("::")
    path = ROOT / file
    if not path.is_file():
        return False
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    for part in name.split("."):
        found = [node for node in body if part in _names(node)]
        if not found:
            return False
        body = getattr(found[0], "body", [])
    return True


def row_exists(effect: Effect) -> bool:
    """Tell whether a table's definition has a row of that label."""
    path = TABLES / f"{effect.table}.yml"
    if not path.is_file():
        return False
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    return any(row["label"] == effect.row for row in table["rows"])


def page(ledger: Ledger, source: str) -> str:
    """Return the MyST page of a ledger that was read from the file named `source`."""
    lines = [
        f"% Written by book/make_ledgers.py from {source}: edit that file, then run the script.",
        "",
        f"# {ledger.title}",
        "",
        f"Paper: {{cite:t}}`{ledger.paper}`. {ledger.summary.strip()}",
        "",
        *_count_table(ledger),
    ]
    for mark, meaning in MARKS.items():
        chosen = [item for item in ledger.statements if item.mark == mark]
        if chosen:
            lines += ["", f"## {mark.capitalize()}", "", f"{meaning[0].upper()}{meaning[1:]}."]
        for item in chosen:
            lines += ["", *_entry(item)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page of every ledger."""
    for path in sorted((ROOT / "book" / "ledgers").glob("*.yml")):
        target = ROOT / "book" / f"fidelity-{path.stem}.md"
        target.write_text(page(read_ledger(path), f"book/ledgers/{path.name}"), encoding="utf-8")


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def _count_table(ledger: Ledger) -> list[str]:
    marks: list[str] = [item.mark for item in ledger.statements]
    rows = [f"| {{bdg-{COLOURS[mark]}}}`{mark}` | {marks.count(mark)} | {MARKS[mark]} |" for mark in MARKS]
    return ["| Mark | Statements | Meaning |", "|:---|---:|:---|", *rows]


def _entry(item: Statement) -> list[str]:
    links = ", ".join(_link(pointer) for pointer in item.code) or "not built yet"
    effect = item.effect
    shown = effect if isinstance(effect, str) else f"row “{effect.row}” of the table `{effect.table}`"
    return [
        item.statement.strip(),
        f": {{bdg-{COLOURS[item.mark]}}}`{item.mark}` {item.why.strip()}",
        "",
        f"  Code: {links}. Effect: {shown}.",
    ]


def _link(pointer: str) -> str:
    file, _, name = pointer.partition("::")
    return f"`{name}` in {{source}}`{file}`"


if __name__ == "__main__":
    main()
