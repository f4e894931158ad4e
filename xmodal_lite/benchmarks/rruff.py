"""RRUFF: Raman and infrared spectra of minerals, read from the site's own text files.

Layout: ``raman/`` and ``infrared/`` (subfolders allowed) with files such as
``Quartz__R040031__Raman__532__0__unoriented__Raman_Data_Processed__26341.txt``. The identity is the mineral.
Used are processed Raman and mid-infrared spectra; raw Raman and far-infrared files are left out, and a raw
infrared file counts only where its specimen has no processed mid-infrared spectrum.

Data: Lafuente, Downs, Yang and Stone (2015), The power of databases: the RRUFF project, in Highlights in
Mineralogical Crystallography, pp 1-30. Any copy may be a part of the site's holdings, so no total is assumed.
The copy behind the book's tables (5,830 files, one of the site's eight Raman archives) has 365 minerals with
both kinds, 616 specimens measured both ways, and 142 minerals for protocol B.
Protocols A and B are ours: no published protocol matches the two kinds of spectra.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from xmodal_lite.benchmarks.base import Benchmark, CheckReport, DataSet, Split
from xmodal_lite.data.cache import Entry, cached
from xmodal_lite.data.spectra import Preparation, parse_spectrum, prepare
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import DataError
from xmodal_lite.evaluation import Report, nearest_sample_report

FOLDERS = ("raman", "infrared")  # by modality
MID_INFRARED = 2000.0  # cm^-1: an infrared spectrum that ends below is far-infrared
TRAIN_SHARE = 0.6  # of the minerals, protocol A


def load(root: str | Path, preparation: Preparation | None = None) -> Benchmark:
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
        For the first thing that is wrong: a missing or empty folder, a damaged file, far-infrared spectra
        only, fewer than two minerals in common.
    """
    root, preparation = Path(root), preparation or Preparation()
    files = _list(root, _raise)
    samples, columns = cached(
        root, "rruff", files, asdict(preparation), partial(_build, root, files, preparation)
    )
    names = tuple(columns.pop("identity_names").tolist())
    fingerprint = str(columns.pop("fingerprint"))
    return Benchmark(
        name="rruff",
        dims=1,
        modalities=("Raman", "infrared"),
        table=SampleTable(**columns, identity_names=names),
        samples=samples,
        fingerprint=fingerprint,
        source="synthetic" if (root / "synthetic.json").exists() else "real",
        splitters={"A": _unseen_minerals, "B": _unseen_specimens},
    )


def check(root: str | Path) -> CheckReport:
    """Read every file below a folder and collect all that is wrong, with counts.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``raman/`` and ``infrared/``.

    Returns
    -------
    CheckReport
        Problems, counts (files and spectra of each kind, minerals, specimens, repaired axes) and notes.
    """
    root = Path(root)
    problems: list[str] = []
    files = _list(root, problems.append)
    complete = not problems  # a missing folder explains by itself why too little is left
    records, _ = _read(root, files, Preparation(), problems.append)
    kept, notes = _usable(records)
    if complete:
        problems += _shortcomings(records, kept)
    return CheckReport(problems, _count(records, kept), notes)


# ---- reading


@dataclass(frozen=True, eq=False)
class _Record:
    """One file: what its name and header say, and its prepared row (L,)."""

    path: str
    modality: int
    raw: bool
    laser: int
    number: int
    filed: str  # name in the file's own header
    mineral: str  # name used
    specimen: str
    last: float
    repaired: tuple[str, ...]
    digest: bytes
    row: np.ndarray

    @property
    def far(self) -> bool:
        return self.modality == 1 and self.last <= MID_INFRARED


def _raise(problem: str) -> None:
    raise DataError(problem)


def _list(root: Path, report: Callable[[str], None]) -> list[Path]:
    """List the text files of both folders, sorted by relative path."""
    files: list[Path] = []
    for folder in FOLDERS:
        if not (root / folder).is_dir():
            report(
                f"{root / folder}: no such folder; the root must hold 'raman' and 'infrared' with the text "
                "files of the RRUFF site (`xmodal download rruff ROOT` fetches them)"
            )
            continue
        found = [path for path in (root / folder).rglob("*.[tT][xX][tT]") if not path.name.startswith(".")]
        if not found:
            report(f"{root / folder}: holds no .txt file; unpack the site's archives into it")
        files += found
    return sorted(files, key=lambda path: path.relative_to(root).as_posix())


def _read(
    root: Path, files: Iterable[Path], preparation: Preparation, report: Callable[[str], None]
) -> tuple[list[_Record], str]:
    """Read all files; returns their records, renamed, and the SHA-256 over names and bytes."""
    sha, records = hashlib.sha256(), []
    for path in tqdm(files, desc="reading spectra", unit="file", disable=None):
        try:
            content = path.read_bytes()
            sha.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
            records.append(_record(root, path, content, preparation))
        except DataError as error:
            report(str(error))
        except OSError as error:
            report(f"{path}: cannot be read ({error.strerror}); check its permissions")
    return _renamed(records), sha.hexdigest()


def _record(root: Path, path: Path, content: bytes, preparation: Preparation) -> _Record:
    spectrum = parse_spectrum(content, path)
    relative = path.relative_to(root)
    modality = FOLDERS.index(relative.parts[0])
    fields = path.stem.split("__")[2:]  # Raman 532 0 unoriented Raman_Data_Processed 26341
    lasers = [int(field) for field in fields[1:2] if field.isdigit()]
    return _Record(
        path=relative.as_posix(),
        modality=modality,
        raw=any(field.upper().endswith("RAW") for field in fields),
        laser=lasers[0] if modality == 0 and lasers else 0,
        number=int(fields[-1]) if fields and fields[-1].isdigit() else 0,
        filed=spectrum.names,
        mineral=spectrum.names,
        specimen=spectrum.rruff_id,
        last=float(spectrum.x[-1]),
        repaired=spectrum.repaired,
        digest=hashlib.sha256(spectrum.x.tobytes() + spectrum.y.tobytes()).digest(),
        row=prepare(spectrum, preparation),
    )


def _renamed(records: list[_Record]) -> list[_Record]:
    """Give every spectrum of a specimen the name in its infrared file, the newest one by file number."""
    infrared = sorted(
        (record for record in records if record.modality == 1), key=lambda record: record.number
    )
    newest = {record.specimen: record.mineral for record in infrared}
    return [replace(record, mineral=newest.get(record.specimen, record.mineral)) for record in records]


# ---- choosing


def _usable(records: list[_Record]) -> tuple[list[_Record], list[str]]:
    """Keep what the protocols use; return it, and notes on what was renamed or left out for its content."""
    processed = {
        record.specimen for record in records if record.modality == 1 and not record.raw and not record.far
    }
    candidates = [
        record
        for record in records
        if not record.far and not (record.raw and (record.modality == 0 or record.specimen in processed))
    ]
    notes = [
        f"{r.path}: filed under {r.filed}, counted as {r.mineral}" for r in candidates if r.mineral != r.filed
    ]
    notes += [f"{r.path}: left out, no signal on the axis" for r in candidates if not r.row.any()]
    copies: dict[tuple[int, bytes], list[_Record]] = defaultdict(list)
    for record in candidates:
        if record.row.any():
            copies[record.modality, record.digest].append(record)
    kept = []
    for same in copies.values():
        minerals = sorted({record.mineral for record in same})
        paths = ", ".join(record.path for record in same)
        if len(minerals) > 1:
            notes.append(f"identical spectra under {' and '.join(minerals)}, all left out: {paths}")
            continue
        if len(same) > 1:
            notes.append(f"copies of one spectrum, the first is kept: {paths}")
        kept.append(same[0])
    return sorted(kept, key=lambda record: record.path), notes


def _shortcomings(records: list[_Record], kept: list[_Record]) -> list[str]:
    """Say why the spectra kept cannot make a benchmark, if they cannot."""
    infrared = [record for record in records if record.modality == 1]
    if infrared and all(record.far for record in infrared):
        return [
            f"{infrared[0].path} and all other infrared spectra end below {MID_INFRARED:.0f} cm^-1 "
            "(far-infrared); mid-infrared spectra are needed: fetch the site's infrared/Processed.zip"
        ]
    paired = _minerals(kept, 0) & _minerals(kept, 1)
    if len(paired) < 2:
        return [
            f"{len(paired)} mineral(s) with both processed Raman and mid-infrared spectra in 'raman' and "
            "'infrared'; at least two are needed: add spectra of the same minerals to both folders"
        ]
    return []


def _minerals(records: Iterable[_Record], modality: int) -> set[str]:
    return {record.mineral for record in records if record.modality == modality}


def _build(root: Path, files: list[Path], preparation: Preparation) -> Entry:
    """Prepare samples (n, 1, L) and the table's columns for the cache."""
    records, fingerprint = _read(root, files, preparation, _raise)
    kept, _ = _usable(records)
    for problem in _shortcomings(records, kept):
        _raise(f"{root}: {problem}")
    names, identity = np.unique([record.mineral for record in kept], return_inverse=True)
    # a specimen without infrared may carry two names: then it counts as two
    _, pair = np.unique([f"{record.mineral}\n{record.specimen}" for record in kept], return_inverse=True)
    columns = {
        "path": np.array([record.path for record in kept]),
        "identity": identity.astype(np.int64),
        "camera": np.array([record.laser for record in kept], dtype=np.int64),
        "modality": np.array([record.modality for record in kept], dtype=np.int8),
        "pair": pair.astype(np.int64),
        "identity_names": names,
        "fingerprint": np.array(fingerprint),
    }
    return np.stack([record.row for record in kept])[:, None, :], columns


def _count(records: list[_Record], kept: list[_Record]) -> dict[str, int]:
    """Count everything that a reader of `check` may want to compare with what he expected."""
    paired = _minerals(kept, 0) & _minerals(kept, 1)
    raman, infrared = ({(r.mineral, r.specimen) for r in kept if r.modality == m} for m in (0, 1))
    both = [mineral for mineral, _ in raman & infrared]
    counts = {
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
    for kind, words in MENDED.items():
        counts[words] = sum(kind in record.repaired for record in records)
    return counts


MENDED = {
    "descending": "axes repaired: descending, reversed",
    "unordered": "axes repaired: unordered, sorted",
    "repeated": "axes repaired: repeated points, averaged",
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
    if len(features) != len(test):
        raise ValueError(
            f"{len(features)} features were given for {len(test)} test spectra; embed all of them in order"
        )
    return nearest_sample_report(features, test.identity, test.modality, name)


class Rruff(DataSet):
    """RRUFF, with protocols ``A`` and ``B``."""

    name = "rruff"
    title = "RRUFF"
    family = "spectra"
    modalities = ("Raman", "infrared")
    synthetic = {"tiny": {"identities": 40}, "demo": {"identities": 200}, "paper": {"identities": 365}}
    load = staticmethod(load)
    check = staticmethod(check)


RRUFF = Rruff()
