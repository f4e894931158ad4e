"""What the benchmarks of images have in common: from folders to a table, from tasks to a split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, Split
from xmodal_lite.data.images import SUFFIXES, inspect_images
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import DataError
from xmodal_lite.evaluation import RetrievalTask, retrieval_report
from xmodal_lite.evaluation.protocols import Count
from xmodal_lite.files import is_synthetic

SIZE = (288, 144)  # height and width of the samples, as the AGW line trains
FACE_SIZE = (112, 112)  # the same for faces
FARS = (0.01, 0.001)  # at which faces are verified
VERIFICATION = (
    "vr@f is the largest share of genuine pairs accepted with at most f of the impostor pairs accepted, over all pairs "
    "of a query and a gallery image, equal scores accepted together"
)
Reporter = Callable[[str], None]  # takes one problem: collects it, or raises


def raise_data_error(problem: str) -> None:
    """Raise the first problem as a DataError."""
    raise DataError(problem)


@dataclass
class TableBuilder:
    """The columns of a sample table in the making."""

    path: list[str] = field(default_factory=list)
    identity: list[str] = field(default_factory=list)
    camera: list[int] = field(default_factory=list)
    modality: list[int] = field(default_factory=list)
    pair: list[int] = field(default_factory=list)

    def add(self, path: str, identity: str, camera: int, modality: int, pair: int = -1) -> None:
        """Append one sample; samples with the same `pair` number are aligned, unless it is -1."""
        self.path.append(path)
        self.identity.append(identity)
        self.camera.append(camera)
        self.modality.append(modality)
        self.pair.append(pair)

    def table(self) -> SampleTable:
        """Return the samples in the order of their paths."""
        names, identity = np.unique(np.array(self.identity, dtype=str), return_inverse=True)
        table = SampleTable(
            path=np.array(self.path, dtype=str),
            identity=identity.astype(np.int64),
            camera=np.array(self.camera, dtype=np.int64),
            modality=np.array(self.modality, dtype=np.int8),
            pair=np.array(self.pair, dtype=np.int64),
            identity_names=tuple(names.tolist()),
        )
        return table.select(np.argsort(table.path, kind="stable"))


def file_names(folder: Path, report: Reporter, suffixes: Sequence[str] = SUFFIXES) -> list[str]:
    """List the images of an identity, sorted; an empty folder is a problem."""
    within = _within(folder, report)
    names = sorted(path.name for path in within or [] if path.suffix.lower() in suffixes)
    if within is not None and not names:
        report(f"{folder}: holds no {'/'.join(suffixes)} file; fetch its files again or remove the folder")
    return names


def identity_folders(folder: Path, report: Reporter, remedy: str) -> list[Path]:
    """List the folders of the identities, sorted by name; a missing or empty parent is a problem."""
    if not folder.is_dir():
        report(f"{folder}: no such folder; {remedy}")
        return []
    within = _within(folder, report)
    found = sorted(path for path in within or [] if path.is_dir())
    if within is not None and not found:
        report(f"{folder}: holds no identity folder; {remedy}")
    return found


def _within(folder: Path, report: Reporter) -> list[Path] | None:
    """List what is in a folder and not hidden; a folder that cannot be opened is a problem, and None."""
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        report(f"{folder}: cannot be opened ({error.strerror}); check its permissions")
        return None


def shorten(names: Iterable[str], most: int = 10) -> str:
    """Write out some names of many."""
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def check_images(root: Path, table: SampleTable, *, grey: bool = False) -> tuple[list[str], list[str]]:
    """Decode all images; return the problems, and notes on images that look as if of the other modality.

    An infrared image (or a sketch) in colour is a problem where all must be grey. Without `grey` it is a note: of sets
    of which we know no real copy, it is not known whether all are grey, to within a slight tint.
    """
    looks = inspect_images(root, table.path.tolist(), of_modality(table, 1))
    notes = []
    if looks.plain:
        notes.append(
            f"grey where most visible images are in colour, as if of the other camera: {shorten(looks.plain)}"
        )
    if grey:
        return [*looks.damaged, *looks.coloured.values()], notes
    if looks.coloured:
        notes.append(
            f"in colour where infrared images are grey, as if of the other camera: {shorten(looks.coloured)}"
        )
    return looks.damaged, notes


def of_modality(table: SampleTable, modality: int) -> set[str]:
    """Return the paths of the samples of one modality."""
    return set(table.path[table.modality == modality].tolist())


def single_modality_notes(
    table: SampleTable, train: Iterable[np.ndarray], test: Iterable[np.ndarray]
) -> list[str]:
    """Write the notes on identities that the training or the test part of a split has in one modality only."""
    notes = []
    for part, splits in (("training", train), ("test", test)):
        alone = {i for rows in splits for i in table.identity[rows][~in_both(table, rows)].tolist()}
        if alone:
            names = shorten(table.identity_names[i] for i in alone)
            notes.append(f"{len(alone)} {part} identities in one modality only: {names}")
    return notes


def in_both(table: SampleTable, rows: np.ndarray) -> np.ndarray:
    """Mark those of the rows (k,) whose identity has rows in both modalities: (k,) bool. A mask (n,) will do."""
    identity, infrared = table.identity[rows], table.modality[rows] == 1
    return np.isin(identity, np.intersect1d(identity[infrared], identity[~infrared]))


def check_split_usable(
    table: SampleTable, train: np.ndarray, test: np.ndarray, lists: str, report: Reporter
) -> None:
    """Report a division that cannot be trained on, or in which nothing can be found."""
    trained = np.unique(table.identity[train][in_both(table, train)])
    if len(trained) < 2:
        report(
            f"{lists}: {len(trained)} of the training identities have images in both modalities, two or more are "
            "needed; fetch the missing images"
        )
    if not in_both(table, test).any():
        report(
            f"{lists}: no test identity has images in both modalities, so no query has a match in the gallery; "
            "fetch the missing images"
        )


def source(root: Path) -> str:
    """Tell real data from a synthetic data set."""
    return "synthetic" if is_synthetic(root) else "real"


def differences(counts: Mapping[str, int], totals: Mapping[str, int | tuple[int, int]]) -> list[str]:
    """Compare counts with the known totals, one clause each; a total of which two are printed is a pair of them."""
    found = []
    for name, total in totals.items():
        least, most = total if isinstance(total, tuple) else (total, total)
        gap = counts[name] - min(max(counts[name], least), most)
        if gap:
            whole = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            words = f"{-gap:,} missing" if gap < 0 else f"{gap:,} too many"
            found.append(f"{counts[name]:,} {name} where the whole set has {whole} ({words})")
    return found


def data_name(name: str, source: str, differences: Sequence[str]) -> str:
    """Name the data in a report, so that no number of a synthetic data set or of part of a set passes for the set's own."""
    if source == "synthetic":
        return f"{name} synthetic"
    return f"{name}, not the whole set: {differences[0]}" if differences else name


def make_split(
    benchmark: Benchmark,
    protocol: str,
    seed: int,
    train: np.ndarray,
    test: np.ndarray,
    tasks: Sequence[RetrievalTask],
    counts: Sequence[Count],
    name: str,
) -> Split:
    """Put a split together.

    Parameters
    ----------
    benchmark : Benchmark
        The data.
    protocol : str
        Short name of the protocol.
    seed : int
        Seed of the split.
    train, test : numpy.ndarray
        TableBuilder of the benchmark; training rows of identities in one modality become ``unpaired``.
    tasks : sequence of RetrievalTask
        In positions of `test`.
    counts : sequence of str
        What CMC counts.
    name : str
        The protocol in words, without the numbers of queries and of gallery images.

    Raises
    ------
    DataError
        If no query of a search has a match.
    """
    table = benchmark.table
    identities, paired = table.identity[test], in_both(table, train)
    sizes = []
    for search in tasks:
        valid_queries = search.valid_queries(identities)
        if not valid_queries:
            raise DataError(
                f"{benchmark.name}, protocol {protocol}: no query of {search.direction} has a match in the gallery; "
                f"the test identities ({shorten(table.identity_names[i] for i in np.unique(identities))}) need images in "
                "both modalities, in cameras that this protocol compares; run 'xmodal check' on this copy"
            )
        size = (
            f"{search.direction}: {len(search.queries)} queries, {valid_queries} of them with a match, in "
            f"{len(search.trials[0])} gallery images"
        )
        if search.fars:
            genuine, impostor = search.pairs(identities)
            size += f", {genuine} genuine and {impostor} impostor pairs"
        sizes.append(size)
    return Split(
        protocol=protocol,
        seed=seed,
        train=train[paired],
        test=test,
        unpaired=train[~paired],
        evaluate=partial(
            retrieval_report,
            identities=identities,
            tasks=tasks,
            counts=counts,
            protocol_name="; ".join([name, *sizes]),
        ),
        tasks=tasks,
    )
