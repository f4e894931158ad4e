"""List the files below a folder: links are followed once, what systems and archivers leave behind is passed over."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

SYSTEM = ("@eaDir", "__MACOSX", "#recycle", "$RECYCLE.BIN", "System Volume Information")


def walk(
    root: str | Path, onerror: Callable[[OSError], object] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk as `os.walk` does, also through links to folders, into each folder once.

    Parameters
    ----------
    root : str or pathlib.Path
        Where to begin.
    onerror : callable, optional
        Takes the error for each folder that cannot be opened.

    Yields
    ------
    folder : str
        A folder.
    below : list of str
        Folders in it, sorted, without hidden ones and those of the system; the caller may remove more.
    names : list of str
        Files in it that are not hidden, sorted.
    """
    seen = set()
    for folder, below, names in os.walk(root, onerror=onerror, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        below[:] = sorted(name for name in below if not name.startswith(".") and name not in SYSTEM)
        yield folder, below, sorted(name for name in names if not name.startswith("."))


def same_name(name: str) -> str:
    """Return a form that is equal for names which differ in composition of accents, case or blanks alone."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def is_text(name: str) -> bool:
    """Tell whether a name can be written as UTF-8; Linux allows any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
