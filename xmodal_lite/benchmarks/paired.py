"""What the face sets of aligned pairs have in common: two pictures a pair, lists of subjects drawn by a seed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, CheckReport, Split
from xmodal_lite.benchmarks.shared import (
    FARS,
    VERIFICATION,
    Reporter,
    TableBuilder,
    check_images,
    data_name,
    differences,
    file_names,
    make_split,
    of_modality,
    raise_data_error,
    source,
)
from xmodal_lite.benchmarks.subject_lists import draw_subjects, list_path, list_text, read_list, write_list
from xmodal_lite.data.images import open_images
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import SpecError
from xmodal_lite.evaluation import RetrievalTask

SPLITS = 5
Picture = tuple[str, str, str]  # path, subject, and what tells its pairs apart
Lists = dict[tuple[str, int], frozenset[str]]  # the subjects that train, by protocol and seed


@dataclass(frozen=True)
class PairedSet:
    """A set of aligned pairs.

    Attributes
    ----------
    name, title : str
        Its name for `xmodal_lite.benchmarks.load`, and in a report.
    modalities : tuple of str
        Names of modality 0 and 1; pictures of modality 1 must be grey.
    match : str
        What the pictures of a pair have in common, for messages.
    pictures : callable
        Takes the root and a reporter, returns the pictures of each modality.
    protocols : mapping of str to int
        How many subjects of the whole set train.
    subjects : int
        Subjects of the whole set. In a smaller copy the same share of them trains.
    totals : mapping of str to int or tuple of int
        What the whole set holds.
    """

    name: str
    title: str
    modalities: tuple[str, str]
    match: str
    pictures: Callable[[Path, Reporter], Iterable[Iterable[Picture]]]
    protocols: Mapping[str, int]
    subjects: int
    totals: Mapping[str, int | tuple[int, int]]

    def load(self, root: Path, size: tuple[int, int]) -> Benchmark:
        """Read a copy; lists that are not there are drawn, and written where that is allowed."""
        table, lists = self._scan(root, raise_data_error)
        samples, images = open_images(root, self.name, table.path.tolist(), [], size, of_modality(table, 1))
        texts = {key: list_text(table.identity_names, trained) for key, trained in lists.items()}
        for key, text in texts.items():
            if not (root / list_path(*key)).exists():
                write_list(root / list_path(*key), text)
        data = data_name(self.title, source(root), differences(_count(table), self.totals))
        return Benchmark(
            name=self.name,
            dims=2,
            modalities=self.modalities,
            table=table,
            samples=samples,
            fingerprint=hashlib.sha256("\n".join([images, *texts.values()]).encode()).hexdigest(),
            source=source(root),
            splitters={name: partial(self._split, data, lists, name) for name in self.protocols},
        )

    def check(self, root: Path) -> CheckReport:
        """Look over a copy: every picture and list, and the known totals."""
        problems: list[str] = []
        table, lists = self._scan(root, problems.append)
        odd, notes = check_images(root, table, grey=True)
        problems += odd
        counts = _count(table)
        if source(root) == "real":
            words = differences(counts, self.totals)
            problems += [f"{root}: {difference}; fetch the set again" for difference in words]
        absent = [key for key in lists if not (root / list_path(*key)).exists()]
        if absent:
            notes.append(f"{len(absent)} lists in {root / 'splits'} are drawn when the set is loaded")
        return CheckReport(problems, counts, notes)

    def trained(self, protocol: str, subjects: int) -> int:
        """Count the subjects that train, of so many in a copy: the protocol's number, or its share of a part."""
        whole = self.protocols[protocol]
        return whole if subjects >= self.subjects else round(subjects * whole / self.subjects)

    def _scan(self, root: Path, report: Reporter) -> tuple[SampleTable, Lists]:
        """List all pairs, and who trains in each split."""
        table = self._pair(root, report)
        names, lists = table.identity_names, Lists()
        for protocol in self.protocols:
            train = self.trained(protocol, len(names))
            if min(train, len(names) - train) < 2:
                report(
                    f"{root}: {len(names)} subjects with a pair are {train} to train on and {len(names) - train} to "
                    f"test on under protocol {protocol}, which needs two of each; fetch the missing images"
                )
                continue
            for seed in range(SPLITS):
                path = root / list_path(protocol, seed)
                lists[protocol, seed] = (
                    read_list(path, names, train, report)
                    if path.exists()
                    else draw_subjects(names, train, seed)
                )
        return table, lists

    def _pair(self, root: Path, report: Reporter) -> SampleTable:
        """Put the pictures together that show the same, and report those left alone."""
        sides: list[dict[tuple[str, str], str]] = []
        for pictures in self.pictures(root, report):
            sides.append({})
            for path, subject, name in pictures:
                first = sides[-1].setdefault((subject, name), path)
                if first != path:
                    report(
                        f"{root / path}: has the same {self.match} as {root / first}; remove one of the two"
                    )
        for here, there in ((0, 1), (1, 0)):
            for key in sorted(sides[here].keys() - sides[there].keys()):
                report(
                    f"{root / sides[here][key]}: there is no {self.modalities[there]} picture of the same "
                    f"{self.match}; fetch it, or remove this one"
                )
        rows = TableBuilder()
        for number, key in enumerate(sorted(sides[0].keys() & sides[1].keys())):
            for modality, side in enumerate(sides):
                rows.add(side[key], key[0], modality, modality, number)
        return rows.table()

    def _split(self, data: str, lists: Lists, protocol: str, benchmark: Benchmark, seed: int) -> Split:
        """Train on the listed subjects, look for every test picture of one modality among all of the other."""
        if seed >= SPLITS:
            raise SpecError(
                f"{self.title} is used with {SPLITS} splits: choose seed 0 to {SPLITS - 1}, not {seed}"
            )
        table, trained = benchmark.table, lists[protocol, seed]
        names = table.identity_names
        training = np.array([name in trained for name in names], dtype=bool)[table.identity]
        test = np.flatnonzero(~training)
        v, r = (np.flatnonzero(table.modality[test] == modality) for modality in (0, 1))
        drawn = trained == draw_subjects(names, len(trained), seed)
        origin = f"drawn by numpy.random.default_rng({seed})" if drawn else f"of {list_path(protocol, seed)}"
        share = f" (as {self.protocols[protocol]} of {self.subjects})" if len(names) < self.subjects else ""
        first, second = self.modalities
        name = (
            f"{data}, protocol {protocol}, split {seed + 1} of {SPLITS}, {origin}, {len(trained)} subjects train and "
            f"{len(names) - len(trained)} test{share}, v2r {first} queries in {second} gallery and r2v the reverse, "
            f"the gallery is every test picture of the other modality, one draw, CMC counts images, {VERIFICATION}, "
            "the same both ways, cosine, no flip, no re-ranking"
        )
        return make_split(
            benchmark,
            protocol,
            seed,
            np.flatnonzero(training),
            test,
            [RetrievalTask("v2r", v, (r,)), RetrievalTask("r2v", r, (v,), fars=FARS)],
            ["images"],
            name,
        )


def photos_and_sketches(subject: str, root: Path, report: Reporter) -> list[list[Picture]]:
    """List the pictures of ``photos/`` and ``sketches/``, one of each a subject.

    Parameters
    ----------
    subject : str
        Regular expression for the part of a file's stem, from its start, that names the subject.
    root : pathlib.Path
        Folder of the data.
    report : callable
        Takes one problem.

    Returns
    -------
    list of list of tuple
        Path, subject and an empty string for each picture of a folder, by folder.
    """
    sides: list[list[Picture]] = []
    for folder in ("photos", "sketches"):
        sides.append([])
        if not (root / folder).is_dir():
            report(f"{root / folder}: no such folder; fetch the set again, with photos and sketches")
            continue
        for name in file_names(root / folder, report):
            if found := re.match(subject, Path(name).stem):
                sides[-1].append((f"{folder}/{name}", found[0], ""))
            else:
                report(f"{root / folder / name}: its name does not begin with a subject's number; restore it")
    return sides


def _count(table: SampleTable) -> dict[str, int]:
    return {"subjects": len(table.identity_names), "pairs": len(table) // 2}
