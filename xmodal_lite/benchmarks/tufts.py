"""Tufts: faces in visible light and in thermal infrared, some fourteen aligned pairs a subject.

Layout: ``visible/{subject}/*.jpg`` and ``thermal/{subject}/*.jpg``; the same name within a subject is one pair,
and so are ``TD_RGB_E_5.jpg`` and ``TD_IR_E_5.jpg``, as the owners name them. They distribute no list, so
the splits are ours: see `xmodal_lite.benchmarks.subject_lists`.

Data: Panetta et al., A comprehensive database for benchmarking imaging systems, TPAMI 2020. Protocol: 90 random
subjects train, as the papers on thermal faces have it; 112 or 113 subjects are counted.
"""

from __future__ import annotations

import re
from pathlib import Path

from xmodal_lite.benchmarks.layout import file_names, identity_folders
from xmodal_lite.benchmarks.paired import PairedSet, PairImage
from xmodal_lite.benchmarks.spelling import spelling_key
from xmodal_lite.data.problems import Problems

CAMERA = re.compile(r"(?<![a-z])(rgb|ir)(?![a-z])")  # in a name of the owners


class Tufts(PairedSet):
    """The visible and thermal faces of Tufts. The one protocol is ``standard``."""

    name = "tufts"
    title = "Tufts"
    modalities = ("visible", "thermal")
    colours = ("colour", "grey")
    folders = ("visible", "thermal")
    match = "subject and name"
    protocols = {"standard": 90}
    subjects = 112
    totals = {"subjects": (112, 113), "pairs": 1583}
    synthetic = {
        "tiny": {"identities": 30, "images": 2},
        "demo": {"identities": 112, "images": 8},
        "paper": {"identities": 112, "images": 14},
    }

    def images(self, root: Path, problems: Problems) -> list[list[PairImage]]:
        """List the images of each modality, by subject and name."""
        return [
            [
                PairImage(
                    f"{name}/{folder.name}/{image}",
                    folder.name,
                    (spelling_key(folder.name), CAMERA.sub("", spelling_key(Path(image).stem))),
                )
                for folder in identity_folders(root / name, problems, self.remedy)
                for image in file_names(folder, problems, self.remedy)
            ]
            for name in self.folders
        ]


TUFTS = Tufts()
