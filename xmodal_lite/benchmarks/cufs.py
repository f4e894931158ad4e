"""CUFS: faces as photos and as sketches that an artist drew from these photos.

Layout: ``photos/{stem}.jpg`` and ``sketches/{stem}.jpg``, one pair for each of 606 subjects, with the same stem. In
the students' part as its owners distribute it, the sketch of ``f-005-01.jpg`` is ``F2-005-01-sz1.jpg`` or
``f-005-01-sz1.jpg``; that counts as the same. The owners distribute no list, so the splits are ours: see
`xmodal_lite.benchmarks.subject_lists`.

Data: Wang and Tang, Face photo-sketch synthesis and recognition, TPAMI 2009. Protocols: the two sizes of training set
in common use.
"""

from __future__ import annotations

import re

from xmodal_lite.benchmarks.paired import PhotoSketchSet
from xmodal_lite.benchmarks.spelling import spelling_key


class Cufs(PhotoSketchSet):
    """CUFS. Protocols are ``404-202`` and ``306-300``, subjects to train and to test on."""

    name = "cufs"
    title = "CUFS"
    colours = ("colour", "grey")
    match = "name"
    protocols = {"404-202": 404, "306-300": 306}
    subjects = 606
    totals = {"pairs": 606}
    synthetic = {"tiny": {"identities": 40}, "demo": {"identities": 606}, "paper": {"identities": 606}}

    def subject(self, stem: str) -> str:
        """Return the whole stem."""
        return stem

    def subject_key(self, subject: str) -> str:
        """Return the name of the photo: without a sketch's ``-sz1``, and with ``F2-`` as ``f-``."""
        return re.sub(r"^([fm])2-", r"\1-", re.sub(r"-sz\d+$", "", spelling_key(subject)))


CUFS = Cufs()
