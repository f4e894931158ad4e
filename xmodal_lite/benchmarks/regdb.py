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

from xmodal_lite.benchmarks.base import Benchmark, Split
from xmodal_lite.benchmarks.division import division_of, make_split, search_all
from xmodal_lite.benchmarks.image_set import PEOPLE_SIZES, ImageSet, Scan, Splitters
from xmodal_lite.benchmarks.index import IndexReader, read_splits
from xmodal_lite.benchmarks.layout import present_images
from xmodal_lite.data.problems import Problems

FOLDERS = ("Visible", "Thermal")  # by modality
SPLITS = 10
LISTS = {
    ("standard", k): {
        part: [f"idx/{part}_{name.lower()}_{k + 1}.txt" for name in FOLDERS] for part in ("train", "test")
    }
    for k in range(SPLITS)
}


class RegDB(ImageSet):
    """RegDB. The one protocol is ``standard``: the seed of a split is its number, 0 to 9 for the lists 1 to 10."""

    name = "regdb"
    title = "RegDB"
    family = "people"
    modalities = ("visible", "thermal")
    colours = ("colour", "grey")
    folders = (*FOLDERS, "idx")
    steps_per_epoch = 64
    image_sizes = PEOPLE_SIZES
    synthetic = {
        "tiny": {"identities": 24, "images": 4},
        "demo": {"identities": 120},
        "paper": {"identities": 412},
    }
    resampled = {"standard": 206 / 206}
    totals = {
        "identities": 412,
        "visible images": 4120,
        "thermal images": 4120,
        "training identities of the smallest split": 206,
        "training identities of the largest split": 206,
        "test identities of the smallest split": 206,
        "test identities of the largest split": 206,
    }

    def scan(self, root: Path, problems: Problems) -> Scan:
        """List all images that a list names, and the rows of each split."""
        present = [present_images(root, name, problems, self.remedy) for name in FOLDERS]
        reader = IndexReader(root, problems, self.remedy)
        return Scan(*read_splits(reader, LISTS, FOLDERS, present), self.modalities)

    def count(self, root: Path, scan: Scan) -> dict[str, int]:
        """Count identities and images."""
        table = scan.table
        counts = {"identities": len(table.identity_names)}
        for modality, name in enumerate(self.modalities):
            counts[f"{name} images"] = int((table.modality == modality).sum())
        for word, rows in (
            ("training", [division.train for division in scan.divisions.values()]),
            ("test", [division.test for division in scan.divisions.values()]),
        ):
            sizes = [len(np.unique(table.identity[part])) for part in rows]
            counts[f"{word} identities of the smallest split"] = min(sizes)
            counts[f"{word} identities of the largest split"] = max(sizes)
        return counts

    def splitters(self, root: Path, scan: Scan, data: str) -> Splitters:
        """Return the one protocol."""
        return {"standard": partial(_split, data, scan)}


def _split(data: str, scan: Scan, benchmark: Benchmark, seed: int) -> Split:
    """Train on one half of the identities, look for every test image of one camera among all of the other."""
    division = division_of(scan.divisions, "standard", seed, "RegDB")
    name = (
        f"{data} split {seed + 1} of {SPLITS}, v2r visible queries in thermal gallery and r2v the reverse, the gallery "
        "is every test image of the other camera, one draw, CMC counts images (and identities where it says so), "
        "cosine, no flip, no re-ranking"
    )
    tasks = search_all(benchmark.table, division.test)
    return make_split(benchmark, "standard", seed, division, tasks, ["images", "identities"], name)


REGDB = RegDB()
