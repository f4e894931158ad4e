"""What every benchmark hands over: samples, the splits of its protocols, what a check of its folder found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import SpecError
from xmodal_lite.evaluation import Report, RetrievalTask


@dataclass(frozen=True, eq=False)
class Split:
    """One protocol's division of a benchmark's rows, and its rule of evaluation.

    Parameters
    ----------
    protocol : str
        Short name, such as ``"A"``.
    seed : int
        Seed of the division.
    train, test : numpy.ndarray
        Row numbers int64 into the benchmark's table and samples, ascending, without a row in common.
    unpaired : numpy.ndarray
        TableBuilder of identities seen in one modality only: free to train on, never tested.
    evaluate : callable
        Takes the features (len(test), D) of the test rows in order, returns a `Report`.
    tasks : sequence of RetrievalTask
        Who is looked for where, in positions of `test`, for `xmodal_lite.evaluation.pair_scores`; empty for RRUFF,
        whose rule is another.
    """

    protocol: str
    seed: int
    train: np.ndarray
    test: np.ndarray
    unpaired: np.ndarray
    evaluate: Callable[[np.ndarray], Report]
    tasks: Sequence[RetrievalTask] = ()


@dataclass(frozen=True, eq=False)
class Benchmark:
    r"""A data set in memory-mapped form with the protocols that are stated on it.

    Parameters
    ----------
    name : str
        Name under which `xmodal_lite.benchmarks.load` knows it.
    dims : int
        1 for spectra, 2 for images.
    modalities : tuple of str
        Names of modality 0 (v) and 1 (r).
    table : SampleTable
        What each sample shows.
    samples : numpy.ndarray
        (n, C, \*size), memory-mapped; row i belongs to row i of the table. Spectra are float32, images uint8.
    fingerprint : str
        SHA-256 over the names and bytes of the files read, so the same on every machine.
    source : str
        ``"real"`` or ``"synthetic"``.
    splitters : mapping of str to callable
        The protocols by name: each takes the benchmark and a seed and returns the `Split`.
    """

    name: str
    dims: int
    modalities: tuple[str, str]
    table: SampleTable
    samples: np.ndarray
    fingerprint: str
    source: str
    splitters: Mapping[str, Callable[[Benchmark, int], Split]]
    _splits: dict[tuple[str, int], Split] = field(init=False, repr=False, default_factory=dict)

    @property
    def protocols(self) -> tuple[str, ...]:
        """Names of the protocols."""
        return tuple(self.splitters)

    def split(self, protocol: str, seed: int) -> Split:
        """Divide the rows as a protocol prescribes; the same division is made once.

        Parameters
        ----------
        protocol : str
            One of `protocols`.
        seed : int
            Seed of the division, 0 or more.

        Returns
        -------
        Split
            Training, test and unpaired rows, and the evaluation.

        Raises
        ------
        SpecError
            If the protocol is unknown or the seed is negative.
        DataError
            If this copy of the data is too small for the protocol.
        """
        if protocol not in self.splitters:
            known = ", ".join(self.protocols)
            raise SpecError(f"benchmark {self.name!r} has no protocol {protocol!r}; choose one of: {known}")
        if seed < 0:
            raise SpecError(f"the seed of a split must be 0 or more, not {seed}")
        key = (protocol, seed)
        if key not in self._splits:
            self._splits[key] = self.splitters[protocol](self, seed)
        return self._splits[key]


class CheckReport(list[str]):
    """The problems that a check found, one sentence each: an empty list means that the folder can be loaded.

    Parameters
    ----------
    problems : iterable of str
        What must be repaired before the benchmark can be loaded.
    counts : mapping of str to int
        How much of everything the folder holds, and how many things were put right while reading.
    notes : iterable of str
        What was left out or put right, with file names; nothing to be done about it.
    """

    def __init__(self, problems: Iterable[str], counts: Mapping[str, int], notes: Iterable[str]) -> None:
        super().__init__(problems)
        self.counts = dict(counts)
        self.notes = list(notes)

    def __str__(self) -> str:
        """Lay out counts, notes and problems, one a line."""
        width = max(map(len, self.counts), default=0)
        lines = [f"{name:<{width}}  {count:>7,}" for name, count in self.counts.items()]
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"PROBLEM: {problem}" for problem in self] or ["no problem found"]
        return "\n".join(lines)
