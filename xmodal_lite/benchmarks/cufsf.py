"""CUFSF: FERET's grey photos of faces, in changing light, and sketches that exaggerate their shapes.

Layout: ``photos/`` and ``sketches/``, one pair for each of 1,194 subjects. Names carry FERET's suffixes or not
(``00001fa010_930831.jpg``, ``00001.jpg``): the leading number is the subject. The owners distribute no list, so the
splits are ours: see `xmodal_lite.benchmarks.subject_lists`.

Data: Zhang, Wang and Tang, Coupled information-theoretic encoding for face photo-sketch recognition, CVPR 2011, whose
500 training subjects are the one protocol; 700 are in use as well.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from xmodal_lite.benchmarks.base import Benchmark, CheckReport
from xmodal_lite.benchmarks.paired import PairedSet, photos_and_sketches
from xmodal_lite.benchmarks.shared import FACE_SIZE

CUFSF = PairedSet(
    name="cufsf",
    title="CUFSF",
    modalities=("photo", "sketch"),
    match="leading number",
    pictures=partial(photos_and_sketches, r"\d+"),
    protocols={"500-694": 500, "700-494": 700},
    subjects=1194,
    totals={"pairs": 1194},
)


def load(root: str | Path, size: tuple[int, int] = FACE_SIZE) -> Benchmark:
    """Read a copy of CUFSF.

    Protocols are ``500-694`` and ``700-494``, subjects to train and to test on; the seed of a split is 0 to 4 for the
    lists ``splits/500-694_1.txt`` to ``_5.txt``, which are drawn and written if they are not there.

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
        As `xmodal_lite.benchmarks.cufs.load`, and for a name that does not begin with a number.
    """
    return CUFSF.load(Path(root), size)


def check(root: str | Path) -> CheckReport:
    """Look over a copy of CUFSF: every picture and list, and the known total.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``photos`` and ``sketches``; the total of a synthetic data set is not compared.

    Returns
    -------
    CheckReport
        Problems, counts and notes.
    """
    return CUFSF.check(Path(root))
