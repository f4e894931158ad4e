"""Lists of the subjects that train and of those that test, drawn by a seed where the owners distribute none.

A list is a text file in ``splits/`` with a line such as ``train 00001`` for each subject. It is written when it is not
there, and read when it is, so that another one, an official one say, can be put in its place. A folder that cannot be
written changes nothing: the same list is drawn again. Format and draw are ours.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.shared import Reporter, shorten

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
    """Write a list under a temporary name, then rename it; do nothing where that is not allowed."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        try:
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def read_list(path: Path, names: Sequence[str], train: int, report: Reporter) -> frozenset[str]:
    """Read a list and report all that keeps it from being followed.

    Parameters
    ----------
    path : pathlib.Path
        The list.
    names : sequence of str
        All subjects of this copy, each of which must be listed once.
    train : int
        How many of them train under the protocol.
    report : callable
        Takes one problem.

    Returns
    -------
    frozenset of str
        The subjects that train.
    """
    remedy = "mend the list, or delete it to have it drawn again"
    try:
        content = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        report(f"{path}: cannot be read ({error}); {remedy}")
        return frozenset()
    known, part_of = frozenset(names), dict[str, str]()
    for number, text in enumerate(content, 1):
        if not text.strip():
            continue
        part, _, name = text.lstrip().partition(" ")
        name = name if name in known else name.strip()  # a file's stem may begin or end with a blank
        if part not in PARTS or not name:
            report(
                f"{path}, line {number}: {text.strip()!r} is not 'train' or 'test' and a subject; {remedy}"
            )
        elif name not in known:
            report(f"{path}, line {number}: subject {name} is not in this copy; fetch its images, {remedy}")
        elif part_of.get(name, part) != part:
            report(f"{path}, line {number}: subject {name} is in train and in test; {remedy}")
        elif name in part_of:
            report(f"{path}, line {number}: subject {name} is listed a second time; remove this line")
        else:
            part_of[name] = part
    if left := known - part_of.keys():
        report(f"{path}: does not list {shorten(left)}; {remedy}")
    trained = frozenset(name for name, part in part_of.items() if part == "train")
    if len(trained) != train:
        report(
            f"{path}: {len(trained)} subjects train, under this protocol it is {train} of {len(names)}; {remedy}"
        )
    return trained
