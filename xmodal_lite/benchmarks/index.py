"""File lists of the kind that RegDB, LLCM and CASIA NIR-VIS 2.0 distribute: a path and an integer label a line."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import TableBuilder, shorten
from xmodal_lite.benchmarks.division import Division
from xmodal_lite.data.listing import read_file
from xmodal_lite.data.problems import Problems
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import DataError

RESTORE = "restore the lists as distributed"
LINE = re.compile(r"(?P<path>.*?)(?:(?P<gap>\s+)(?P<label>\d+))?", re.DOTALL)


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


@dataclass(frozen=True)
class IndexReader:
    """Reads lists of one data set.

    Attributes
    ----------
    root : pathlib.Path
        Folder of the data.
    problems : Problems
        Gets every line that cannot be followed.
    remedy : str
        What to do about a missing image.
    labelled : bool
        Whether every line must have a label; where not, a line may be a path alone.
    known_form : callable, optional
        Gives the same for a path as the owners' lists write it and as their folders have it; such lines are followed.
    """

    root: Path
    problems: Problems
    remedy: str
    labelled: bool = True
    known_form: Callable[[str], str] | None = None

    def read(self, index: str, folder: str, present: set[str]) -> list[Line] | None:
        """Read a list.

        Parameters
        ----------
        index : str
            The list, relative to the root.
        folder : str
            Folder of the modality, in which the folders of the identities must lie.
        present : set of str
            All images of that modality, relative to the root.

        Returns
        -------
        list of Line or None
            The lines that can be followed, also where how they are written is a problem; None where there is no list,
            or where the folders that it names are missing.
        """
        path = self.root / index
        try:
            content = read_file(path).decode("utf-8-sig").splitlines()
        except DataError as error:
            self.problems.add_error(error, path)
            return None
        except UnicodeDecodeError:
            self.problems.add(f"{path}: is not a text in UTF-8; {RESTORE}", "no text", str(path))
            return None
        if not present:
            return None
        forms = _forms(present, self.known_form)
        lines: dict[str, Line] = {}
        for number, text in enumerate(content, 1):
            if not text.strip():
                continue
            place = f"{path}, line {number}"
            name, label = self._parse(place, text.strip())
            found = self._find(place, name, folder, present, forms) if name else ""
            if found and found in lines:
                self._report(place, f"{name} is listed a second time; remove this line", "listed twice")
            elif found:
                lines[found] = Line(place, found, label)
        if not any(text.strip() for text in content):
            self.problems.add(f"{path}: lists no image; {RESTORE}", "lists no image", str(path))
        return list(lines.values())

    def _parse(self, place: str, text: str) -> tuple[str, int]:
        """Split a line into path and label; the path is empty where the line needs a label and has none."""
        match = LINE.fullmatch(text.replace("\\", "/").removeprefix("./"))
        path, gap, label = match["path"], match["gap"], match["label"]  # type: ignore[index]  # it matches all
        if label is None and self.labelled:
            self._report(place, f"{text!r} is not a path and a whole number; {RESTORE}", "no path and label")
            return "", -1
        if gap and "\t" in gap:
            words = (
                f"{text!r} has a tab before the label where a blank is meant; replace the tabs of the lists"
            )
            self._report(place, words, "tab before the label")
        return path, -1 if label is None else int(label)

    def _find(
        self,
        place: str,
        name: str,
        folder: str,
        present: set[str],
        forms: tuple[dict[str, str], dict[str, str]],
    ) -> str:
        """Return the image that a line names, or nothing; report how the two are written apart."""
        parts = name.split("/")
        if name in present:
            return name
        if ".." in parts or not parts[0] or ":" in parts[0]:
            words = (
                f"{name} leads out of the data's folder; only paths inside it are followed, correct this line"
            )
            self._report(place, words, "leads out of the data's folder")
            return ""
        if self.known_form and (found := forms[0].get(self.known_form(name))):
            words = "lists of the owners' spelling, followed"
            self.problems.note(f"{place}: {name} is read as {found}; {words}", words, place)
            return found
        depth = next(iter(present)).count("/") + 1
        if found := forms[1].get(_loose("/".join(parts[-depth:]))):
            self._report_spelling(place, name, found)
        elif parts[-3:-2] != [folder]:
            self._report(place, f"{name} is not {folder}/identity/image; correct this line", f"not {folder}")
        else:
            self._report(place, f"{name} is not in this copy; {self.remedy}", "not in this copy")
        return found or ""

    def _report_spelling(self, place: str, name: str, found: str) -> None:
        stem, _, suffix = found.rpartition(".")
        if name.endswith(f"/{found}"):
            before = name.removesuffix(found)
            words = f"{name} begins with {before!r}, which is not in this copy; take it out of the lists"
            kind = f"begins with {before}"
        elif name.startswith(f"{stem}."):
            listed = name.removeprefix(f"{stem}.")
            words = f"{name} ends in .{listed}, the file in .{suffix}; write the same in both"
            kind = f"ends in {listed}, not {suffix}"
        else:
            words = f"{name} is written {found} in this copy; write the same in both"
            kind = "written otherwise"
        self._report(place, words, kind)

    def _report(self, place: str, words: str, kind: str) -> None:
        self.problems.add(f"{place}: {words}", kind, place)


def _forms(
    present: Iterable[str], known_form: Callable[[str], str] | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Find images by the owners' other form of their paths, and by what is left of them without case and suffix."""
    known, loose = {}, {}
    for path in sorted(present):
        loose[_loose(path)] = path
        if known_form:
            known[known_form(path)] = path
    return known, loose


def _loose(path: str) -> str:
    stem, dot, suffix = path.rpartition(".")
    return unicodedata.normalize("NFC", path if "/" in suffix or not dot else stem).casefold()


def read_splits(
    reader: IndexReader,
    splits: Mapping[tuple[str, int], Mapping[str, Sequence[str]]],
    folders: Sequence[str],
    present: Sequence[set[str]],
    camera: Callable[[Line], int] | None = None,
) -> tuple[SampleTable, dict[tuple[str, int], Division], list[str]]:
    """Read the lists of all splits and report what is wrong with a line, or between the lists of a split.

    Parameters
    ----------
    reader : IndexReader
        Reads one list.
    splits : mapping
        For each split the lists of "train" and of "test", one for each modality.
    folders : sequence of str
        Folder of each modality.
    present : sequence of set of str
        All images of each modality, relative to the root.
    camera : callable, optional
        Gives the camera of a line's image; it is the number of the modality if not given.

    Returns
    -------
    table : SampleTable
        All images that a list names.
    divisions : dict
        The rows of each split.
    lists : list of str
        All lists, relative to the root.
    """
    found: dict[tuple[str, int], dict[str, list[Line]]] = {}
    complete = dict.fromkeys(splits, True)
    for key, lists in splits.items():
        split: dict[str, list[Line]] = {"train": [], "test": []}
        for part, lines in split.items():
            for index, folder, images in zip(lists[part], folders, present, strict=True):
                read = reader.read(index, folder, images)
                complete[key] &= read is not None
                lines += read or []
        check_lines(split["train"], split["test"], reader.problems)
        found[key] = split
    rows = TableBuilder()
    listed = {line.path: line for split in found.values() for lines in split.values() for line in lines}
    for path, line in listed.items():
        modality = folders.index(path.split("/")[-3])
        rows.add(path, line.folder, camera(line) if camera else modality, modality)
    table = rows.table()
    position = {path: row for row, path in enumerate(table.path.tolist())}

    def rows_of(lines: Sequence[Line]) -> np.ndarray:
        return np.array(sorted(position[line.path] for line in lines), dtype=np.int64)

    divisions = {
        key: Division(
            rows_of(split["train"]),
            rows_of(split["test"]),
            str(reader.root / splits[key]["test"][0]),
            complete[key],
        )
        for key, split in found.items()
    }
    indexes = [index for lists in splits.values() for part in ("train", "test") for index in lists[part]]
    return table, divisions, indexes


def check_lines(train: Sequence[Line], test: Sequence[Line], problems: Problems) -> None:
    """Report what is wrong between the lines of one split: labels, and identities in both parts."""
    for lines in (train, test):
        _check_labels(lines, problems)
    if twice := {line.folder for line in train} & {line.folder for line in test}:
        first = next(line for line in test if line.folder in twice)
        problems.add(
            f"{first.place}: identity {shorten(twice)} is in {train[0].place.rpartition(',')[0]} too; an identity "
            f"belongs to one part of a split, {RESTORE}",
            "in both parts",
            first.place,
        )


def _check_labels(lines: Iterable[Line], problems: Problems) -> None:
    """Report labels that disagree with their folders: within one part of a split the two must say the same."""
    folders: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.label >= 0:
            folders[line.folder].append(line)
    owners: dict[int, list[str]] = defaultdict(list)
    for folder, members in folders.items():
        label = _label(folder, members)
        owners[label].append(folder)
        for line in members:
            if line.label != label:
                words = f"{line.path} has label {line.label}, while folder {folder} has label {label}"
                remedy = "correct the label or move the image"
                problems.add(f"{line.place}: {words}; {remedy}", "label and folder disagree", line.place)
    for label, names in owners.items():
        if len(names) > 1:
            place = folders[names[1]][0].place
            problems.add(
                f"{place}: folders {shorten(names)} share label {label}; an identity has one folder, correct the "
                "labels",
                "folders share a label",
                place,
            )


def _label(folder: str, members: Sequence[Line]) -> int:
    """Return the label that most lines of a folder give; of two as frequent the one that equals its name."""
    votes = Counter(line.label for line in members)
    return max(votes, key=lambda label: (votes[label], str(label) == folder.lstrip("0"), -label))
