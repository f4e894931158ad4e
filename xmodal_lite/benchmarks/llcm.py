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

from xmodal_lite.benchmarks.base import Benchmark, Split, TableBuilder
from xmodal_lite.benchmarks.division import divide, make_split
from xmodal_lite.benchmarks.image_set import PEOPLE_SIZES, ImageSet, Scan, Splitters
from xmodal_lite.benchmarks.index import IndexReader, Line, check_lines
from xmodal_lite.benchmarks.layout import count_parts, present_images
from xmodal_lite.data.problems import Problems
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


class Llcm(ImageSet):
    """LLCM. The one protocol is ``standard``; it does not depend on the seed of a split."""

    name = "llcm"
    title = "LLCM"
    family = "people"
    modalities = ("visible", "infrared")
    colours = ("colour", "grey")
    folders = (*FOLDERS, "idx")
    steps_per_epoch = 530
    image_sizes = PEOPLE_SIZES
    synthetic = {
        "tiny": {"identities": 30, "images": 3},
        "demo": {"identities": 150},
        "paper": {"identities": 1064},
    }
    totals = {
        "training identities": 713,
        "training visible images": 16946,
        "training infrared images": 13975,
        "test identities": 351,
        "test visible images": 8680,
        "test infrared images": 7166,
    }

    def scan(self, root: Path, problems: Problems) -> Scan:
        """List all images that a list names."""
        present = [present_images(root, name, problems, self.remedy) for name in FOLDERS]
        reader = IndexReader(root, problems, self.remedy)
        read = {key: reader.read(index, FOLDERS[key[1]], present[key[1]]) for key, index in LISTS.items()}
        lines = {
            part: [line for modality in (0, 1) for line in read[part, modality] or []]
            for part in ("train", "test")
        }
        check_lines(lines["train"], lines["test"], problems)
        rows = TableBuilder()
        for line in (*lines["train"], *lines["test"]):
            _add(rows, line, problems)
        table, trained = rows.table(), {line.path for line in lines["train"]}
        training = np.array([path in trained for path in table.path.tolist()], dtype=bool)
        complete = None not in read.values()
        division = divide(training, str(root / LISTS["test", 0]), complete)
        return Scan(table, {("", 0): division}, list(LISTS.values()), self.modalities)

    def count(self, root: Path, scan: Scan) -> dict[str, int]:
        """Count identities and images of each part."""
        return count_parts(scan.table, scan.divisions["", 0].train, self.modalities, "images")

    def splitters(self, root: Path, scan: Scan, data: str) -> Splitters:
        """Return the one protocol."""
        return {"standard": partial(_split, data, scan)}


def _add(rows: TableBuilder, line: Line, problems: Problems) -> None:
    """Append the image of a line; its name holds the identity and the camera."""
    modality, _, file = line.path.split("/")
    if not file.startswith(f"{line.folder}_"):
        words = "is named after another identity than its folder; move or rename it"
        problems.add(f"{line.place}: {line.path} {words}", words, line.place)
    if camera := re.search(r"_c(\d+)_", file):
        rows.add(line.path, line.folder, int(camera[1]), FOLDERS.index(modality))
    else:
        words = f"names no camera, as in {line.folder}_c01_*.jpg; restore its name"
        problems.add(f"{line.place}: {line.path} {words}", "names no camera", line.place)


def _split(data: str, scan: Scan, benchmark: Benchmark, seed: int) -> Split:
    """Train on 713 identities, look for the images of the others in drawn galleries of the other modality."""
    division = scan.divisions["", 0]
    test = benchmark.table.select(division.test)

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
    return make_split(benchmark, "standard", seed, division, tasks, ["identities"], name)


LLCM = Llcm()
