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

from xmodal_lite.benchmarks.base import Benchmark, Split
from xmodal_lite.benchmarks.division import make_split
from xmodal_lite.benchmarks.image_set import PEOPLE_SIZES, ImageSet, Scan, Splitters
from xmodal_lite.benchmarks.index import IndexReader, Line, read_splits
from xmodal_lite.benchmarks.layout import count_parts, present_images
from xmodal_lite.data.problems import Problems
from xmodal_lite.evaluation import (
    RetrievalTask,
    group_by_identity_and_camera,
    same_view_excluded,
    sample_gallery,
)

FOLDERS = ("vis", "nir")  # by modality
LISTS = {("", 0): {part: [f"idx/{part}_{name}.txt" for name in FOLDERS] for part in ("train", "test")}}
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
        scanned = read_splits(reader, LISTS, FOLDERS, present, partial(_camera, problems))
        return Scan(*scanned, self.modalities)

    def count(self, root: Path, scan: Scan) -> dict[str, int]:
        """Count identities and images of each part."""
        return count_parts(scan.table, scan.divisions["", 0].train, self.modalities, "images")

    def splitters(self, root: Path, scan: Scan, data: str) -> Splitters:
        """Return the one protocol."""
        return {"standard": partial(_split, data, scan)}


def _camera(problems: Problems, line: Line) -> int:
    """Return the camera of a line's image; its name holds the identity and the camera."""
    file = line.path.rpartition("/")[2]
    if not file.startswith(f"{line.folder}_"):
        words = "is named after another identity than its folder; move or rename it"
        problems.add(f"{line.place}: {line.path} {words}", words, line.place)
    if camera := re.search(r"_c(\d+)_", file):
        return int(camera[1])
    words = f"names no camera, as in {line.folder}_c01_*.jpg; restore its name"
    problems.add(f"{line.place}: {line.path} {words}", "names no camera", line.place)
    return 0


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
