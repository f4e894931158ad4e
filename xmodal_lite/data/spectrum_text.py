"""From the bytes of a spectrum file to its header and two columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmodal_lite.data.problems import FileError

LARGEST = 32 << 20  # bytes; a spectrum of 100,000 points has 3 MB
COLUMNS = (
    "two columns of numbers separated by a comma or blanks, with decimal points, are read, after any header or "
    "heading lines; correct or remove the file"
)
# Lines before the numbers: none of them begins with a number ("1/cm" is a unit).
HEAD = re.compile(
    r"(?:(?![ \t\"]*(?:[-+]?\.?\d(?!/cm)|[-+]?(?:nan|inf|infinity)\b))[^\n]*(?:\n|$))*", re.IGNORECASE
)
STATEMENT = re.compile(r"([^=:\t;,]*[^=:\t;, ])[ ]*[=:\t;,][ \t\"]*([^\n]*)")
KEY_SIGNS = re.compile(r"[^A-Z0-9]")
PREFIX = "#$%;!/* \t\"'"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
PACKED = re.compile(r"[@%A-DF-Za-df-s]")  # the digits of JCAMP-DX's packed forms; E and e are exponents


@dataclass(frozen=True)
class Text:
    """A spectrum file taken apart.

    Parameters
    ----------
    header : dict of str to str
        The ``##KEY=value`` lines as written.
    stated : dict of str to str
        All lines ``key=value``, ``key: value``, ``key<tab>value``; keys in capitals and digits alone.
    heading : tuple of str
        Names of the two columns, where the line above the numbers has them; else empty.
    body : str
        The lines of numbers.
    """

    header: dict[str, str]
    stated: dict[str, str]
    heading: tuple[str, str]
    body: str


def take_apart(content: bytes) -> Text:
    """Split the bytes of a file into header, heading and numbers.

    Parameters
    ----------
    content : bytes
        UTF-8, UTF-16 or Latin-1, with or without a byte order mark, any mixture of line ends.
    """
    text = _decode(content).replace("\r\n", "\n").replace("\r", "\n").partition("\n##END")[0]
    head = HEAD.match(text).group()  # type: ignore[union-attr]  # it matches the empty string too
    lines = [line for line in head.split("\n") if line.strip()]
    header = dict(line[2:].split("=", 1) for line in lines if line.startswith("##") and "=" in line)
    stated = {}
    for line in lines:
        if found := STATEMENT.match(line.lstrip(PREFIX)):
            stated[plain_key(found[1])] = found[2].partition("$$")[0].strip(" \t\"';")
    heading = _heading(lines[-1]) if lines and not lines[-1].startswith("##") else ("", "")
    return Text(header, stated, heading, text[len(head) :])


def _heading(line: str) -> tuple[str, str]:
    """Return the names of the two columns, twice the whole line where blanks alone separate them."""
    line = line.strip().lstrip("#;/*")
    names = [name.strip(" \t\"'") for name in re.split(r"[,;\t]|\s{2,}", line)]
    if re.search("[=:]", line) or names[-1][:1].isdigit():  # a line of the header
        return "", ""
    if len(names) == 2:
        return names[0], names[1]
    return (line, line) if len(line.split()) <= 6 else ("", "")


def plain_key(key: str) -> str:
    """Reduce a key to its capitals and digits, as JCAMP-DX compares labels."""
    return KEY_SIGNS.sub("", key.upper())


def _decode(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content[:64]:  # UTF-16 without a mark: every other byte of plain text is 0
        return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def two_columns(text: Text, path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the numbers, and multiply them by the factors that a JCAMP-DX header states.

    Returns
    -------
    x, y : numpy.ndarray
        (n,) float64 each, in the order of the file.

    Raises
    ------
    FileError
        If they are not two columns of finite numbers, or not those that the header states.
    """
    if "PEAK" in text.stated.get("DATACLASS", "").upper() or any(
        key.startswith("PEAK") for key in text.stated
    ):
        raise FileError(
            path, "is a list of peaks, as its header says", "a whole spectrum is needed; remove it"
        )
    form = text.stated.get("XYDATA", "") + text.stated.get("XYPOINTS", "")
    body = text.body.replace('"', "") if '"' in text.body else text.body
    if "(XY..XY)" in form.replace(" ", ""):
        body = body.replace(";", "\n")
    values = _table(body, path, text, "X++" in form)
    finite = np.asarray(np.isfinite(values).all(axis=1))
    if not finite.all():
        raise FileError(
            path,
            "holds NaN or infinity",
            "remove these lines or the file",
            f"{np.count_nonzero(~finite)} of {len(finite)} points, the first is point {np.argmin(finite) + 1}",
        )
    _refuse_other_range(values, text.stated, path)
    return values[:, 0], values[:, 1]


def _refuse_other_range(values: np.ndarray, stated: dict[str, str], path: str | Path) -> None:
    """Refuse points (n, 2) that are not as many, or not from where to where, the header states."""
    count, *ends = (stated_number(stated, key, path) for key in ("NPOINTS", "FIRSTX", "LASTX"))
    detail = ""
    if count is not None and count != len(values):
        detail = f"{len(values)} points, and NPOINTS={count:.0f}"
    elif None not in ends:
        said, found = np.sort(np.array(ends, float)), np.array([values[:, 0].min(), values[:, 0].max()])
        if (np.abs(said - found) > 0.01 * np.ptp(said)).any():
            detail = f"from {found[0]:g} to {found[1]:g}, and FIRSTX, LASTX say {said[0]:g} to {said[1]:g}"
    if detail:
        raise FileError(
            path,
            "holds other points than its header states",
            "the file was cut off or edited, or its factors are wrong; fetch or export it again",
            detail,
        )


def _table(body: str, path: str | Path, text: Text, spread: bool) -> np.ndarray:
    """Return the points (n, 2); `spread` lines hold one abscissa and any number of ordinates."""
    lines = [line for line in body.split("\n") if line.strip()] if spread else []
    if any(PACKED.search(line) or len(NUMBER.findall(line)) != 2 for line in lines):
        return _spread(lines, path, text.stated)
    if not body or body.isspace():
        raise FileError(path, "holds no numbers", "remove the file or fetch it again")
    try:
        values = np.loadtxt(body.split("\n"), delimiter="," if "," in body else None, comments=None, ndmin=2)
    except ValueError as error:
        reason = str(error).partition("; use `usecols`")[0]  # numpy's advice is of no use here
        raise FileError(path, "not two columns of numbers", COLUMNS, reason) from error
    if values.shape[1] != 2:
        raise FileError(path, f"has {values.shape[1]} column(s) where 'x, y' is needed", COLUMNS)
    factors = _factor(text.stated, "XFACTOR", path), _factor(text.stated, "YFACTOR", path)
    if factors == (1.0, 1.0):
        return values
    with np.errstate(over="ignore"):  # infinities are refused
        return values * factors


def _spread(lines: list[str], path: str | Path, stated: dict[str, str]) -> np.ndarray:
    """Read JCAMP-DX's X++(Y..Y): each line one abscissa and its ordinates, evenly spaced from FIRSTX to LASTX."""
    first, last = (stated_number(stated, key, path) for key in ("FIRSTX", "LASTX"))
    if first is None or last is None or any(PACKED.search(line) for line in lines):
        raise FileError(
            path,
            "is JCAMP-DX in a packed form, or lacks FIRSTX and LASTX",
            "export the spectrum as two columns, one point a line",
        )
    y = np.array([float(number) for line in lines for number in NUMBER.findall(line)[1:]])
    return np.stack([np.linspace(first, last, len(y)), y * _factor(stated, "YFACTOR", path)], axis=1)


def _factor(stated: dict[str, str], key: str, path: str | Path) -> float:
    factor = stated_number(stated, key, path)
    if factor == 0:
        raise FileError(path, f"states a {key} of 0", "correct this line of the header")
    return 1.0 if factor is None else factor


def stated_number(stated: dict[str, str], key: str, path: str | Path) -> float | None:
    """Return the number in a line of the header; None where there is no such line or it is empty.

    Raises
    ------
    FileError
        If the line holds no finite number.
    """
    if not stated.get(key):
        return None
    try:
        number = float(stated[key])
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise FileError(
            path,
            f"states a {key} that is not a number with a decimal point",
            "correct this line",
            stated[key],
        )
    return number
