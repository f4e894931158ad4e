"""CUFSF: FERET's grey photos of faces, in changing light, and sketches that exaggerate their shapes.

Layout: ``photos/`` and ``sketches/``, one pair for each of 1,194 subjects. Names carry FERET's suffixes or not
(``00001fa010_930831.jpg``, ``00001.jpg``): the leading number is the subject. The owners distribute no list, so the
splits are ours: see `xmodal_lite.benchmarks.subject_lists`.

Data: Zhang, Wang and Tang, Coupled information-theoretic encoding for face photo-sketch recognition, CVPR 2011, whose
500 training subjects are the one protocol; 700 are in use as well.
"""

from __future__ import annotations

import re

from xmodal_lite.benchmarks.paired import PhotoSketchSet


class Cufsf(PhotoSketchSet):
    """CUFSF. Protocols are ``500-694`` and ``700-494``, subjects to train and to test on."""

    name = "cufsf"
    title = "CUFSF"
    colours = ("any", "grey")
    match = "leading number"
    protocols = {"500-694": 500, "700-494": 700}
    subjects = 1194
    totals = {"pairs": 1194}
    synthetic = {"tiny": {"identities": 40}, "demo": {"identities": 1194}, "paper": {"identities": 1194}}

    def subject(self, stem: str) -> str:
        """Return the leading number."""
        found = re.match(r"\d+", stem)
        return found[0] if found else ""


CUFSF = Cufsf()
