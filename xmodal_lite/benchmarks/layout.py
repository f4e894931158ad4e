"""Find the folders and files of an image set's layout, and say once what keeps them from being found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xmodal_lite.data.images import SUFFIXES
from xmodal_lite.data.listing import list_folder
from xmodal_lite.data.problems import Problems, printable
from xmodal_lite.data.table import SampleTable

DEEPER = 2  # levels at which a layout is looked for below the root


def check_root(root: Path, expected: Sequence[str], problems: Problems) -> bool:
    """Report a root that is not there, or that holds nothing of a layout; return whether reading on makes sense.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the data.
    expected : sequence of str
        Folders at the top of the layout.
    problems : Problems
        Gets one problem at most.
    """
    layout = ", ".join(expected)
    if printable(root) != str(root):
        problems.add(f"{printable(root)}: its name is not UTF-8; rename it")
        return False
    if not root.is_dir():
        words = "is not a folder" if root.exists() else "no such folder"
        problems.add(f"{printable(root)}: {words}; give the folder that holds {layout}")
        return False
    if any((root / name).is_dir() for name in expected):
        return True
    if deeper := _find_deeper([root], expected, DEEPER):
        problems.add(f"{root}: holds none of {layout}, but {deeper} does; give that folder")
    else:
        problems.add(f"{root}: holds none of {layout}; give the folder that holds them")
    return False


def _find_deeper(folders: list[Path], expected: Sequence[str], levels: int) -> Path | None:
    """Find a folder some levels below that holds at least half of a layout."""
    below = [folder / name for folder in folders for name in list_folder(folder, Problems()).folders]
    for folder in below:
        if 2 * sum((folder / name).is_dir() for name in expected) >= len(expected):
            return folder
    return _find_deeper(below, expected, levels - 1) if below and levels > 1 else None


def identity_folders(folder: Path, problems: Problems, remedy: str) -> list[Path]:
    """List the folders of the identities, sorted by name; a missing or empty parent is a problem."""
    if not folder.is_dir():
        problems.add(f"{folder}: no such folder; {remedy}")
        return []
    before = len(problems)
    listing = list_folder(folder, problems)
    if not listing.folders and len(problems) == before:
        problems.add(f"{folder}: holds no identity folder; {remedy}")
    for name in listing.files:
        _note_left_out(folder / name, problems, "it lies outside the folders of the identities")
    return [folder / name for name in listing.folders]


def file_names(
    folder: Path, problems: Problems, remedy: str, suffixes: Sequence[str] = SUFFIXES
) -> list[str]:
    """List the files with one of the suffixes, sorted; a folder without one is a problem, others are noted."""
    before = len(problems)
    listing = list_folder(folder, problems)
    names = [name for name in listing.files if Path(name).suffix.lower() in suffixes]
    others = [name for name in listing.files if Path(name).suffix.lower() not in suffixes]
    for name in others:
        suffix = Path(name).suffix.lower()
        _note_left_out(
            folder / name,
            problems,
            f"files {f'ending in {suffix}' if suffix else 'without a suffix'} are not read",
        )
    for name in listing.folders:
        _note_left_out(folder / name, problems, "folders at this place are not entered")
    if not names and len(problems) == before:
        but = f" but {len(others)} other files" if others else ""
        problems.add(
            f"{folder}: holds no {'/'.join(suffixes)} file{but}; {remedy}, or remove the folder",
            "no file that is read",
            printable(folder),
        )
    return names


def _note_left_out(path: Path, problems: Problems, why: str) -> None:
    problems.note(f"{printable(path)}: left out, {why}", why, printable(path))


def present_images(root: Path, folder: str, problems: Problems, remedy: str) -> set[str]:
    """List the images in the folders of the identities below a folder, relative to the root."""
    return {
        f"{folder}/{identity.name}/{image}"
        for identity in identity_folders(root / folder, problems, remedy)
        for image in file_names(identity, problems, remedy)
    }


def count_parts(
    table: SampleTable, train: np.ndarray, modalities: Sequence[str], noun: str
) -> dict[str, int]:
    """Count the identities and the samples of each modality in the training rows (k,) and in the others."""
    training, counts = np.isin(np.arange(len(table)), train), {}
    for part, mask in (("training", training), ("test", ~training)):
        counts[f"{part} identities"] = len(np.unique(table.identity[mask]))
        for modality, word in enumerate(modalities):
            counts[f"{part} {word} {noun}"] = int((mask & (table.modality == modality)).sum())
    return counts
