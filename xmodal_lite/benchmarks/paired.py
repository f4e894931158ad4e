"""What the face sets of aligned pairs have in common: two images a pair, lists of subjects drawn by a seed."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, Split, TableBuilder
from xmodal_lite.benchmarks.division import Division, divide, division_of, make_split, search_all
from xmodal_lite.benchmarks.image_set import FACE_SIZES, FARS, VERIFICATION, ImageSet, Scan, Splitters
from xmodal_lite.benchmarks.layout import file_names
from xmodal_lite.benchmarks.spelling import spelling_key
from xmodal_lite.benchmarks.subject_lists import draw_subjects, list_path, list_text, read_list, write_list
from xmodal_lite.data.problems import Problems
from xmodal_lite.data.table import SampleTable

SPLITS = 5


class PairImage(NamedTuple):
    """An image and what finds the other one of its pair.

    Attributes
    ----------
    path : str
        Relative to the root.
    subject : str
        Name of its subject.
    key : tuple of str
        Equal for the two images of a pair: a form of the subject's name, and what tells the subject's pairs apart.
    """

    path: str
    subject: str
    key: tuple[str, str]


class PairedSet(ImageSet):
    """A set of aligned pairs. The seed of a split is the number of its list, 0 to 4.

    Attributes
    ----------
    match : str
        What the images of a pair have in common, for messages.
    protocols : mapping of str to int
        How many subjects of the whole set train. The lists ``splits/{protocol}_1.txt`` to ``_5.txt`` are drawn, and
        written where that is allowed, if they are not there.
    subjects : int
        Subjects of the whole set. In a smaller copy the same share of them trains.
    """

    family = "faces"
    aligned = True
    image_sizes = FACE_SIZES
    match: str
    protocols: Mapping[str, int]
    subjects: int

    @property
    def resampled(self) -> dict[str, float]:
        """Return test subjects per training subject: each seed has its list of subjects."""
        return {name: (self.subjects - train) / train for name, train in self.protocols.items()}

    @abstractmethod
    def images(self, root: Path, problems: Problems) -> Iterable[Iterable[PairImage]]:
        """List the images of each modality."""

    def scan(self, root: Path, problems: Problems) -> Scan:
        """List all pairs, and who trains in each split."""
        table = self._pair(root, problems)
        names, divisions = table.identity_names, dict[tuple[str, int], Division]()
        for protocol in self.protocols if len(table) else ():
            train = self.trained(protocol, len(names))
            if min(train, len(names) - train) < 2:
                problems.add(
                    f"{root}: {len(names)} subjects with a pair are {train} to train on and {len(names) - train} to "
                    f"test on under protocol {protocol}, which needs two of each; {self.remedy}"
                )
                continue
            for seed in range(SPLITS):
                path = root / list_path(protocol, seed)
                trained = (
                    read_list(path, names, train, problems)
                    if path.exists()
                    else draw_subjects(names, train, seed)
                )
                training = np.array([name in trained for name in names], dtype=bool)[table.identity]
                divisions[protocol, seed] = divide(training, str(path))
        return Scan(table, divisions, (), self.modalities)

    def count(self, root: Path, scan: Scan) -> dict[str, int]:
        """Count subjects and pairs."""
        return {"subjects": len(scan.table.identity_names), "pairs": len(scan.table) // 2}

    def check_more(self, root: Path, scan: Scan, counts: Mapping[str, int], problems: Problems) -> None:
        """Note the lists that are not there yet."""
        absent = [key for key in scan.divisions if not (root / list_path(*key)).exists()]
        if absent:
            problems.note(f"{len(absent)} lists in {root / 'splits'} are drawn when the set is loaded")

    def seal(self, root: Path, scan: Scan, fingerprint: str) -> str:
        """Write the lists that are not there; return the fingerprint over images and lists."""
        table = scan.table
        texts = {
            key: list_text(table.identity_names, _subjects(table, division.train))
            for key, division in scan.divisions.items()
        }
        for key, text in texts.items():
            if not (root / list_path(*key)).exists():
                write_list(root / list_path(*key), text)
        return hashlib.sha256("\n".join([fingerprint, *texts.values()]).encode()).hexdigest()

    def splitters(self, root: Path, scan: Scan, data: str) -> Splitters:
        """Return the protocols."""
        return {name: partial(self._split, data, scan, name) for name in self.protocols}

    def trained(self, protocol: str, subjects: int) -> int:
        """Count the subjects that train, of so many in a copy: the protocol's number, or its share of a part."""
        whole = self.protocols[protocol]
        return whole if subjects >= self.subjects else round(subjects * whole / self.subjects)

    def _pair(self, root: Path, problems: Problems) -> SampleTable:
        """Put the images together that show the same, and report those left alone."""
        sides: list[dict[tuple[str, str], PairImage]] = []
        for images in self.images(root, problems):
            sides.append({})
            for image in images:
                first = sides[-1].setdefault(image.key, image)
                if first != image:
                    words = f"has the same {self.match} as {root / first.path}; remove one of the two"
                    problems.add(f"{root / image.path}: {words}", f"the same {self.match}", image.path)
        for here, there in ((0, 1), (1, 0)) if all(sides) else ():  # an empty side was reported
            for key in sorted(sides[here].keys() - sides[there].keys()):
                path = sides[here][key].path
                words = f"there is no {self.modalities[there]} image of the same {self.match}"
                problems.add(f"{root / path}: {words}; restore it, or remove this one", words, path)
        rows = TableBuilder()
        pairs = [(sides[0][key], sides[1][key]) for key in sides[0].keys() & sides[1].keys()]
        for number, pair in enumerate(sorted(pairs, key=lambda pair: (pair[0].subject, pair[0].key))):
            for modality, image in enumerate(pair):
                rows.add(image.path, pair[0].subject, modality, modality, number)
        return rows.table()

    def _split(self, data: str, scan: Scan, protocol: str, benchmark: Benchmark, seed: int) -> Split:
        """Train on the listed subjects, look for every test image of one modality among all of the other."""
        table, division = benchmark.table, division_of(scan.divisions, protocol, seed, self.title)
        names, trained = table.identity_names, _subjects(table, division.train)
        drawn = trained == draw_subjects(names, len(trained), seed)
        origin = f"drawn by numpy.random.default_rng({seed})" if drawn else f"of {list_path(protocol, seed)}"
        share = f" (as {self.protocols[protocol]} of {self.subjects})" if len(names) < self.subjects else ""
        first, second = self.modalities
        name = (
            f"{data}, protocol {protocol}, split {seed + 1} of {SPLITS}, {origin}, {len(trained)} subjects train and "
            f"{len(names) - len(trained)} test{share}, v2r {first} queries in {second} gallery and r2v the reverse, "
            f"the gallery is every test image of the other modality, one draw, CMC counts images, {VERIFICATION}, "
            "the same both ways, cosine, no flip, no re-ranking"
        )
        tasks = search_all(table, division.test, FARS)
        return make_split(benchmark, protocol, seed, division, tasks, ["images"], name)


class PhotoSketchSet(PairedSet):
    """A set of ``photos/`` and ``sketches/``, one of each a subject."""

    modalities = ("photo", "sketch")
    folders = ("photos", "sketches")

    @abstractmethod
    def subject(self, stem: str) -> str:
        """Return the part of a file's stem that names its subject; empty where there is none."""

    def subject_key(self, subject: str) -> str:
        """Return what the names of a subject have in common in both folders."""
        return spelling_key(subject)

    def images(self, root: Path, problems: Problems) -> list[list[PairImage]]:
        """List the images of both folders."""
        sides: list[list[PairImage]] = []
        for folder in self.folders:
            sides.append([])
            if not (root / folder).is_dir():
                problems.add(f"{root / folder}: no such folder; {self.remedy}")
                continue
            for name in file_names(root / folder, problems, self.remedy):
                if subject := self.subject(Path(name).stem):
                    key = (self.subject_key(subject), "")
                    sides[-1].append(PairImage(f"{folder}/{name}", subject, key))
                else:
                    words = "its name does not begin with a subject's number; restore it"
                    problems.add(f"{root / folder / name}: {words}", words, f"{folder}/{name}")
        return sides


def _subjects(table: SampleTable, rows: np.ndarray) -> frozenset[str]:
    return frozenset(table.identity_names[i] for i in np.unique(table.identity[rows]))
