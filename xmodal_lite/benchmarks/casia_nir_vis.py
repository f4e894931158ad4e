r"""CASIA NIR-VIS 2.0: faces in visible and in near-infrared light, in four sessions, other people than in training.

Layout: ``s{1..4}/{VIS,NIR}_128x128/{id}/*.bmp``, and the ten folds of "View 2" in
``protocols/{vis_train,nir_train,vis_gallery,nir_probe}_{1..10}.txt`` with lines such as
``s1\VIS_128x128\00001\001.bmp``. A label may follow the path. The owners' lists name the uncropped images, as in
``s1\VIS\00001\001.jpg``; the crop of that image is read.

Data and protocol: Li, Yi, Lei and Liao, The CASIA NIR-VIS 2.0 face database, CVPR workshops 2013.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, Split, shorten
from xmodal_lite.benchmarks.division import division_of, make_split, search_all
from xmodal_lite.benchmarks.image_set import FACE_SIZES, FARS, VERIFICATION, ImageSet, Scan, Splitters
from xmodal_lite.benchmarks.index import RESTORE, IndexReader, read_splits
from xmodal_lite.benchmarks.layout import present_images
from xmodal_lite.data.problems import Problems

FOLDERS = ("VIS_128x128", "NIR_128x128")  # by modality
SESSIONS = ("s1", "s2", "s3", "s4")
FOLDS = 10
LISTS = {
    ("view2", k): {
        part: [f"protocols/{name}_{k + 1}.txt" for name in names]
        for part, names in (("train", ("vis_train", "nir_train")), ("test", ("vis_gallery", "nir_probe")))
    }
    for k in range(FOLDS)
}


class CasiaNirVis(ImageSet):
    """CASIA NIR-VIS 2.0. The one protocol is ``view2``: the seed of a split is its fold, 0 to 9 for lists 1 to 10."""

    name = "casia-nir-vis"
    title = "CASIA NIR-VIS 2.0"
    family = "faces"
    modalities = ("visible", "near-infrared")
    colours = ("any", "grey")  # whether the visible images of every copy are in colour is not known
    folders = (*SESSIONS, "protocols")
    image_sizes = FACE_SIZES
    synthetic = {
        "tiny": {"identities": 40, "images": 2},
        "demo": {"identities": 400, "images": 4},
        "paper": {"identities": 725, "images": 12},
    }
    resampled = {"view2": 358 / 357}
    totals = {"subjects": 725, "folds": FOLDS}

    def scan(self, root: Path, problems: Problems) -> Scan:
        """List all images that a list names, and the rows of each fold."""
        present = [self._present(root, name, problems) for name in FOLDERS]
        reader = IndexReader(root, problems, self.remedy, labelled=False, known_form=_known_form)
        table, divisions, lists = read_splits(reader, LISTS, FOLDERS, present)
        for division in divisions.values():
            test, place = division.test, division.place
            gallery = test[table.modality[test] == 0]
            identity, images = np.unique(table.identity[gallery], return_counts=True)
            if (images > 1).any():
                names = shorten(table.identity_names[i] for i in identity[images > 1])
                words = f"lists {names} more than once; a gallery has one image of each identity, {RESTORE}"
                problems.add(f"{place}: {words}", "more than once in a gallery", place)
        return Scan(table, divisions, lists, self.modalities)

    def count(self, root: Path, scan: Scan) -> dict[str, int]:
        """Count the subjects that have a folder, the folds and the images in their lists."""
        present = [path for name in FOLDERS for path in self._present(root, name, Problems())]
        counts = {
            "subjects": len({path.split("/")[2] for path in present}),
            "folds": sum((root / fold["test"][1]).is_file() for fold in LISTS.values()),
        }
        for modality, word in enumerate(self.modalities):
            counts[f"{word} images in the lists"] = int((scan.table.modality == modality).sum())
        return counts

    def splitters(self, root: Path, scan: Scan, data: str) -> Splitters:
        """Return the one protocol."""
        return {"view2": partial(_split, data, scan)}

    def _present(self, root: Path, name: str, problems: Problems) -> set[str]:
        """List the images of one modality in all sessions that this copy has."""
        sessions = [session for session in SESSIONS if (root / session / name).is_dir()]
        if not sessions:
            problems.add(f"{root}: has no folder {name} in {'/'.join(SESSIONS)}; {self.remedy}")
        return {
            path
            for session in sessions
            for path in present_images(root, f"{session}/{name}", problems, self.remedy)
        }


def _known_form(path: str) -> str:
    """Return session, modality, identity and number, as the lists for the uncropped images have them."""
    return re.sub(r"^(s\d)/(VIS|NIR)(?:_\d+x\d+)?/", r"\1/\2/", path).rpartition(".")[0]


def _split(data: str, scan: Scan, benchmark: Benchmark, seed: int) -> Split:
    """Train on one half of the identities, look for the near-infrared images of the other among one visible each."""
    division = division_of(scan.divisions, "view2", seed, "CASIA NIR-VIS 2.0")
    name = (
        f"{data} View 2, fold {seed + 1} of {FOLDS}, near-infrared probes in a visible gallery of one image per "
        f"identity, one draw, CMC counts images, {VERIFICATION}, cosine, no flip, no re-ranking"
    )
    tasks = search_all(benchmark.table, division.test, FARS)[1:]  # probes in the gallery, not the reverse
    return make_split(benchmark, "view2", seed, division, tasks, ["images"], name)


CASIA_NIR_VIS = CasiaNirVis()
