"""RRUFF: Raman and infrared spectra of minerals, read from the site's own text files.

Layout: ``raman/`` and ``infrared/`` (subfolders allowed) with files such as
``Quartz__R040031__Raman__532__0__unoriented__Raman_Data_Processed__26341.txt``. The identity is the mineral;
a specimen is a mineral and an id, and only ids of the site's own form are followed where the site renamed a specimen.
Used are processed Raman and mid-infrared spectra; raw Raman and far-infrared files are left out, and a raw
infrared file counts only where its specimen has no processed mid-infrared spectrum.

Data: Lafuente, Downs, Yang and Stone (2015), The power of databases: the RRUFF project, in Highlights in
Mineralogical Crystallography, pp 1-30. Any copy may be a part of the site's holdings, so no total is assumed.
The copy behind the book's tables (5,830 files, one of the site's eight Raman archives) has 365 minerals with
both kinds, 616 specimens measured both ways, and 142 minerals for protocol B.
Protocols A and B are ours: no published protocol matches the two kinds of spectra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, DataSet, Split, TableBuilder, source_of
from xmodal_lite.benchmarks.rruff_files import (
    MID_INFRARED,
    Record,
    choose,
    list_files,
    minerals,
    read_records,
)
from xmodal_lite.data.cache import Entry, cached
from xmodal_lite.data.problems import Problems
from xmodal_lite.data.spectra import REPAIRS, Preparation
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import DataError

if TYPE_CHECKING:
    from xmodal_lite.evaluation import Report

AXES = ("descending", "unordered", "repeated")  # repairs that `check` counts even if there is none
TRAIN_SHARE = 0.6  # of the minerals, protocol A


class Rruff(DataSet):
    """RRUFF, with protocols ``A`` and ``B``."""

    name = "rruff"
    title = "RRUFF"
    family = "spectra"
    modalities = ("Raman", "infrared")
    synthetic = {  # demo and paper have as many minerals as the copy above
        "tiny": {"identities": 40},
        "demo": {"identities": 365, "specimens": 3},
        "paper": {"identities": 365, "specimens": 3},
    }
    resampled = {"A": (1 - TRAIN_SHARE) / TRAIN_SHARE, "B": 142 / 922}  # specimens, in the copy above

    def load(self, root: str | Path, preparation: Preparation | None = None) -> Benchmark:
        """Read and prepare the spectra below a folder.

        Parameters
        ----------
        root : str or pathlib.Path
            Folder that holds ``raman/`` and ``infrared/``. A file ``synthetic.json`` in it marks a synthetic data set.
        preparation : Preparation, optional
            How a spectrum becomes a sample; the default settings if not given.

        Returns
        -------
        Benchmark
            Samples (n, 1, L) float32; pair numbers count the specimens.

        Raises
        ------
        DataError
            For the first thing that is wrong: a missing or empty folder, a file that cannot be used as a spectrum of
            its folder's kind, a spectrum of a tested mineral that looks like transmittance, far-infrared spectra only,
            fewer than two minerals in common.
        """
        root, preparation, problems = Path(root), preparation or Preparation(), Problems()
        files = list_files(root, problems)
        problems.raise_first()
        build = partial(_build, root, files, preparation, problems)
        samples, columns = cached(root, self.name, files, preparation.settings, build)
        names = tuple(columns.pop("identity_names").tolist())
        fingerprint = str(columns.pop("fingerprint"))
        return Benchmark(
            name=self.name,
            dims=1,
            modalities=self.modalities,
            table=SampleTable(**columns, identity_names=names),
            samples=samples,
            fingerprint=fingerprint,
            source=source_of(root),
            splitters={"A": _unseen_minerals, "B": _unseen_specimens},
        )

    def inspect(self, root: Path, problems: Problems) -> dict[str, int]:
        """Read every file; count files and spectra of each kind, minerals, specimens and repaired axes."""
        files = list_files(root, problems)
        complete = not problems  # a missing folder explains by itself why too little is left
        records, _ = read_records(root, files, Preparation(), problems)
        kept = choose(records, problems)
        _report_doubts(root, kept, problems)
        if complete:
            _report_shortcomings(root, records, kept, problems)
        changed = dict.fromkeys((REPAIRS[key] for key in AXES), 0)
        for record in records:
            for key in record.repaired:
                words = REPAIRS[key]
                changed[words] = changed.get(words, 0) + 1
                if key not in AXES:
                    problems.note(f"{record.path}: {words}", words, record.path)
        return _count(records, kept) | changed


# ---- reading


def _build(root: Path, files: list[Path], preparation: Preparation, problems: Problems) -> Entry:
    """Prepare samples (n, 1, L) and the table's columns for the cache."""
    records, fingerprint = read_records(root, files, preparation, problems)
    kept = choose(records, problems)
    _report_doubts(root, kept, problems)
    _report_shortcomings(root, records, kept, problems)
    problems.raise_first()
    # a specimen without infrared may carry two names: then it counts as two
    _, pair = np.unique([f"{record.mineral}\n{record.specimen}" for record in kept], return_inverse=True)
    rows = TableBuilder()
    for record, number in zip(kept, pair.tolist(), strict=True):
        rows.add(record.path, record.mineral, record.laser, record.modality, number)
    columns = asdict(rows.table())
    columns |= {"identity_names": np.array(columns["identity_names"]), "fingerprint": np.array(fingerprint)}
    return np.stack([record.row for record in kept])[:, None, :], columns


def _report_doubts(root: Path, kept: Sequence[Record], problems: Problems) -> None:
    """Report spectra of unknown scale that the protocols use, and note the others."""
    paired = minerals(kept, 0) & minerals(kept, 1)
    for record in kept:
        if record.doubt and record.mineral in paired:
            problems.add_error(record.doubt, root / record.path)
        elif record.doubt:
            words = "looks like transmittance, of a mineral measured one way only, so not used in a test"
            problems.note(f"{record.path}: {words}", words, record.path)


def _report_shortcomings(
    root: Path, records: Sequence[Record], kept: Sequence[Record], problems: Problems
) -> None:
    """Report why the spectra kept cannot make a benchmark, if they cannot."""
    infrared = [record for record in records if record.modality == 1]
    paired = minerals(kept, 0) & minerals(kept, 1)
    if infrared and all(record.far for record in infrared):
        problems.add(
            f"{root / infrared[0].path} and all other infrared spectra end below {MID_INFRARED:.0f} cm^-1 "
            "(far-infrared); mid-infrared spectra are needed: fetch the site's infrared/Processed.zip"
        )
    elif len(paired) < 2:
        problems.add(
            f"{root}: {len(paired)} mineral(s) with both processed Raman and mid-infrared spectra in 'raman' and "
            "'infrared'; at least two are needed: add spectra of the same minerals to both folders"
        )


def _count(records: list[Record], kept: list[Record]) -> dict[str, int]:
    """Count everything that a reader of `check` may want to compare with what he expected."""
    paired = minerals(kept, 0) & minerals(kept, 1)
    raman, infrared = ({(r.mineral, r.specimen) for r in kept if r.modality == m} for m in (0, 1))
    both = [mineral for mineral, _ in raman & infrared]
    return {
        "Raman spectra, processed": sum(r.modality == 0 and not r.raw for r in records),
        "Raman spectra, raw (not used)": sum(r.modality == 0 and r.raw for r in records),
        "mid-infrared spectra, processed": sum(r.modality == 1 and not r.far and not r.raw for r in records),
        "mid-infrared spectra, raw": sum(r.modality == 1 and not r.far and r.raw for r in records),
        "far-infrared spectra (not used)": sum(r.far for r in records),
        "spectra used": len(kept),
        "minerals": len({r.mineral for r in kept}),
        "paired minerals": len(paired),
        "specimens with both": len(both),
        "minerals with two or more such specimens": sum(both.count(mineral) >= 2 for mineral in set(both)),
    }


# ---- protocols


def _unseen_minerals(benchmark: Benchmark, seed: int) -> Split:
    """Protocol A: test on minerals that training never saw.

    The paired minerals in the order of their sorted names are permuted by
    ``numpy.random.default_rng(seed).permutation(n)``; the first ``round(0.6 n)`` train, the rest test.
    """
    identity, paired = benchmark.table.identity, _paired_minerals(benchmark.table)
    order = np.random.default_rng(seed).permutation(len(paired))
    train = paired[order[: round(TRAIN_SHARE * len(paired))]]
    tested = np.isin(identity, paired) & ~np.isin(identity, train)
    return _split(benchmark, "A", "unseen minerals", seed, tested)


def _unseen_specimens(benchmark: Benchmark, seed: int) -> Split:
    """Protocol B: test on a new specimen of a mineral that training saw.

    Of each mineral with two or more specimens measured both ways (minerals by sorted name, their
    specimens by sorted RRUFF id) one specimen is held out, all with one draw:
    ``numpy.random.default_rng(seed).integers(0, counts)``, where ``counts`` lists the specimens of each
    mineral. All spectra of that specimen are the test; every other spectrum of a paired mineral trains.
    """
    table = benchmark.table
    specimens = table.specimens_in_both()  # numbered by mineral, then RRUFF id, so in the stated order
    first_row = np.unique(table.pair, return_index=True)[1]  # pair numbers run from 0 without gaps
    mineral = table.identity[first_row[specimens]]
    several, start, count = np.unique(mineral, return_index=True, return_counts=True)
    several, start, count = several[count >= 2], start[count >= 2], count[count >= 2]
    if len(several) < 2:
        raise DataError(
            "protocol B needs two or more minerals with at least two specimens measured both ways, this copy "
            f"has {len(several)}; use protocol A or a larger copy"
        )
    held_out = specimens[start + np.random.default_rng(seed).integers(0, count)]
    return _split(benchmark, "B", "seen minerals, unseen specimen", seed, np.isin(table.pair, held_out))


def _paired_minerals(table: SampleTable) -> np.ndarray:
    """Return the identities (k,) seen in both modalities, in the order of their names."""
    return np.intersect1d(table.identity[table.modality == 0], table.identity[table.modality == 1])


def _split(benchmark: Benchmark, protocol: str, meaning: str, seed: int, tested: np.ndarray) -> Split:
    table = benchmark.table
    paired = np.isin(table.identity, _paired_minerals(table))
    test = table.select(tested)
    data = "RRUFF" if benchmark.source == "real" else "RRUFF synthetic"
    minerals = len(np.unique(test.identity))
    name = (
        f"{data} protocol {protocol} ({meaning}), seed {seed}, {minerals} gallery minerals scored by "
        "their best spectrum, ties against the query, each query mineral weighs the same, both directions, "
        "cosine of one embedding per spectrum"
    )
    return Split(
        protocol=protocol,
        seed=seed,
        train=np.flatnonzero(paired & ~tested),
        test=np.flatnonzero(tested),
        unpaired=np.flatnonzero(~paired),
        evaluate=partial(_evaluate, test, name),
    )


def _evaluate(test: SampleTable, name: str, features: np.ndarray) -> Report:
    """Score the features (n, D) of the test rows."""
    from xmodal_lite.evaluation import nearest_sample_report  # a recipe needs none

    if len(features) != len(test):
        raise ValueError(
            f"{len(features)} features were given for {len(test)} test spectra; embed all of them in order"
        )
    return nearest_sample_report(features, test.identity, test.modality, name)


RRUFF = Rruff()
