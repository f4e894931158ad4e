"""What the data sets of images have in common: `load` and `check`. A set adds what it holds and how it is split."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xmodal_lite.benchmarks.base import Benchmark, DataSet, Split, source_of
from xmodal_lite.benchmarks.division import Division, check_copies, check_usable, note_single_modality
from xmodal_lite.benchmarks.layout import check_root
from xmodal_lite.data.kinds import ImageKind, SampleKind
from xmodal_lite.data.problems import Problems
from xmodal_lite.data.samples import inspect_samples, open_samples
from xmodal_lite.data.table import SampleTable

PEOPLE_SIZES = {"tiny": (64, 32), "demo": (80, 40), "paper": (288, 144)}  # the last is the AGW line's
FACE_SIZES = {"tiny": (32, 32), "demo": (64, 64), "paper": (112, 112)}
FARS = (0.01, 0.001)  # at which faces are verified
VERIFICATION = (
    "vr@f is the largest share of genuine pairs accepted with at most f of the impostor pairs accepted, over all pairs "
    "of a query and a gallery image, equal scores accepted together"
)
Splitters = Mapping[str, Callable[[Benchmark, int], Split]]


@dataclass(frozen=True, eq=False)
class Scan:
    """What the folders and lists of a copy say, before an image is read.

    Attributes
    ----------
    table : SampleTable
        All images that count.
    divisions : mapping of (str, int) to Division
        By protocol and number of its list; ("", 0) where all protocols share one.
    lists : sequence of str
        Other files that the fingerprint covers, relative to the root.
    modalities : tuple of str
        Names of modality 0 and 1.
    """

    table: SampleTable
    divisions: Mapping[tuple[str, int], Division]
    lists: Sequence[str]
    modalities: tuple[str, str]


class ImageSet(DataSet):
    """A data set of images. A set states the attributes and writes `scan`, `count` and `splitters`.

    Attributes
    ----------
    folders : sequence of str
        Folders at the top of its layout.
    totals : mapping of str to int or tuple of int
        What the whole set holds, by the names of `count`; a pair where two totals are printed.
    remedy : str
        What to do where something is missing.
    """

    folders: Sequence[str]
    totals: Mapping[str, int | tuple[int, int]] = {}
    remedy: str = "ask the owners of the set for a whole copy"

    @abstractmethod
    def scan(self, root: Path, problems: Problems) -> Scan:
        """List all samples of a copy and its divisions."""

    @abstractmethod
    def count(self, root: Path, scan: Scan) -> dict[str, int]:
        """Count what a copy holds."""

    @abstractmethod
    def splitters(self, root: Path, scan: Scan, data: str) -> Splitters:
        """Return the protocols; `data` names the copy in a report."""

    def kind(self, scan: Scan, size: tuple[int, int] | None) -> SampleKind:
        """Return what the samples are."""
        return ImageKind(size)

    def seal(self, root: Path, scan: Scan, fingerprint: str) -> str:
        """Return the fingerprint of the data from that of the files; last step of `load`."""
        return fingerprint

    def check_more(self, root: Path, scan: Scan, counts: Mapping[str, int], problems: Problems) -> None:
        """Report what only this set can have wrong."""

    def load(self, root: str | Path, size: tuple[int, int] | None = None) -> Benchmark:
        """Read a copy; the second time from a cache beside the data.

        Parameters
        ----------
        root : str or pathlib.Path
            Folder that holds `folders`. A file ``synthetic.json`` in it marks a synthetic data set.
        size : tuple of int, optional
            (height, width) of the samples; that of the profile "paper" if not given.

        Returns
        -------
        Benchmark
            Samples (n, 3, height, width) uint8.

        Raises
        ------
        DataError
            For the first problem that `check` reports, in the same words. A copy that is not the whole set is loaded,
            and its reports say so.
        """
        root, problems = Path(root), Problems()
        scan = self._scanned(root, problems)
        problems.raise_first()
        assert scan is not None
        opened = open_samples(
            root,
            self.name,
            self.kind(scan, size or self.image_sizes["paper"]),
            scan.table.path.tolist(),
            scan.lists,
            self._grey(scan.table),
        )
        check_copies(scan.table, list(scan.divisions.values()), opened.digests, problems)
        problems.raise_first()
        return Benchmark(
            name=self.name,
            dims=opened.samples.ndim - 2,
            modalities=scan.modalities,
            table=scan.table,
            samples=opened.samples,
            fingerprint=self.seal(root, scan, opened.fingerprint),
            source=source_of(root),
            splitters=self.splitters(root, scan, self._data_name(root, scan)),
            root=root,
        )

    def inspect(self, root: Path, problems: Problems) -> dict[str, int]:
        """Look over a copy: every list, folder and file, and the known totals, except those of a synthetic set."""
        scan = self._scanned(root, problems)
        if scan is None:
            return {}
        table, divisions = scan.table, list(scan.divisions.values())
        paths = table.path.tolist()
        digests, changed = inspect_samples(root, self.kind(scan, None), paths, self._grey(table), problems)
        check_copies(table, divisions, digests, problems)
        counts = self.count(root, scan) | changed
        if source_of(root) == "real" and (found := self.differences(counts)):
            problems.add(f"{root}: not the whole set: {', '.join(found)}; {self.remedy}")
        self.check_more(root, scan, counts, problems)
        note_single_modality(table, divisions, problems)
        return counts

    def differences(self, counts: Mapping[str, int]) -> list[str]:
        """Compare counts with the known totals, one clause each."""
        found = []
        for name, total in self.totals.items():
            least, most = total if isinstance(total, tuple) else (total, total)
            gap = counts[name] - min(max(counts[name], least), most)
            if gap:
                whole = f"{least:,}" if least == most else f"{least:,} to {most:,}"
                words = f"{-gap:,} missing" if gap < 0 else f"{gap:,} too many"
                found.append(f"{counts[name]:,} {name} where the whole set has {whole} ({words})")
        return found

    def _scanned(self, root: Path, problems: Problems) -> Scan | None:
        """List a copy and look over its divisions; None where there is no copy."""
        if not check_root(root, self.folders, problems):
            return None
        scan = self.scan(root, problems)
        check_usable(scan.table, scan.divisions.values(), scan.modalities, self.remedy, problems)
        return scan

    def _grey(self, table: SampleTable) -> set[str]:
        """Return the images that must not be in colour."""
        modalities = [modality for modality in (0, 1) if self.colours[modality] == "grey"]
        return {path for modality in modalities for path in table.path[table.modality == modality].tolist()}

    def _data_name(self, root: Path, scan: Scan) -> str:
        """Name the data in a report, so that no number of a synthetic or partial set passes for the set's own."""
        if source_of(root) == "synthetic":
            return f"{self.title} synthetic"
        found = self.differences(self.count(root, scan))
        return f"{self.title}, not the whole set: {found[0]}" if found else self.title
