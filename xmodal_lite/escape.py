"""Text for pages: tables, and names from outside, such as those of files, made harmless where they are shown."""

from __future__ import annotations

import re

_ACTIVE = re.compile(
    r"[\\`*<>\[\]|$&~]|(?<!\w)_|_(?!\w)"
)  # an underscore within a word means nothing in Markdown


def printable(text: str) -> str:
    """Return a text for a terminal: control characters and stray bytes as escapes, but line breaks as they are."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text
    )


def markdown(text: str) -> str:
    r"""Return a text for a page: on one line, with a backslash before what Markdown, HTML or mathematics would read."""
    return _ACTIVE.sub(r"\\\g<0>", printable(" ".join(text.splitlines())))


def markdown_code(text: str) -> str:
    """Return a text as code within a line or a cell of a table; a backtick becomes an apostrophe."""
    return f"`{printable(' '.join(text.splitlines())).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def pipe_table(lines: list[list[str]]) -> str:
    """Write lines of cells as a Markdown table; the first line is its head, and all columns but the first lie right."""
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, "|:---|" + "---:|" * (len(lines[0]) - 1), *body])
