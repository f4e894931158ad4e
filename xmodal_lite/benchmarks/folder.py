"""Your own data: ``{train,test}/{modality}/{identity}/*``, images or spectra of two kinds.

The two folders of modalities carry any names. One called visible, vis, rgb, photo, photos or raman is modality v;
otherwise the first by name. Spectra are text files of two columns, wavenumber in cm^-1 and intensity.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, Split, TableBuilder, shorten
from xmodal_lite.benchmarks.division import Division, divide, make_split, search_all
from xmodal_lite.benchmarks.image_set import PEOPLE_SIZES, ImageSet, Scan, Splitters
from xmodal_lite.benchmarks.layout import count_parts, file_names, identity_folders
from xmodal_lite.benchmarks.spelling import check_beside, unify
from xmodal_lite.data.kinds import ImageKind, SampleKind, SpectrumKind
from xmodal_lite.data.listing import list_folder
from xmodal_lite.data.problems import Problems
from xmodal_lite.data.table import SampleTable

PARTS = ("train", "test")
SUFFIXES = (*ImageKind.suffixes, *SpectrumKind.suffixes)
FIRST = ("visible", "vis", "rgb", "photo", "photos", "raman")  # names of modality v
LAYOUT = "the layout is {train,test}/{modality}/{identity}/files with two modalities"


class Folder(ImageSet):
    """Data of one's own, with the one protocol ``standard``.

    Every test sample of one modality is a query among all of the other. Spectra are prepared as those of RRUFF and have
    no size.
    """

    name = "folder"
    title = "folder"
    family = "folder"
    modalities = ("v", "r")
    folders = PARTS
    steps_per_epoch = 100
    image_sizes = PEOPLE_SIZES
    remedy = "add the missing files"

    def kind(self, scan: Scan, size: tuple[int, int] | None) -> SampleKind:
        """Return what most files are, by their suffix."""
        return SpectrumKind() if len(scan.table) and _spectra(scan.table).all() else ImageKind(size)

    def scan(self, root: Path, problems: Problems) -> Scan:
        """List all samples and find the two modalities."""
        folders = {part: identity_folders(root / part, problems, LAYOUT) for part in PARTS}
        names = {folder.name for part in PARTS for folder in folders[part]}
        found = sorted(names, key=lambda name: (name.lower() not in FIRST, name))
        if names and len(names) != 2:
            words = f"has the modalities {shorten(names)}; {LAYOUT}, the same ones in train and test"
            problems.add(f"{root}: {words}")
        people = [
            (part, folder, identity_folders(folder, problems, LAYOUT))
            for part in PARTS
            for folder in folders[part]
        ]
        for _, folder, below in people:
            check_beside(str(folder), [who.name for who in below], problems)
        named = unify([who.name for _, _, below in people for who in below], "identity", problems)
        rows, seen = TableBuilder(), {part: set[str]() for part in PARTS}
        for part, folder, below in people:
            for who in below:
                seen[part].add(named[who.name])
                for file in file_names(who, problems, self.remedy, SUFFIXES):
                    path = f"{part}/{folder.name}/{who.name}/{file}"
                    rows.add(path, named[who.name], 0, found.index(folder.name))
        if twice := seen["train"] & seen["test"]:
            words = "the test is on identities that training never saw, move each to one part"
            problems.add(f"{root}: identity {shorten(twice)} is in train and in test; {words}")
        table = rows.table()
        _check_kinds(root, table, problems)
        v, r = (*found, *self.modalities)[:2]
        return Scan(table, {("", 0): _division(root, table)}, (), (v, r))

    def count(self, root: Path, scan: Scan) -> dict[str, int]:
        """Count identities and samples of each part."""
        return count_parts(scan.table, scan.divisions["", 0].train, scan.modalities, "samples")

    def splitters(self, root: Path, scan: Scan, data: str) -> Splitters:
        """Return the one protocol."""
        return {"standard": partial(_split, root.resolve().name, scan)}


def holds_spectra(root: str | Path) -> bool:
    """Tell whether the first sample below a root is a spectrum; False where there is none.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``train`` and ``test``.
    """
    folders = [Path(root, part) for part in PARTS]
    for _ in range(2):  # modalities, identities
        folders = [folder / name for folder in folders for name in list_folder(folder, Problems()).folders]
    kinds = (
        Path(name).suffix.lower() for folder in folders for name in list_folder(folder, Problems()).files
    )
    return next((kind in SpectrumKind.suffixes for kind in kinds if kind in SUFFIXES), False)


def _division(root: Path, table: SampleTable) -> Division:
    complete = all((root / part).is_dir() for part in PARTS)
    return divide(np.char.startswith(table.path, "train/"), str(root), complete)


def _spectra(table: SampleTable) -> np.ndarray:
    """Mark the rows (n,) that are spectra, by their suffix."""
    return np.array(
        [path.lower().endswith(SpectrumKind.suffixes) for path in table.path.tolist()], dtype=bool
    )


def _check_kinds(root: Path, table: SampleTable, problems: Problems) -> None:
    """Report images among spectra, or the reverse."""
    spectra = _spectra(table)
    if spectra.any() and not spectra.all():
        odd = np.flatnonzero(spectra if spectra.mean() < 0.5 else ~spectra)
        images, texts = ("/".join(kind.suffixes) for kind in (ImageKind, SpectrumKind))
        problems.add(
            f"{root / table.path[odd[0]]}: is a file of the other kind, as are {len(odd)} of {len(table)}; the data "
            f"are either images ({images}) or spectra ({texts}), remove one kind"
        )


def _split(data: str, scan: Scan, benchmark: Benchmark, seed: int) -> Split:
    """Train on the one part, look for every test sample of one modality among all of the other."""
    division = scan.divisions["", 0]
    first, second = benchmark.modalities
    name = (
        f"folder {data}, v2r {first} queries in {second} gallery and r2v the reverse, the gallery is every test sample "
        "of the other modality, one draw, CMC counts samples (and identities where it says so), cosine, no flip, "
        "no re-ranking"
    )
    tasks = search_all(benchmark.table, division.test)
    return make_split(benchmark, "standard", seed, division, tasks, ["images", "identities"], name)


FOLDER = Folder()
