r"""CASIA NIR-VIS 2.0: faces in visible and in near-infrared light, in four sessions, other people than in training.

Layout: ``s{1..4}/{VIS,NIR}_128x128/{id}/*.bmp``, and the ten folds of "View 2" in
``protocols/{vis_train,nir_train,vis_gallery,nir_probe}_{1..10}.txt`` with lines such as
``s1\VIS_128x128\00001\001.bmp``. A label may follow the path.

Data and protocol: Li, Yi, Lei and Liao, The CASIA NIR-VIS 2.0 face database, CVPR workshops 2013.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, CheckReport, Split
from xmodal_lite.benchmarks.index import Parts, read_splits
from xmodal_lite.benchmarks.shared import (
    FACE_SIZE,
    FARS,
    VERIFICATION,
    Reporter,
    check_images,
    data_name,
    differences,
    file_names,
    identity_folders,
    make_split,
    of_modality,
    raise_data_error,
    shorten,
    single_modality_notes,
    source,
)
from xmodal_lite.data.images import open_images
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import SpecError
from xmodal_lite.evaluation import RetrievalTask

FOLDERS = ("VIS_128x128", "NIR_128x128")  # by modality
SESSIONS = ("s1", "s2", "s3", "s4")
FOLDS = 10
LISTS = [
    {
        part: [f"protocols/{name}_{k + 1}.txt" for name in names]
        for part, names in (("train", ("vis_train", "nir_train")), ("test", ("vis_gallery", "nir_probe")))
    }
    for k in range(FOLDS)
]
TOTALS = {"subjects": 725, "folds": FOLDS}


def load(root: str | Path, size: tuple[int, int] = FACE_SIZE) -> Benchmark:
    """Read a copy of CASIA NIR-VIS 2.0.

    The one protocol is ``view2``: the seed of a split is its fold, 0 to 9 for the lists 1 to 10.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``s1`` to ``s4`` and ``protocols``. A file ``synthetic.json`` in it marks a synthetic data set.
    size : tuple of int
        (height, width) of the samples.

    Returns
    -------
    Benchmark
        Samples (n, 3, height, width) uint8.

    Raises
    ------
    DataError
        For the first thing that is wrong: a missing folder or list, a line that cannot be followed or names an image of
        the other modality, a label that disagrees with its folder, an identity on both sides of a fold or twice in a
        gallery, a near-infrared image in colour, a damaged image.
    """
    root = Path(root)
    table, parts, subjects = _scan(root, raise_data_error)
    lists = [index for fold in LISTS for indexes in fold.values() for index in indexes]
    samples, fingerprint = open_images(
        root, "casia-nir-vis", table.path.tolist(), lists, size, grey=of_modality(table, 1)
    )
    name = data_name("CASIA NIR-VIS 2.0", source(root), differences(_count(root, table, subjects), TOTALS))
    return Benchmark(
        name="casia-nir-vis",
        dims=2,
        modalities=("visible", "near-infrared"),
        table=table,
        samples=samples,
        fingerprint=fingerprint,
        source=source(root),
        splitters={"view2": partial(_split, name, parts)},
    )


def check(root: str | Path) -> CheckReport:
    """Look over a copy of CASIA NIR-VIS 2.0: every list, folder and image, and the known totals.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``s1`` to ``s4`` and ``protocols``; the totals of a synthetic data set are not compared.

    Returns
    -------
    CheckReport
        Problems, counts and notes.
    """
    root = Path(root)
    problems: list[str] = []
    table, parts, subjects = _scan(root, problems.append)
    odd, notes = check_images(root, table, grey=True)
    problems += odd
    counts = _count(root, table, subjects)
    if source(root) == "real":
        problems += [f"{root}: {words}; fetch the set again" for words in differences(counts, TOTALS)]
    notes += single_modality_notes(table, (part["train"] for part in parts), (part["test"] for part in parts))
    return CheckReport(problems, counts, notes)


def _scan(root: Path, report: Reporter) -> tuple[SampleTable, Parts, int]:
    """List all images that a list names, the rows of each fold, and count the subjects that have a folder."""
    present = [_present(root, name, report) for name in FOLDERS]
    table, parts = read_splits(root, LISTS, FOLDERS, present, report, labelled=False)
    for lists, part in zip(LISTS, parts, strict=True):
        gallery = part["test"][table.modality[part["test"]] == 0]
        identity, images = np.unique(table.identity[gallery], return_counts=True)
        if (images > 1).any():
            report(
                f"{root / lists['test'][0]}: lists {shorten(table.identity_names[i] for i in identity[images > 1])} more "
                "than once; a gallery has one image of each identity, fetch the list again"
            )
        if len(identity) == 1:
            report(
                f"{root / lists['test'][0]}: lists one identity, so no pair is of two; fetch the list and its images "
                "again"
            )
    return table, parts, len({path.split("/")[2] for images in present for path in images})


def _present(root: Path, name: str, report: Reporter) -> set[str]:
    """List the images of one modality in all sessions that this copy has."""
    sessions = [session for session in SESSIONS if (root / session / name).is_dir()]
    if not sessions:
        report(f"{root}: has no folder {name} in {'/'.join(SESSIONS)}; fetch the set again")
    return {
        f"{session}/{name}/{folder.name}/{image}"
        for session in sessions
        for folder in identity_folders(root / session / name, report, "fetch the set again")
        for image in file_names(folder, report)
    }


def _count(root: Path, table: SampleTable, subjects: int) -> dict[str, int]:
    counts = {"subjects": subjects, "folds": sum((root / fold["test"][1]).is_file() for fold in LISTS)}
    for modality, word in enumerate(("visible", "near-infrared")):
        counts[f"{word} images in the lists"] = int((table.modality == modality).sum())
    return counts


def _split(data: str, parts: Parts, benchmark: Benchmark, seed: int) -> Split:
    """Train on one half of the identities, look for the near-infrared images of the other among one visible each."""
    if seed >= FOLDS:
        raise SpecError(f"CASIA NIR-VIS 2.0 has {FOLDS} folds: choose seed 0 to {FOLDS - 1}, not {seed}")
    modality = benchmark.table.modality[parts[seed]["test"]]
    gallery, probes = np.flatnonzero(modality == 0), np.flatnonzero(modality == 1)
    name = (
        f"{data} View 2, fold {seed + 1} of {FOLDS}, near-infrared probes in a visible gallery of one image per "
        f"identity, one draw, CMC counts images, {VERIFICATION}, cosine, no flip, no re-ranking"
    )
    return make_split(
        benchmark,
        "view2",
        seed,
        parts[seed]["train"],
        parts[seed]["test"],
        [RetrievalTask("r2v", probes, (gallery,), fars=FARS)],
        ["images"],
        name,
    )
