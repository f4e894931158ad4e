"""LLCM: people in nine cameras in low light, each of which sees visible light by day and near-infrared by night.

Layout: ``vis/`` and ``nir/`` with ``{id}/{id}_c{cam}_*.jpg``, and ``idx/{train,test}_{vis,nir}.txt`` with lines such
as ``vis/0012/0012_c03_s1_f2_vis.jpg 12``.

Data and protocol: Zhang and Wang, Diverse embedding expansion network and low-light cross-modality benchmark for
visible-infrared person re-identification, CVPR 2023. Its numbers were corrected after publication.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, CheckReport, Split
from xmodal_lite.benchmarks.index import read_index, report_labels, report_overlap
from xmodal_lite.benchmarks.shared import (
    SIZE,
    Reporter,
    TableBuilder,
    check_images,
    check_split_usable,
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
from xmodal_lite.evaluation import (
    RetrievalTask,
    group_by_identity_and_camera,
    same_view_excluded,
    sample_gallery,
)

FOLDERS = ("vis", "nir")  # by modality
LISTS = {
    (part, modality): f"idx/{part}_{name}.txt"
    for part in ("train", "test")
    for modality, name in enumerate(FOLDERS)
}
DRAWS = 10
TOTALS = {
    "training identities": 713,
    "training visible images": 16946,
    "training infrared images": 13975,
    "test identities": 351,
    "test visible images": 8680,
    "test infrared images": 7166,
}


def load(root: str | Path, size: tuple[int, int] = SIZE) -> Benchmark:
    """Read a copy of LLCM.

    The one protocol is ``standard``; it does not depend on the seed of a split.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``vis``, ``nir`` and ``idx``. A file ``synthetic.json`` in it marks a synthetic data set.
    size : tuple of int
        (height, width) of the samples.

    Returns
    -------
    Benchmark
        Samples (n, 3, height, width) uint8.

    Raises
    ------
    DataError
        For the first thing that is wrong: a missing folder or list, a line that cannot be followed, a label or a
        file name that disagrees with its folder, a name without a camera, an identity in both parts, a damaged image.
    """
    root = Path(root)
    table, training = _scan(root, raise_data_error)
    samples, fingerprint = open_images(root, "llcm", table.path.tolist(), list(LISTS.values()), size)
    name = data_name("LLCM", source(root), differences(_count(table, training), TOTALS))
    return Benchmark(
        name="llcm",
        dims=2,
        modalities=("visible", "infrared"),
        table=table,
        samples=samples,
        fingerprint=fingerprint,
        source=source(root),
        splitters={"standard": partial(_split, name, training)},
    )


def check(root: str | Path) -> CheckReport:
    """Look over a copy of LLCM: every list, folder and image, and the known totals.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``vis``, ``nir`` and ``idx``; the totals of a synthetic data set are not compared.

    Returns
    -------
    CheckReport
        Problems, counts and notes.
    """
    root = Path(root)
    problems: list[str] = []
    table, training = _scan(root, problems.append)
    damaged, notes = check_images(root, table)
    problems += damaged
    counts = _count(table, training)
    if source(root) == "real":
        problems += [f"{root}: {words}; fetch the set again" for words in differences(counts, TOTALS)]
    return CheckReport(problems, counts, notes + single_modality_notes(table, [training], [~training]))


def _scan(root: Path, report: Reporter) -> tuple[SampleTable, np.ndarray]:
    """List all images that a list names; returns them and the mask (n,) of those to train on."""
    present = [
        {
            f"{name}/{folder.name}/{image}"
            for folder in identity_folders(root / name, report, "fetch the set again")
            for image in file_names(folder, report)
        }
        for name in FOLDERS
    ]
    lines = {
        part: [
            line
            for modality, name in enumerate(FOLDERS)
            for line in read_index(root, LISTS[part, modality], name, present[modality], report)
        ]
        for part in ("train", "test")
    }
    rows = TableBuilder()
    for part in lines.values():
        report_labels(part, report)
        for line in part:
            name, file = line.path.split("/")[0], line.path.split("/")[2]
            if not file.startswith(f"{line.folder}_"):
                report(
                    f"{line.place}: {line.path} is named after another identity than its folder; move or rename it"
                )
            if camera := re.search(r"_c(\d+)_", file):
                rows.add(line.path, line.folder, int(camera[1]), FOLDERS.index(name))
            else:
                report(
                    f"{line.place}: {line.path} names no camera, as in {line.folder}_c01_*.jpg; restore its name"
                )
    report_overlap(lines["train"], lines["test"], report)
    table = rows.table()
    trained = {line.path for line in lines["train"]}
    training = np.array([path in trained for path in table.path.tolist()], dtype=bool)
    train, test = np.flatnonzero(training), np.flatnonzero(~training)
    check_split_usable(table, train, test, f"{root / LISTS['test', 0]}", report)
    return table, training


def _count(table: SampleTable, training: np.ndarray) -> dict[str, int]:
    counts = {}
    for part, mask in (("training", training), ("test", ~training)):
        counts[f"{part} identities"] = len(np.unique(table.identity[mask]))
        for modality, word in enumerate(("visible", "infrared")):
            counts[f"{part} {word} images"] = int((mask & (table.modality == modality)).sum())
    return counts


def _split(data: str, training: np.ndarray, benchmark: Benchmark, seed: int) -> Split:
    """Train on 713 identities, look for the images of the others in drawn galleries of the other modality."""
    rows = np.flatnonzero(~training)
    test = benchmark.table.select(rows)

    def excluded(query: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        return same_view_excluded(
            test.identity[query], test.camera[query], test.identity[gallery], test.camera[gallery]
        )

    sides = [np.flatnonzero(test.modality == modality) for modality in (0, 1)]
    tasks = []
    for direction, queries, pool in (("v2r", sides[0], sides[1]), ("r2v", sides[1], sides[0])):
        seen = group_by_identity_and_camera(pool, test.identity, test.camera)
        trials = tuple(sample_gallery(seen, trial, shots=1) for trial in range(DRAWS))
        tasks.append(RetrievalTask(direction, queries, trials, excluded))
    name = (
        f"{data}, v2r visible queries in infrared gallery and r2v the reverse, single shot (1 an identity and camera), "
        f"gallery drawn by Python's random.seed(0) to seed({DRAWS - 1}) over the sorted files, mean of {DRAWS} trials, "
        "images of the query's identity in its own camera ignored, CMC counts identities, cosine, no flip, no "
        "re-ranking"
    )
    return make_split(
        benchmark, "standard", seed, np.flatnonzero(training), rows, tasks, ["identities"], name
    )
