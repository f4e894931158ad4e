"""List folders on any disk: links are followed, files that a system put there are passed over."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from xmodal_lite.data.problems import FileError, Problems, printable
from xmodal_lite.errors import DataError

MOST_BYTES = 1 << 28  # 256 MB: no image and no spectrum is larger
# Thumbnails, settings and waste of Synology, QNAP, macOS and Windows; hidden names are passed over anyway.
SYSTEM = {"@eadir", "#recycle", "@recycle", "__macosx", "thumbs.db", "desktop.ini", "$recycle.bin"} | {
    "system volume information"
}
NOT_REGULAR = "is a pipe, a socket or a device, not a file"


class Listing(NamedTuple):
    """What is in a folder, sorted by name.

    Attributes
    ----------
    folders, files : list of str
        Names; links count as what they lead to, and a link that leads nowhere as a file.
    """

    folders: list[str]
    files: list[str]


def is_system(name: str) -> bool:
    """Tell whether a file or a folder is hidden or was put there by a system, so that it is no data."""
    return name.startswith(".") or name.lower() in SYSTEM


def list_folder(folder: Path, problems: Problems) -> Listing:
    """List a folder; one that cannot be opened, a name that is not UTF-8, a pipe or a device is a problem."""
    found = Listing([], [])
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not is_system(entry.name):
                    _sort_in(entry, found, problems)
    except OSError as error:
        problems.add(f"{printable(folder)}: cannot be opened ({error.strerror}); check its permissions")
    found.folders.sort()
    found.files.sort()
    return found


def _sort_in(entry: os.DirEntry[str], found: Listing, problems: Problems) -> None:
    if printable(entry.name) != entry.name:
        words = f"{printable(entry.path)}: its name is not UTF-8; rename it"
        problems.add(words, "name is not UTF-8", printable(entry.path))
        return
    try:
        mode = entry.stat().st_mode
    except OSError:  # a link that leads nowhere, or to itself
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode):
        found.folders.append(entry.name)
    elif stat.S_ISREG(mode):
        found.files.append(entry.name)
    else:
        problems.add(f"{entry.path}: {NOT_REGULAR}; remove it", NOT_REGULAR, entry.path)


def walk_files(root: Path, problems: Problems) -> list[Path]:
    """List the files below a folder, those of each folder by name and before those of its folders.

    Links to folders are followed, and each folder is entered once.

    Parameters
    ----------
    root : pathlib.Path
        Where to begin.
    problems : Problems
        Gets what `list_folder` finds.
    """
    files: list[Path] = []
    left, seen = [root], set()
    while left:
        folder = left.pop()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        listing = list_folder(folder, problems)
        files += [folder / name for name in listing.files]
        left += [folder / name for name in reversed(listing.folders)]
    return files


def read_file(path: str | Path, most: int = MOST_BYTES) -> bytes:
    """Read a regular file of a reasonable size.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; a link is followed.
    most : int
        Bytes that it may have.

    Raises
    ------
    DataError
        If there is no such file, it cannot be opened, it is a folder, a pipe or a device, or it is too large.
    """
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise FileError(path, "is a folder, not a file", "give a file")
        if not stat.S_ISREG(status.st_mode):
            raise FileError(path, NOT_REGULAR, "give a file or remove it")
        if status.st_size > most:
            remedy = "put the right file, of one image or one spectrum, in its place, or remove it"
            raise FileError(path, f"is larger than {most:,} bytes", remedy, f"{status.st_size:,} bytes")
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise FileError(path, "no such file", "restore it, or the link that leads to it") from error
    except DataError:
        raise
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise FileError(path, "cannot be opened", "check its permissions", str(reason)) from error
