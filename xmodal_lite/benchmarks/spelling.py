"""Names that differ in their bytes and not to the eye: accents composed or not, case, blanks."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

from xmodal_lite.data.problems import Problems

ALIKE = "differ only in case, blanks or the composition of accents"


def spelling_key(name: str) -> str:
    """Return what names that look alike have in common."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def unify(names: Iterable[str], noun: str, problems: Problems) -> dict[str, str]:
    """Count names that look alike as one, and note it.

    Parameters
    ----------
    names : iterable of str
        All names, each as often as it is used.
    noun : str
        What they name.
    problems : Problems
        Gets the notes.

    Returns
    -------
    dict of str to str
        For each name the one to use: the most frequent spelling, of several the first by code points.
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for name in names:
        spellings[spelling_key(name)][name] += 1
    chosen: dict[str, str] = {}
    for counts in spellings.values():
        used = min(counts, key=lambda name: (-counts[name], name))
        chosen |= dict.fromkeys(counts, used)
        if len(counts) > 1:
            alike = " and ".join(ascii(name) for name in sorted(counts))
            kind = f"counted as one {noun}"
            problems.note(f"{kind}: {alike}, which {ALIKE}; {used!a} is the name used", kind, alike)
    return chosen


def check_beside(place: str, names: Iterable[str], problems: Problems) -> None:
    """Report names that look alike in one folder, `place`."""
    beside: dict[str, str] = {}
    for name in names:
        if (other := beside.setdefault(spelling_key(name), name)) != name:
            problems.add(
                f"{place}: {other!a} and {name!a} {ALIKE}; give one of them another name, or put their files together",
                f"two spellings in one folder: {place}",
                repr(name),
            )
