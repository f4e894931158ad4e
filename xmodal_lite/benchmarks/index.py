"""File lists of the kind that RegDB, LLCM and CASIA NIR-VIS 2.0 distribute: a path and an integer label a line."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.shared import Reporter, TableBuilder, check_split_usable, shorten
from xmodal_lite.data.table import SampleTable

Parts = list[dict[str, np.ndarray]]  # rows of "train" and "test", for each split


@dataclass(frozen=True)
class Line:
    """One line of a list.

    Attributes
    ----------
    place : str
        The list and the number of the line, for messages.
    path : str
        Image, relative to the root: it ends in ``modality/identity/name``.
    label : int
        What the list says of its identity; -1 where it says nothing. Lists may count from 0 where the folders do not.
    """

    place: str
    path: str
    label: int

    @property
    def folder(self) -> str:
        """Name of the identity's folder."""
        return self.path.split("/")[-2]


def read_index(
    root: Path, index: str, folder: str, present: set[str], report: Reporter, labelled: bool = True
) -> list[Line]:
    """Read a list and report every line that cannot be followed.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the data.
    index : str
        The list, relative to `root`.
    folder : str
        Folder of the modality, in which the folders of the identities must lie.
    present : set of str
        All images of that modality, relative to `root`.
    report : callable
        Takes one problem.
    labelled : bool
        Whether every line must have a label; where not, a line may be a path alone.

    Returns
    -------
    list of Line
        The lines without a problem.
    """
    try:
        content = (root / index).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        report(f"{root / index}: cannot be read ({error}); fetch the lists of the set again")
        return []
    lines: dict[str, Line] = {}
    for number, text in enumerate(content, 1):
        if not text.strip():
            continue
        place = f"{root / index}, line {number}"
        name, label = _parse(text.strip(), labelled)
        if not name:
            report(f"{place}: {text.strip()!r} is not a path and a whole number; fetch the list again")
        elif name in lines:
            report(f"{place}: {name} is listed a second time; remove this line")
        elif name in present:
            lines[name] = Line(place, name, label)
        else:
            report(f"{place}: {_why_not(name, folder)}")
    if not lines:
        report(f"{root / index}: lists no image; fetch it again")
    return list(lines.values())


def read_splits(
    root: Path,
    splits: Sequence[Mapping[str, Sequence[str]]],
    folders: Sequence[str],
    present: Sequence[set[str]],
    report: Reporter,
    labelled: bool = True,
) -> tuple[SampleTable, Parts]:
    """Read the lists of all splits and report what is wrong with a line, or between the lists of a split.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the data.
    splits : sequence of mapping
        For each split the lists of "train" and of "test", one for each modality.
    folders : sequence of str
        Folder of each modality.
    present : sequence of set of str
        All images of each modality, relative to `root`.
    report : callable
        Takes one problem.
    labelled : bool
        Whether every line must have a label.

    Returns
    -------
    table : SampleTable
        All images that a list names.
    parts : list of dict
        TableBuilder (k,) int64 of "train" and "test" for each split, ascending.
    """
    found: list[dict[str, list[Line]]] = []
    for lists in splits:
        split = {
            part: [
                line
                for index, folder, images in zip(lists[part], folders, present, strict=True)
                for line in read_index(root, index, folder, images, report, labelled)
            ]
            for part in ("train", "test")
        }
        for lines in split.values():
            report_labels(lines, report)
        report_overlap(split["train"], split["test"], report)
        found.append(split)
    rows = TableBuilder()
    for path in {line.path for split in found for lines in split.values() for line in lines}:
        folder, identity, _ = path.split("/")[-3:]
        rows.add(path, identity, folders.index(folder), folders.index(folder))
    table = rows.table()
    position = {path: row for row, path in enumerate(table.path.tolist())}
    parts = [
        {
            part: np.array(sorted(position[line.path] for line in lines), dtype=np.int64)
            for part, lines in split.items()
        }
        for split in found
    ]
    for lists, part in zip(splits, parts, strict=True):
        check_split_usable(table, part["train"], part["test"], f"{root / lists['test'][0]}", report)
    return table, parts


def _parse(text: str, labelled: bool) -> tuple[str, int]:
    """Split a line into path and label; the path is empty where the line needs a label and has none."""
    path = text.replace("\\", "/").removeprefix("./")
    name, _, label = path.rpartition(" ")
    if label.isdecimal():
        return name.rstrip(), int(label)
    return "" if labelled else path, -1


def _why_not(name: str, folder: str) -> str:
    """Say why a path cannot be followed."""
    parts = name.split("/")
    if ".." in parts or not parts[0] or ":" in parts[0]:
        return f"{name} leads out of the data's folder; only paths inside it are followed, mend this line"
    if parts[-3:-2] != [folder]:
        return f"{name} is not {folder}/identity/image; mend this line"
    return f"{name} is not in this copy; fetch the image again"


def report_labels(lines: Iterable[Line], report: Reporter) -> None:
    """Report labels that disagree with their folders: within one split the two must say the same, where there are any.

    Parameters
    ----------
    lines : iterable of Line
        All lines of one part of a split, of both modalities.
    report : callable
        Takes one problem.
    """
    folders: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.label >= 0:
            folders[line.folder].append(line)
    owners: dict[int, list[str]] = defaultdict(list)
    for folder, members in folders.items():
        label = _label(folder, members)
        owners[label].append(folder)
        if wrong := [line for line in members if line.label != label]:
            report(
                f"{wrong[0].place}: {wrong[0].path} has label {wrong[0].label}, while folder {folder} has label {label}"
                + (f" ({len(wrong)} such lines)" if len(wrong) > 1 else "")
                + "; mend the label or move the image"
            )
    for label, names in owners.items():
        if len(names) > 1:
            report(
                f"{folders[names[1]][0].place}: folders {shorten(names)} share label {label}; an identity has one folder, "
                "mend the labels"
            )


def report_overlap(train: Sequence[Line], test: Sequence[Line], report: Reporter) -> None:
    """Report identities that are in both parts of a split."""
    if twice := {line.folder for line in train} & {line.folder for line in test}:
        first = next(line for line in test if line.folder in twice)
        report(
            f"{first.place}: identity {shorten(twice)} is in {train[0].place.rpartition(',')[0]} too; an identity belongs "
            "to one part of a split, fetch the lists again"
        )


def _label(folder: str, members: Sequence[Line]) -> int:
    """Return the label that most lines of a folder give; of two as frequent the one that equals its name."""
    votes = Counter(line.label for line in members)
    return max(votes, key=lambda label: (votes[label], str(label) == folder.lstrip("0"), -label))
