"""Shapes: polygons drawn filled and in colour, and as grey outlines.

Layout: ``filled/{shape}/*.png``, ``outline/{shape}/*.png`` and ``test.txt``, one test shape in each line. A shape is an
identity. All other shapes train.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, Split, TableBuilder, shorten
from xmodal_lite.benchmarks.division import divide, make_split
from xmodal_lite.benchmarks.image_set import FACE_SIZES, ImageSet, Scan, Splitters
from xmodal_lite.benchmarks.layout import count_parts, file_names, identity_folders
from xmodal_lite.data.listing import read_file
from xmodal_lite.data.problems import Problems
from xmodal_lite.errors import DataError
from xmodal_lite.evaluation import RetrievalTask

LIST = "test.txt"


class Shapes(ImageSet):
    """Shapes. The one protocol is ``standard``; the seed of a split changes nothing."""

    name = "shapes"
    title = "Shapes"
    family = "faces"
    modalities = ("filled", "outline")
    colours = ("colour", "grey")
    folders = ("filled", "outline")
    image_sizes = FACE_SIZES
    remedy = "draw the shapes again"

    def scan(self, root: Path, problems: Problems) -> Scan:
        """List all images, and the shapes to test on."""
        rows = TableBuilder()
        for modality, folder in enumerate(self.folders):
            for shape in identity_folders(root / folder, problems, self.remedy):
                for name in file_names(shape, problems, self.remedy):
                    rows.add(f"{folder}/{shape.name}/{name}", shape.name, modality, modality)
        table, tested = rows.table(), _read_list(root / LIST, problems)
        if absent := tested - set(table.identity_names):
            problems.add(f"{root / LIST}: names {shorten(absent)}, which no folder holds; {self.remedy}")
        training = np.array([name not in tested for name in table.identity_names], dtype=bool)
        complete = bool(tested) and all((root / folder).is_dir() for folder in self.folders)
        division = divide(training[table.identity], str(root / LIST), complete)
        return Scan(table, {("", 0): division}, [LIST], self.modalities)

    def count(self, root: Path, scan: Scan) -> dict[str, int]:
        """Count shapes and images of each part."""
        return count_parts(scan.table, scan.divisions["", 0].train, self.modalities, "images")

    def splitters(self, root: Path, scan: Scan, data: str) -> Splitters:
        """Return the one protocol."""
        return {"standard": partial(_split, data, scan)}


def _read_list(path: Path, problems: Problems) -> set[str]:
    """Read the names of the test shapes; none where the list cannot be read."""
    try:
        return set(read_file(path).decode("utf-8", "replace").split())
    except DataError as error:
        problems.add_error(error, path)
        return set()


def _split(data: str, scan: Scan, benchmark: Benchmark, seed: int) -> Split:
    """Search every test image of one modality among all of the other."""
    division = scan.divisions["", 0]
    modality = benchmark.table.modality[division.test]
    v, r = np.flatnonzero(modality == 0), np.flatnonzero(modality == 1)  # positions in the test rows
    name = (
        f"{data}, v2r filled queries in outline gallery and r2v the reverse, the gallery is every test image of the "
        "other modality, CMC counts images, cosine, no flip, no re-ranking"
    )
    tasks = [RetrievalTask("v2r", v, (r,)), RetrievalTask("r2v", r, (v,))]
    return make_split(benchmark, "standard", seed, division, tasks, ["images"], name)


SHAPES = Shapes()
