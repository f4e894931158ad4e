"""Names that differ in their bytes and not to the eye: accents composed or not, case, blanks at the ends."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from xmodal_lite.data.problems import Problems


def spelling_key(name: str) -> str:
    """Return what names that look alike have in common."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def unify(groups: Sequence[tuple[str, Iterable[str]]], problems: Problems) -> dict[str, str]:
    """Count names that look alike as one, and note it; two of them side by side in one folder are a problem.

    Parameters
    ----------
    groups : sequence of tuple
        A folder, for messages, and the names in it.
    problems : Problems
        Gets what is found.

    Returns
    -------
    dict of str to str
        For each name the one to use: of several spellings the first by code points.
    """
    spellings: dict[str, set[str]] = defaultdict(set)
    for place, names in groups:
        beside: dict[str, str] = {}
        for name in names:
            key = spelling_key(name)
            if (other := beside.setdefault(key, name)) != name:
                problems.add(
                    f"{place}: {other!a} and {name!a} differ only in case, blanks or the composition of accents; "
                    "give one of them another name, or put their files together",
                    f"two spellings in one folder: {place}",
                    repr(name),
                )
            spellings[key].add(name)
    chosen: dict[str, str] = {}
    for names in spellings.values():
        first = min(names)
        chosen |= dict.fromkeys(names, first)
        if len(names) > 1:
            others = " and ".join(ascii(name) for name in sorted(names))
            problems.note(
                f"counted as one identity: {others}, which differ only in case, blanks or the composition of accents",
                "counted as one identity",
                others,
            )
    return chosen
