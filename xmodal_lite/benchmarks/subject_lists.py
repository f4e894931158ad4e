"""Lists of the subjects that train and of those that test, drawn by a seed where the owners distribute none.

A list is a text file in ``splits/`` with a line such as ``train 00001`` for each subject. It is written when it is not
there, and read when it is, so that another one, an official one say, can be put in its place. A folder that cannot be
written changes nothing: the same list is drawn again. Format and draw are ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import shorten
from xmodal_lite.data.listing import read_file
from xmodal_lite.data.problems import Problems
from xmodal_lite.errors import DataError
from xmodal_lite.files import write_atomic

PARTS = ("train", "test")


def list_path(protocol: str, seed: int) -> str:
    """Return where the list of a split lies, relative to the root; the files count from 1."""
    return f"splits/{protocol}_{seed + 1}.txt"


def draw_subjects(names: Sequence[str], train: int, seed: int) -> frozenset[str]:
    """Draw the subjects that train.

    Parameters
    ----------
    names : sequence of str
        All subjects, sorted.
    train : int
        How many of them train.
    seed : int
        Seed of NumPy's default generator.

    Returns
    -------
    frozenset of str
        The first `train` of a random order, so that a larger set with the same seed holds a smaller one.
    """
    order = np.random.default_rng(seed).permutation(len(names))
    return frozenset(names[i] for i in order[:train])


def list_text(names: Sequence[str], trained: Collection[str]) -> str:
    """Return the text of a list: the subjects in the order of `names`, those that train first."""
    parts = ([name for name in names if (name in trained) == (part == "train")] for part in PARTS)
    return "".join(f"{part} {name}\n" for part, chosen in zip(PARTS, parts, strict=True) for name in chosen)


def write_list(path: Path, text: str) -> None:
    """Write a list; do nothing where that is not allowed."""
    with suppress(OSError):
        write_atomic(path, text)


def read_list(path: Path, names: Sequence[str], train: int, problems: Problems) -> frozenset[str]:
    """Read a list and report what keeps it from being followed.

    Parameters
    ----------
    path : pathlib.Path
        The list.
    names : sequence of str
        All subjects of this copy, each of which must be listed once.
    train : int
        How many of them train under the protocol.
    problems : Problems
        Gets what keeps the list from being followed.

    Returns
    -------
    frozenset of str
        The subjects that train.
    """
    remedy = "correct the list, or delete it to have it drawn again"
    try:
        content = read_file(path).decode("utf-8-sig").split("\n")
    except (DataError, UnicodeDecodeError) as error:
        problems.add(f"{path}: cannot be read ({error}); {remedy}", "list cannot be read", str(path))
        return frozenset()
    known, part_of = frozenset(names), dict[str, str]()
    for number, text in enumerate(content, 1):
        if not text.strip():
            continue
        part, _, name = text.strip("\r").lstrip().partition(" ")
        name = name if name in known else name.strip()  # a file's stem may begin or end with a blank
        if fault := _fault(part, name, text, known, part_of, remedy):
            problems.add(f"{path}, line {number}: {fault}", fault.replace(name or text, ""), str(path))
        else:
            part_of[name] = part
    if left := known - part_of.keys():
        problems.add(f"{path}: does not list {shorten(left)}; {remedy}", "does not list", str(path))
    trained = frozenset(name for name, part in part_of.items() if part == "train")
    if len(trained) != train:
        problems.add(
            f"{path}: {len(trained)} subjects train, under this protocol it is {train} of {len(names)}; {remedy}"
        )
    return trained


def _fault(
    part: str, name: str, text: str, known: Collection[str], part_of: Mapping[str, str], remedy: str
) -> str:
    """Say why a line cannot be followed; an empty text if it can."""
    if part not in PARTS or not name:
        return f"{text.strip()!r} is not 'train' or 'test' and a subject; {remedy}"
    if name not in known:
        return f"subject {name} is not in this copy; restore its images, or {remedy}"
    if part_of.get(name, part) != part:
        return f"subject {name} is in train and in test; {remedy}"
    if name in part_of:
        return f"subject {name} is listed a second time; remove this line"
    return ""
