"""CUFS: faces as photos and as sketches that an artist drew from these photos.

Layout: ``photos/{stem}.jpg`` and ``sketches/{stem}.jpg``, one pair for each of 606 subjects, with the same stem. The
owners distribute no list, so the splits are ours: see `xmodal_lite.benchmarks.subject_lists`.

Data: Wang and Tang, Face photo-sketch synthesis and recognition, TPAMI 2009. Protocols: the two sizes of training set
in common use.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from xmodal_lite.benchmarks.base import Benchmark, CheckReport
from xmodal_lite.benchmarks.paired import PairedSet, photos_and_sketches
from xmodal_lite.benchmarks.shared import FACE_SIZE

CUFS = PairedSet(
    name="cufs",
    title="CUFS",
    modalities=("photo", "sketch"),
    match="name",
    pictures=partial(photos_and_sketches, ".+"),
    protocols={"404-202": 404, "306-300": 306},
    subjects=606,
    totals={"pairs": 606},
)


def load(root: str | Path, size: tuple[int, int] = FACE_SIZE) -> Benchmark:
    """Read a copy of CUFS.

    Protocols are ``404-202`` and ``306-300``, subjects to train and to test on; the seed of a split is 0 to 4 for the
    lists ``splits/404-202_1.txt`` to ``_5.txt``, which are drawn and written if they are not there.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``photos`` and ``sketches``. A file ``synthetic.json`` in it marks a synthetic data set.
    size : tuple of int
        (height, width) of the samples.

    Returns
    -------
    Benchmark
        Samples (n, 3, height, width) uint8; pair numbers count the subjects.

    Raises
    ------
    DataError
        For the first thing that is wrong: a missing folder, a photo without its sketch or the reverse, two of them for
        one subject, a list that cannot be followed, a sketch in colour, a damaged image.
    """
    return CUFS.load(Path(root), size)


def check(root: str | Path) -> CheckReport:
    """Look over a copy of CUFS: every picture and list, and the known total.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``photos`` and ``sketches``; the total of a synthetic data set is not compared.

    Returns
    -------
    CheckReport
        Problems, counts and notes.
    """
    return CUFS.check(Path(root))
