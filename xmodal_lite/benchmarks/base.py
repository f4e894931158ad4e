"""What every benchmark hands over: samples, the splits of its protocols, what a check of its folder found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xmodal_lite.data.problems import Problems
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import SpecError
from xmodal_lite.files import is_synthetic

if TYPE_CHECKING:  # a recipe needs no evaluation
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
        Rows of identities seen in one modality only: free to train on, never tested.
    evaluate : callable
        Takes the features (len(test), D) of the test rows in order, returns a `Report`.
    tasks : sequence of RetrievalTask
        Queries and galleries, in positions of `test`, for `xmodal_lite.evaluation.pair_scores`; empty for RRUFF, whose
        rule is another.
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
    root : pathlib.Path, optional
        Folder of the images; None where samples are spectra or part of the package.
    """

    name: str
    dims: int
    modalities: tuple[str, str]
    table: SampleTable
    samples: np.ndarray
    fingerprint: str
    source: str
    splitters: Mapping[str, Callable[[Benchmark, int], Split]]
    root: Path | None = None
    _splits: dict[tuple[str, int], Split] = field(default_factory=dict, init=False, repr=False)

    @property
    def protocols(self) -> tuple[str, ...]:
        """Names of the protocols."""
        return tuple(self.splitters)

    def split(self, protocol: str, seed: int) -> Split:
        """Divide the rows as a protocol prescribes; asked again, the same split is returned.

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
        if (protocol, seed) not in self._splits:
            self._splits[protocol, seed] = self.splitters[protocol](self, seed)
        return self._splits[protocol, seed]


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


class DataSet(ABC):
    """What a data set states about itself. Each is an object in a file of this package, with `load` and `check`.

    Attributes
    ----------
    name, title : str
        Its name for `xmodal_lite.benchmarks.load`, and in a report.
    family : str
        "people", "faces", "spectra", "drawings" or "folder": the data sets of a family share the recipes of a profile.
    modalities : tuple of str
        Names of modality 0 and 1.
    colours : tuple of str
        What the images of modality 0 and of modality 1 are: "colour", "grey" (one in colour is refused), or "any".
    aligned : bool
        Whether the two samples of a pair show one moment pixel by pixel.
    embedded : bool
        Whether the data are part of this package, so that no folder is given.
    steps_per_epoch : int
        Training steps that see each image of the whole set about once, where the family's recipe counts epochs; else 0.
    image_sizes : mapping of str to tuple of int
        (height, width) of the samples by profile; empty for spectra.
    synthetic : mapping of str to mapping
        Parameters of its synthetic data set by profile; empty if it has none.
    """

    name: str
    title: str
    family: str
    modalities: tuple[str, str]
    colours: tuple[str, str] = ("any", "any")
    aligned: bool = False
    embedded: bool = False
    steps_per_epoch: int = 0
    image_sizes: Mapping[str, tuple[int, int]] = {}
    synthetic: Mapping[str, Mapping[str, int]] = {}
    load: Callable[..., Benchmark]  # takes the root and settings

    @property
    def resampled(self) -> Mapping[str, float]:
        """Return the protocols that divide the data anew for each seed, with test identities per training identity.

        Where the test identities are seen in training, specimens are counted. Intervals over seeds need the ratio, see
        `xmodal_lite.evaluation.intervals.interval`. A protocol that is not here has one division for all seeds.
        """
        return {}

    @abstractmethod
    def inspect(self, root: Path, problems: Problems) -> dict[str, int]:
        """Look over a copy and count what it holds."""

    def check(self, root: str | Path) -> CheckReport:
        """Look over a copy.

        Parameters
        ----------
        root : str or pathlib.Path
            Folder in the layout that the data's owner distributes.

        Returns
        -------
        CheckReport
            Problems, counts and notes.
        """
        problems = Problems()
        counts = self.inspect(Path(root), problems)
        return CheckReport(problems.problems, counts, problems.notes)


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


def shorten(names: Iterable[str], most: int = 10) -> str:
    """Write out some names of many."""
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def source_of(root: Path) -> str:
    """Tell real data from a synthetic data set."""
    return "synthetic" if is_synthetic(root) else "real"
