"""Read the RRUFF site's files into records: mineral, specimen, kind; then choose what the protocols use."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.spelling import spelling_key, unify
from xmodal_lite.data.listing import read_file, walk_files
from xmodal_lite.data.problems import FileError, Problems
from xmodal_lite.data.spectra import LARGEST, Preparation, checked, parse_spectrum, prepare, scale_doubt
from xmodal_lite.data.spectrum_units import INFRARED, RAMAN
from xmodal_lite.errors import DataError

FOLDERS = ("raman", "infrared")  # by modality
KINDS = (RAMAN, INFRARED)
MID_INFRARED = 2000.0  # cm^-1: an infrared spectrum that ends below is far-infrared
SITE_ID = re.compile(r"[RX]\d{6}")  # the site numbers specimens once for all minerals
LASERS = (100, 2000)  # nm


@dataclass(frozen=True, eq=False)
class Record:
    """One file: what its name and header say, and its prepared row (L,)."""

    path: str
    modality: int
    raw: bool
    laser: int
    number: int
    filed: str  # name in the file's own header
    mineral: str  # name used; `with_minerals` decides
    specimen: str  # its id, or the file's path where it has none
    last: float
    repaired: tuple[str, ...]
    doubt: FileError | None  # of its scale
    digest: bytes
    row: np.ndarray

    @property
    def far(self) -> bool:
        """Tell whether it is a far-infrared spectrum."""
        return self.modality == 1 and self.last <= MID_INFRARED


def list_files(root: Path, problems: Problems) -> list[Path]:
    """List the text files of both folders, sorted by relative path; note others.

    Parameters
    ----------
    root : pathlib.Path
        Folder that holds ``raman/`` and ``infrared/``.
    problems : Problems
        Gets a missing or empty folder, a folder that cannot be opened, a name that is not UTF-8.
    """
    files: list[Path] = []
    for folder in (root / name for name in FOLDERS):
        if not folder.is_dir():
            problems.add(
                f"{folder}: no such folder; the root must hold 'raman' and 'infrared' with the text files of the RRUFF "
                "site (`xmodal download rruff ROOT` fetches them)"
            )
            continue
        below = walk_files(folder, problems)
        found = [path for path in below if path.suffix.lower() == ".txt"]
        for other in (path for path in below if path.suffix.lower() != ".txt"):
            name, why = other.relative_to(root).as_posix(), "not .txt and not read"
            problems.note(f"{name}: {why}", why, name)
        if not found:
            problems.add(f"{folder}: holds no .txt file; unpack the site's archives into it")
        files += found
    return sorted(files, key=lambda path: path.relative_to(root).as_posix())


def read_records(
    root: Path, files: Iterable[Path], preparation: Preparation, problems: Problems
) -> tuple[list[Record], str]:
    """Read all files.

    Parameters
    ----------
    root, files : pathlib.Path
        As `list_files` takes and returns them.
    preparation : Preparation
        How a spectrum becomes a row.
    problems : Problems
        Gets each file that cannot be used.

    Returns
    -------
    records : list of Record
        Of the usable files, each under the mineral that `with_minerals` gives it.
    fingerprint : str
        SHA-256 over the names and bytes of all files.
    """
    from tqdm import tqdm  # takes its time, and a recipe needs none

    sha, records = hashlib.sha256(), []
    for path in tqdm(files, desc="reading spectra", unit="file", disable=None):
        try:
            content = read_file(path, LARGEST)
            sha.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
            records.append(_record(root, path, content, preparation))
        except DataError as error:
            problems.add_error(error, path)
    return with_minerals(records, problems), sha.hexdigest()


def _record(root: Path, path: Path, content: bytes, preparation: Preparation) -> Record:
    relative = path.relative_to(root)
    modality = FOLDERS.index(relative.parts[0])
    spectrum = checked(parse_spectrum(content, path, KINDS[modality]), path)
    if not spectrum.names:
        raise FileError(
            path, "names no mineral", "write ##NAMES=... into it, or the mineral first in its name"
        )
    fields = path.stem.split("__")[2:]  # Raman 532 0 unoriented Raman_Data_Processed 26341
    return Record(
        path=relative.as_posix(),
        modality=modality,
        raw=any(field.upper().endswith("RAW") for field in fields),
        laser=_laser(fields, path) if modality == 0 else 0,
        number=int(fields[-1]) if fields and re.fullmatch("[0-9]+", fields[-1]) else 0,
        filed=spectrum.names,
        mineral="",
        specimen=spectrum.rruff_id or relative.as_posix(),
        last=float(spectrum.x[-1]),
        repaired=spectrum.repaired,
        doubt=scale_doubt(spectrum, path),
        digest=hashlib.sha256(spectrum.x.tobytes() + spectrum.y.tobytes()).digest(),
        row=prepare(spectrum, preparation),
    )


def _laser(fields: list[str], path: Path) -> int:
    lasers = [int(field) for field in fields[1:2] if re.fullmatch("[0-9]+", field)]
    if not lasers or lasers[0] == 0:
        return 0
    if not LASERS[0] <= lasers[0] <= LASERS[1]:
        raise FileError(
            path,
            f"names a laser outside {LASERS[0]} to {LASERS[1]} nm",
            "correct the number after Raman in its name",
        )
    return lasers[0]


# ---- minerals


def with_minerals(records: list[Record], problems: Problems) -> list[Record]:
    """Decide under which mineral each record counts.

    Names that differ in the composition of accents, case or blanks alone are one. The site numbers specimens once for
    all minerals and renames some: all spectra of such a specimen take the name in its infrared file, the newest one by
    file number. A specimen with one name in both kinds of spectra is not renamed, nor is one with an id of another
    form, as such ids may restart in each mineral.

    Parameters
    ----------
    records : list of Record
        All records.
    problems : Problems
        Gets notes: spellings counted as one, and specimens filed under several names that were not renamed.
    """
    used = unify([record.filed for record in records], "mineral", problems)
    spelt = [replace(record, mineral=used[record.filed]) for record in records]
    specimens: dict[str, list[Record]] = defaultdict(list)
    for record in spelt:
        if SITE_ID.fullmatch(record.specimen):
            specimens[record.specimen].append(record)
    newest = {}
    for specimen, same in specimens.items():
        raman, infrared = ({r.mineral for r in same if r.modality == m} for m in (0, 1))
        if len(raman | infrared) < 2 or not infrared:
            continue
        if raman & infrared:
            names = ", ".join(sorted(raman | infrared))
            problems.note(f"specimen {specimen} is filed under {names}: each file counts under its own name")
        else:
            newest[specimen] = max((r for r in same if r.modality == 1), key=lambda r: r.number).mineral
    return [replace(r, mineral=newest.get(r.specimen, r.mineral)) for r in spelt]


# ---- choosing


def choose(records: list[Record], problems: Problems) -> list[Record]:
    """Return what the protocols use, by path; note what was renamed or left out for its content."""
    processed = {
        (record.mineral, record.specimen)
        for record in records
        if record.modality == 1 and not record.raw and not record.far
    }
    candidates = [
        record
        for record in records
        if not record.far
        and not (record.raw and (record.modality == 0 or (record.mineral, record.specimen) in processed))
    ]
    copies: dict[tuple[int, bytes], list[Record]] = defaultdict(list)
    for record in candidates:
        if spelling_key(record.mineral) != spelling_key(record.filed):
            problems.note(f"{record.path}: filed under {record.filed}, counted as {record.mineral}")
        if record.row.any():
            copies[record.modality, record.digest].append(record)
        else:
            why = "left out, no signal on the axis"
            problems.note(f"{record.path}: {why}", why, record.path)
    kept = []
    for same in copies.values():
        names = sorted({record.mineral for record in same})
        paths = ", ".join(record.path for record in same)
        if len(names) > 1:
            problems.note(f"identical spectra under {' and '.join(names)}, all left out: {paths}")
            continue
        if len(same) > 1:
            problems.note(f"copies of one spectrum, the first is kept: {paths}")
        kept.append(same[0])
    return sorted(kept, key=lambda record: record.path)


def minerals(records: Iterable[Record], modality: int) -> set[str]:
    """Return the names of the minerals that have a spectrum of a modality."""
    return {record.mineral for record in records if record.modality == modality}
