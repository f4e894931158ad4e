"""Collect what is wrong with a data set: one sentence a cause, with a count and examples."""

from __future__ import annotations

import os
from pathlib import Path

from xmodal_lite.errors import DataError

EXAMPLES = 3  # places that a sentence names


class FileError(DataError):
    """One file that cannot be used.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    cause : str
        What is wrong, in the same words for all files with this fault.
    remedy : str
        What to do about it.
    detail : str
        What holds for this file alone, such as the line that cannot be read.
    """

    def __init__(self, path: str | Path, cause: str, remedy: str, detail: str = "") -> None:
        super().__init__(path, cause, remedy, detail)  # all of them, so that another process can pass it on
        self.cause, self.remedy, self.detail = cause, remedy, detail
        self._path = path

    def __str__(self) -> str:
        """Write one sentence."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{printable(self._path)}: {self.cause}{detail}; {self.remedy}"


class Problems:
    """The problems and notes of a scan, grouped by cause in the order in which they were found."""

    def __init__(self) -> None:
        self._problems: dict[str, list[tuple[str, str]]] = {}
        self._notes: dict[str, list[tuple[str, str]]] = {}

    def __len__(self) -> int:
        """Count the problems, those of one cause each by itself."""
        return sum(map(len, self._problems.values()))

    def add(self, sentence: str, kind: str = "", example: str = "") -> None:
        """Add a problem; those of one kind become the first one's sentence with a count and the others' examples."""
        self._problems.setdefault(kind or sentence, []).append((sentence, example))

    def add_error(self, error: DataError, path: str | Path) -> None:
        """Add what was raised at a file."""
        kind = error.cause if isinstance(error, FileError) else str(error).replace(str(path), "")
        self.add(str(error), kind, printable(path))

    def note(self, sentence: str, kind: str = "", example: str = "") -> None:
        """Add what was put right or left out, grouped as the problems are."""
        self._notes.setdefault(kind or sentence, []).append((sentence, example))

    @property
    def problems(self) -> list[str]:
        """One sentence for each cause."""
        return [_sentence(group) for group in self._problems.values()]

    @property
    def notes(self) -> list[str]:
        """One sentence for each cause."""
        return [_sentence(group) for group in self._notes.values()]

    def raise_first(self) -> None:
        """Raise the first problem, if there is one, as a DataError."""
        if self._problems:
            raise DataError(self.problems[0])


def printable(path: str | Path) -> str:
    r"""Return a path that can be printed: bytes that are not UTF-8 are shown as ``\xe9``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _sentence(group: list[tuple[str, str]]) -> str:
    """Return the first sentence of a group, with a count and up to two further examples."""
    sentence, others = group[0][0], [example for _, example in group[1:EXAMPLES] if example]
    if len(group) == 1:
        return sentence
    also = f", also {' and '.join(others)}" if others else ""
    return f"{sentence} ({len(group):,} in all{also})"
