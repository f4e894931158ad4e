"""One refused spectrum, and many of them as one line a cause."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from xmodal_lite.data.problems import FileError
from xmodal_lite.errors import DataError

EXAMPLES = 3  # files named for one cause


class SpectrumError(FileError):
    """A file that cannot be used as a spectrum.

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
        self.path, self.cause, self.remedy, self.detail = str(path), cause, remedy, detail
        super().__init__(path, f"{cause} ({detail})" if detail else cause, remedy, kind=cause)

    def __reduce__(self) -> tuple[type[SpectrumError], tuple[str, str, str, str]]:
        """Let another process pass it on."""
        return SpectrumError, (self.path, self.cause, self.remedy, self.detail)


def one_line_each(errors: Iterable[DataError], root: str | Path) -> list[str]:
    """Write one line for each cause, in the order of their first files.

    Parameters
    ----------
    errors : iterable of DataError
        One for each refused file. A `SpectrumError` shares a line with others of its cause.
    root : str or pathlib.Path
        Folder to which the names are relative.

    Returns
    -------
    list of str
        The first file's message; where more files have the cause, their number and up to three names.
    """
    groups: dict[str, list[DataError]] = defaultdict(list)
    for error in errors:
        groups[error.cause if isinstance(error, SpectrumError) else str(error)].append(error)
    lines = []
    for first, *others in groups.values():
        group = [error.path for error in [first, *others] if isinstance(error, SpectrumError)]
        more = examples(os.path.relpath(path, root) for path in group)
        lines.append(f"{first} [{more}]" if others else str(first))
    return lines


def examples(paths: Iterable[str]) -> str:
    """Write the number of files and the names of the first three."""
    paths = list(paths)
    names = ", ".join(paths[:EXAMPLES])
    return f"{len(paths)} file{'s' * (len(paths) > 1)}: {names}{', ...' if len(paths) > EXAMPLES else ''}"
