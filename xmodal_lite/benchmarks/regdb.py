"""RegDB: people in one visible and one thermal camera, ten images of each kind.

Layout: ``Visible/{id}/*.bmp``, ``Thermal/{id}/*.bmp`` and ``idx/{train,test}_{visible,thermal}_{1..10}.txt`` with
lines such as ``Visible/12/name.bmp 12``: the ten splits into halves.

Data: Nguyen, Hong, Kim and Park, Person recognition system based on a combination of body images from visible
light and thermal cameras, Sensors 2017. Splits: Ye, Lan, Li and Yuen, Hierarchical discriminative learning for
visible thermal person re-identification, AAAI 2018.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, CheckReport, Split
from xmodal_lite.benchmarks.index import Parts, read_splits
from xmodal_lite.benchmarks.shared import (
    SIZE,
    Reporter,
    check_images,
    data_name,
    differences,
    file_names,
    identity_folders,
    make_split,
    raise_data_error,
    single_modality_notes,
    source,
)
from xmodal_lite.data.images import open_images
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import SpecError
from xmodal_lite.evaluation import RetrievalTask

FOLDERS = ("Visible", "Thermal")  # by modality
SPLITS = 10
LISTS = [
    {part: [f"idx/{part}_{name.lower()}_{k + 1}.txt" for name in FOLDERS] for part in ("train", "test")}
    for k in range(SPLITS)
]
TOTALS = {
    "identities": 412,
    "visible images": 4120,
    "thermal images": 4120,
    "training identities of the smallest split": 206,
    "training identities of the largest split": 206,
    "test identities of the smallest split": 206,
    "test identities of the largest split": 206,
}


def load(root: str | Path, size: tuple[int, int] = SIZE) -> Benchmark:
    """Read a copy of RegDB.

    The one protocol is ``standard``: the seed of a split is its number, 0 to 9 for the lists 1 to 10.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``Visible``, ``Thermal`` and ``idx``. A file ``synthetic.json`` in it marks a synthetic data set.
    size : tuple of int
        (height, width) of the samples.

    Returns
    -------
    Benchmark
        Samples (n, 3, height, width) uint8.

    Raises
    ------
    DataError
        For the first thing that is wrong: a missing folder or list, a line that cannot be followed, a label that
        disagrees with its folder, an identity on both sides of a split, a damaged image.
    """
    root = Path(root)
    table, parts = _scan(root, raise_data_error)
    lists = [index for split in LISTS for indexes in split.values() for index in indexes]
    samples, fingerprint = open_images(root, "regdb", table.path.tolist(), lists, size)
    name = data_name("RegDB", source(root), differences(_count(table, parts), TOTALS))
    return Benchmark(
        name="regdb",
        dims=2,
        modalities=("visible", "thermal"),
        table=table,
        samples=samples,
        fingerprint=fingerprint,
        source=source(root),
        splitters={"standard": partial(_split, name, parts)},
    )


def check(root: str | Path) -> CheckReport:
    """Look over a copy of RegDB: every list, folder and image, and the known totals.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``Visible``, ``Thermal`` and ``idx``; the totals of a synthetic data set are not compared.

    Returns
    -------
    CheckReport
        Problems, counts and notes.
    """
    root = Path(root)
    problems: list[str] = []
    table, parts = _scan(root, problems.append)
    damaged, notes = check_images(root, table)
    problems += damaged
    counts = _count(table, parts)
    if source(root) == "real":
        problems += [f"{root}: {words}; fetch the set again" for words in differences(counts, TOTALS)]
    notes += single_modality_notes(table, (part["train"] for part in parts), (part["test"] for part in parts))
    return CheckReport(problems, counts, notes)


def _scan(root: Path, report: Reporter) -> tuple[SampleTable, Parts]:
    """List all images that a list names, and the rows of each split."""
    present = [
        {
            f"{name}/{folder.name}/{image}"
            for folder in identity_folders(root / name, report, "fetch the set again")
            for image in file_names(folder, report)
        }
        for name in FOLDERS
    ]
    return read_splits(root, LISTS, FOLDERS, present, report)


def _count(table: SampleTable, parts: Parts) -> dict[str, int]:
    counts = {"identities": len(table.identity_names)}
    for modality, name in enumerate(FOLDERS):
        counts[f"{name.lower()} images"] = int((table.modality == modality).sum())
    for part, word in (("train", "training"), ("test", "test")):
        sizes = [len(np.unique(table.identity[rows[part]])) for rows in parts]
        counts[f"{word} identities of the smallest split"] = min(sizes)
        counts[f"{word} identities of the largest split"] = max(sizes)
    return counts


def _split(data: str, parts: Parts, benchmark: Benchmark, seed: int) -> Split:
    """Train on one half of the identities, look for every test image of one camera among all of the other."""
    if seed >= SPLITS:
        raise SpecError(f"RegDB has {SPLITS} splits: choose seed 0 to {SPLITS - 1}, not {seed}")
    modality = benchmark.table.modality[parts[seed]["test"]]
    v, r = np.flatnonzero(modality == 0), np.flatnonzero(modality == 1)
    name = (
        f"{data} split {seed + 1} of {SPLITS}, v2r visible queries in thermal gallery and r2v the reverse, the gallery "
        "is every test image of the other camera, one draw, CMC counts images (and identities where it says so), "
        "cosine, no flip, no re-ranking"
    )
    return make_split(
        benchmark,
        "standard",
        seed,
        parts[seed]["train"],
        parts[seed]["test"],
        [RetrievalTask("v2r", v, (r,)), RetrievalTask("r2v", r, (v,))],
        ["images", "identities"],
        name,
    )
