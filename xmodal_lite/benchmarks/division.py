"""The division of a data set's rows into training and test: whether it can be used, and the split made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, Split, shorten
from xmodal_lite.data.problems import Problems
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import DataError, SpecError
from xmodal_lite.evaluation import RetrievalTask, retrieval_report
from xmodal_lite.evaluation.protocols import Count


class Division(NamedTuple):
    """One division of a data set.

    Attributes
    ----------
    train, test : numpy.ndarray
        Row numbers int64 of the table, ascending.
    place : str
        The list or the folder that says so, for messages.
    complete : bool
        Whether all lists and folders that it comes from could be read.
    """

    train: np.ndarray
    test: np.ndarray
    place: str
    complete: bool = True


def divide(training: np.ndarray, place: str, complete: bool = True) -> Division:
    """Make a division from the mask (n,) of the rows to train on."""
    return Division(np.flatnonzero(training), np.flatnonzero(~training), place, complete)


def in_both(table: SampleTable, rows: np.ndarray) -> np.ndarray:
    """Mark those of the rows (k,) whose identity has rows in both modalities: (k,) bool."""
    identity, infrared = table.identity[rows], table.modality[rows] == 1
    return np.isin(identity, np.intersect1d(identity[infrared], identity[~infrared]))


def division_of(
    divisions: Mapping[tuple[str, int], Division], protocol: str, seed: int, data: str
) -> Division:
    """Return the division of a list, whose number is the seed; SpecError where there is no such list."""
    count = sum(name == protocol for name, _ in divisions)
    if seed >= count:
        raise SpecError(f"{data} has {count} splits: choose seed 0 to {count - 1}, not {seed}")
    return divisions[protocol, seed]


def search_all(table: SampleTable, rows: np.ndarray, fars: tuple[float, ...] = ()) -> list[RetrievalTask]:
    """Look for every one of the rows (k,) of one modality among all of the other, both ways; `fars` for "r2v" alone."""
    v, r = (np.flatnonzero(table.modality[rows] == modality) for modality in (0, 1))
    return [RetrievalTask("v2r", v, (r,)), RetrievalTask("r2v", r, (v,), fars=fars)]


def check_usable(
    table: SampleTable,
    divisions: Iterable[Division],
    modalities: Sequence[str],
    remedy: str,
    problems: Problems,
) -> None:
    """Report divisions that cannot be trained on, in which nothing can be found, or whose answer is given away.

    Parameters
    ----------
    table : SampleTable
        The data.
    divisions : iterable of Division
        Those to look at.
    modalities : sequence of str
        Names of modality 0 and 1.
    remedy : str
        What to do about missing samples.
    problems : Problems
        Gets what is found.
    """
    for train, test, place, complete in divisions:
        if not complete:
            continue  # what is missing was reported
        trained = len(np.unique(table.identity[train][in_both(table, train)]))
        if trained < 2:
            problems.add(
                f"{place}: {trained} of the training identities have samples in both modalities, two or more are "
                f"needed; {remedy}",
                f"too little to train on: {trained}",
                place,
            )
        if not in_both(table, test).any():
            problems.add(
                f"{place}: no test identity has samples in both modalities, so no query has a match in the gallery; "
                f"{remedy}",
                "nothing to find",
                place,
            )
            continue
        sides = [np.unique(table.identity[test][table.modality[test] == modality]) for modality in (0, 1)]
        if alone := [word for word, names in zip(modalities, sides, strict=True) if len(names) == 1]:
            left = table.identity_names[min(sides, key=len)[0]]
            problems.add(
                f"{place}: one identity, {left}, is left to test in {' and '.join(alone)}, so no pair is of two and "
                f"every method finds it; {remedy}",
                "one identity left to test",
                place,
            )


def note_single_modality(table: SampleTable, divisions: Sequence[Division], problems: Problems) -> None:
    """Note the identities that the training or the test part of a division has in one modality only."""
    for part, splits in (("training", [d.train for d in divisions]), ("test", [d.test for d in divisions])):
        alone = {i for rows in splits for i in table.identity[rows][~in_both(table, rows)].tolist()}
        if alone:
            names = shorten(table.identity_names[i] for i in alone)
            problems.note(f"{len(alone)} {part} identities in one modality only: {names}")


def check_copies(
    table: SampleTable, divisions: Sequence[Division], digests: np.ndarray, problems: Problems
) -> None:
    """Report files of the same bytes that give an answer away; note those that do not.

    Parameters
    ----------
    table : SampleTable
        The data.
    divisions : sequence of Division
        All divisions of it.
    digests : numpy.ndarray
        (n,) str, of the bytes of each file; empty where they are not known.
    problems : Problems
        Gets a problem for copies under several identities, in training and test, or in both modalities; a note for
        others.
    """
    rows_of: dict[str, list[int]] = defaultdict(list)
    values, counts = np.unique(digests, return_counts=True)
    repeated = set(values[(counts > 1) & (values != "")].tolist())
    for row, digest in enumerate(digests.tolist()):
        if digest in repeated:
            rows_of[digest].append(row)
    for rows in rows_of.values():
        paths = [str(path) for path in table.path[rows]]
        sides = [(np.isin(rows, d.train).any(), np.isin(rows, d.test).any()) for d in divisions]
        faults = [
            words
            for words, found in (
                ("under several identities", len(set(table.identity[rows].tolist())) > 1),
                ("in training and in test", any(train and test for train, test in sides)),
                ("in both modalities", len(set(table.modality[rows].tolist())) > 1),
            )
            if found
        ]
        listed = f"{paths[0]} and {shorten(paths[1:], 3)}"
        if faults:
            words = " and ".join(faults)
            problems.add(f"{listed}: hold the same bytes {words}; keep the right one", words, listed)
        else:
            problems.note(f"copies of one file, all are used: {listed}", "copies of one file", listed)


def make_split(
    benchmark: Benchmark,
    protocol: str,
    seed: int,
    division: Division,
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
    division : Division
        Its rows; training rows of identities in one modality become ``unpaired``.
    tasks : sequence of RetrievalTask
        In positions of the test rows.
    counts : sequence of str
        What CMC counts.
    name : str
        The protocol in words, without the numbers of queries and of gallery images.

    Raises
    ------
    DataError
        If no query of a search has a match.
    """
    table, train, test = benchmark.table, division.train, division.test
    identities, paired = table.identity[test], in_both(table, train)
    sizes = []
    for search in tasks:
        valid_queries = search.valid_queries(identities)
        if not valid_queries:
            names = shorten(table.identity_names[i] for i in np.unique(identities))
            raise DataError(
                f"{benchmark.name}, protocol {protocol}: no query of {search.direction} has a match in the gallery; "
                f"the test identities ({names}) need images in "
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
