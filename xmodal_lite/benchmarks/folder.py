"""Your own data: ``{train,test}/{modality}/{identity}/*``, images or spectra of two kinds.

The two folders of modalities carry any names. One called visible, vis, rgb, photo, photos or raman is modality v;
otherwise the first by name. Spectra are text files of two columns, wavenumber in cm^-1 and intensity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, CheckReport, Split
from xmodal_lite.benchmarks.shared import (
    SIZE,
    Reporter,
    TableBuilder,
    check_split_usable,
    file_names,
    identity_folders,
    make_split,
    raise_data_error,
    shorten,
    single_modality_notes,
    source,
)
from xmodal_lite.data.cache import Entry, cached
from xmodal_lite.data.images import SUFFIXES, inspect_images, open_images
from xmodal_lite.data.spectra import READER, Preparation
from xmodal_lite.data.spectra import SUFFIXES as SPECTRA
from xmodal_lite.data.spectrum_samples import inspect_spectra, read_samples
from xmodal_lite.data.table import SampleTable
from xmodal_lite.evaluation import RetrievalTask

PARTS = ("train", "test")
KINDS = (*SUFFIXES, *SPECTRA)
FIRST = ("visible", "vis", "rgb", "photo", "photos", "raman")  # names of modality v
LAYOUT = "the layout is {train,test}/{modality}/{identity}/files with two modalities"


def load(root: str | Path, size: tuple[int, int] = SIZE) -> Benchmark:
    """Read data of your own.

    The one protocol is ``standard``: every test sample of one modality is looked for among all of the other.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``train`` and ``test``.
    size : tuple of int
        (height, width) of the samples; spectra are prepared as those of RRUFF and have no size.

    Returns
    -------
    Benchmark
        Samples (n, 3, height, width) uint8, or (n, 1, L) float32 for spectra.

    Raises
    ------
    DataError
        For the first thing that is wrong: a missing folder, not two modalities, an empty identity folder, an identity
        in both parts, images mixed with spectra, a damaged file, a spectrum without signal on the axis.
    """
    root = Path(root)
    table, modalities, training = _scan(root, raise_data_error)
    paths = table.path.tolist()
    if _spectra(table).all():
        settings = Preparation()
        samples, columns = cached(
            root,
            "folder",
            [root / path for path in paths],
            {"reader": READER, **asdict(settings)},
            partial(_read_spectra, root, paths),
        )
        fingerprint = str(columns["fingerprint"])
    else:
        samples, fingerprint = open_images(root, "folder", paths, [], size)
    return Benchmark(
        name="folder",
        dims=samples.ndim - 2,
        modalities=modalities,
        table=table,
        samples=samples,
        fingerprint=fingerprint,
        source=source(root),
        splitters={"standard": partial(_split, root.resolve().name, training)},
    )


def check(root: str | Path) -> CheckReport:
    """Look over data of your own: every folder and file.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``train`` and ``test``.

    Returns
    -------
    CheckReport
        Problems, counts and notes.
    """
    root = Path(root)
    problems: list[str] = []
    table, modalities, training = _scan(root, problems.append)
    spectra = _spectra(table)
    counts: dict[str, int] = {}
    refused, changed, changes = inspect_spectra(root, table.path[spectra].tolist())
    problems += [*refused, *inspect_images(root, table.path[~spectra].tolist()).damaged]
    for part, mask in (("training", training), ("test", ~training)):
        counts[f"{part} identities"] = len(np.unique(table.identity[mask]))
        for modality, name in enumerate(modalities):
            counts[f"{part} samples, {name}"] = int((mask & (table.modality == modality)).sum())
    counts |= changed
    notes = [*changes, *single_modality_notes(table, [training], [~training])]
    if others := [path for path in _files(root) if path.suffix.lower() not in KINDS]:
        names = shorten(path.relative_to(root).as_posix() for path in others)
        notes.append(f"{len(others)} files of other kinds left out: {names}")
    return CheckReport(problems, counts, notes)


def holds_spectra(root: str | Path) -> bool:
    """Tell whether the first sample below a root is a spectrum; False where there is none.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``train`` and ``test``.
    """
    kinds = (path.suffix.lower() for path in _files(Path(root)))
    return next((kind in SPECTRA for kind in kinds if kind in KINDS), False)


def _files(root: Path) -> Iterator[Path]:
    """Find all that is not hidden in the folders of the identities."""
    return (path for part in PARTS for path in (root / part).glob("[!.]*/[!.]*/[!.]*"))


def _scan(root: Path, report: Reporter) -> tuple[SampleTable, tuple[str, str], np.ndarray]:
    """List all samples, the two modalities, and the mask (n,) of those to train on."""
    folders = {part: identity_folders(root / part, report, LAYOUT) for part in PARTS}
    names = {folder.name for part in PARTS for folder in folders[part]}
    modalities = sorted(names, key=lambda name: (name.lower() not in FIRST, name))
    if names and len(names) != 2:
        report(f"{root}: has the modalities {shorten(names)}; {LAYOUT}, the same ones in train and test")
    rows, kinds = TableBuilder(), dict.fromkeys(PARTS, frozenset[str]())
    for part in PARTS:
        for folder in folders[part]:
            identities = identity_folders(folder, report, LAYOUT)
            kinds[part] |= {identity.name for identity in identities}
            for identity in identities:
                for name in file_names(identity, report, KINDS):
                    path = f"{part}/{folder.name}/{identity.name}/{name}"
                    rows.add(path, identity.name, 0, modalities.index(folder.name))
    if twice := kinds["train"] & kinds["test"]:
        report(
            f"{root}: identity {shorten(twice)} is in train and in test; the test is on identities that training never "
            "saw, move each to one part"
        )
    table = rows.table()
    spectra = _spectra(table)
    if spectra.any() and not spectra.all():
        odd = np.flatnonzero(spectra if spectra.mean() < 0.5 else ~spectra)
        report(
            f"{root / table.path[odd[0]]}: is a file of the other kind, as are {len(odd)} of {len(table)}; the data "
            f"are either images ({'/'.join(SUFFIXES)}) or spectra ({'/'.join(SPECTRA)}), remove one kind"
        )
    training = np.char.startswith(table.path, "train/")
    check_split_usable(table, np.flatnonzero(training), np.flatnonzero(~training), f"{root}", report)
    v, r = (*modalities, "v", "r")[:2]
    return table, (v, r), training


def _spectra(table: SampleTable) -> np.ndarray:
    """Mark the rows (n,) that are spectra, by their suffix."""
    return np.array([path.lower().endswith(SPECTRA) for path in table.path.tolist()], dtype=bool)


def _read_spectra(root: Path, paths: list[str]) -> Entry:
    """Prepare samples (n, 1, L) and the fingerprint for the cache."""
    samples, fingerprint = read_samples(root, paths)
    return samples, {"fingerprint": np.array(fingerprint)}


def _split(data: str, training: np.ndarray, benchmark: Benchmark, seed: int) -> Split:
    """Train on the one part, look for every test sample of one modality among all of the other."""
    rows = np.flatnonzero(~training)
    modality = benchmark.table.modality[rows]
    v, r = np.flatnonzero(modality == 0), np.flatnonzero(modality == 1)
    first, second = benchmark.modalities
    name = (
        f"folder {data}, v2r {first} queries in {second} gallery and r2v the reverse, the gallery is every test sample "
        "of the other modality, one draw, CMC counts samples (and identities where it says so), cosine, no flip, "
        "no re-ranking"
    )
    return make_split(
        benchmark,
        "standard",
        seed,
        np.flatnonzero(training),
        rows,
        [RetrievalTask("v2r", v, (r,)), RetrievalTask("r2v", r, (v,))],
        ["images", "identities"],
        name,
    )
