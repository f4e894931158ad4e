"""Tufts: faces in visible light and in thermal infrared, some fourteen aligned pairs a subject.

Layout: ``visible/{subject}/*.jpg`` and ``thermal/{subject}/*.jpg``; the same name within a subject is one pair. The
owners distribute no list, so the splits are ours: see `xmodal_lite.benchmarks.subject_lists`.

Data: Panetta et al., A comprehensive database for benchmarking imaging systems, TPAMI 2020. Protocol: 90 random
subjects train, as the papers on thermal faces have it; 112 or 113 subjects are counted.
"""

from __future__ import annotations

from pathlib import Path

from xmodal_lite.benchmarks.base import Benchmark, CheckReport
from xmodal_lite.benchmarks.paired import PairedSet, Picture
from xmodal_lite.benchmarks.shared import FACE_SIZE, Reporter, file_names, identity_folders

FOLDERS = ("visible", "thermal")  # by modality


def load(root: str | Path, size: tuple[int, int] = FACE_SIZE) -> Benchmark:
    """Read a copy of the visible and thermal faces of Tufts.

    The one protocol is ``standard``; the seed of a split is 0 to 4 for the lists ``splits/standard_1.txt`` to
    ``_5.txt``, which are drawn and written if they are not there.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``visible`` and ``thermal``. A file ``synthetic.json`` in it marks a synthetic data set.
    size : tuple of int
        (height, width) of the samples.

    Returns
    -------
    Benchmark
        Samples (n, 3, height, width) uint8.

    Raises
    ------
    DataError
        For the first thing that is wrong: a missing or empty folder, a picture without its partner, two with one name,
        a list that cannot be followed, a thermal picture in colour, a damaged image.
    """
    return TUFTS.load(Path(root), size)


def check(root: str | Path) -> CheckReport:
    """Look over a copy of Tufts: every picture and list, and the known totals.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``visible`` and ``thermal``; the totals of a synthetic data set are not compared.

    Returns
    -------
    CheckReport
        Problems, counts and notes.
    """
    return TUFTS.check(Path(root))


def _pictures(root: Path, report: Reporter) -> list[list[Picture]]:
    """List the pictures of each modality, by subject and stem."""
    return [
        [
            (f"{name}/{folder.name}/{image}", folder.name, Path(image).stem)
            for folder in identity_folders(root / name, report, "fetch the set again")
            for image in file_names(folder, report)
        ]
        for name in FOLDERS
    ]


TUFTS = PairedSet(
    name="tufts",
    title="Tufts",
    modalities=FOLDERS,
    match="subject and name",
    pictures=_pictures,
    protocols={"standard": 90},
    subjects=112,
    totals={"subjects": (112, 113), "pairs": 1583},
)
