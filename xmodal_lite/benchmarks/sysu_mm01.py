"""SYSU-MM01: people in four visible and two near-infrared cameras.

Layout: ``cam{1..6}/{0001..0533}/{0001..}.jpg`` and ``exp/{train,val,test}_id.txt``, one line of comma-separated
identities each. Visible are cameras 1, 2, 4, 5; infrared 3, 6. ``exp/rand_perm_cam.mat``, where present, holds the
official trials of the gallery.

Data and protocol: Wu, Zheng, Yu, Gong and Lai, RGB-infrared cross-modality person re-identification, ICCV 2017.
As everybody does since, the 99 identities of the validation list train as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks import matlab
from xmodal_lite.benchmarks.base import Benchmark, Split, TableBuilder, shorten
from xmodal_lite.benchmarks.division import divide, make_split
from xmodal_lite.benchmarks.image_set import PEOPLE_SIZES, ImageSet, Scan, Splitters
from xmodal_lite.benchmarks.index import RESTORE
from xmodal_lite.benchmarks.layout import count_parts, file_names, identity_folders
from xmodal_lite.data.listing import read_file
from xmodal_lite.data.problems import Problems
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import DataError
from xmodal_lite.evaluation import RetrievalTask, group_by_identity_and_camera, sample_gallery, sysu_excluded

CAMERAS = {1: 0, 2: 0, 3: 1, 4: 0, 5: 0, 6: 1}  # modality of each
LISTS = {part: f"exp/{part}_id.txt" for part in ("train", "val", "test")}
OFFICIAL = "exp/rand_perm_cam.mat"
GALLERIES = {"all": (1, 2, 4, 5), "indoor": (1, 2)}  # cameras of the gallery
PROTOCOLS = {"": ("all", "indoor"), "all-": ("all",), "indoor-": ("indoor",)}  # tasks, by how the name begins
SHOTS = {"single": 1, "multi": 10}
DRAWS = 10
TOTALS = {
    "training identities": 395,
    "training visible images": 22258,
    "training infrared images": 11909,
    "test identities": 96,
    "test visible images": 6775,
    "test infrared images": 3803,
    "gallery images, all search, single shot": 301,
    "gallery images, indoor search, single shot": 112,
    "queries with a match, indoor search": 2208,
}


class SysuMM01(ImageSet):
    """SYSU-MM01.

    Protocols are ``single`` and ``multi`` shot, which hold both tasks (measures "all/rank1", "indoor/rank1", ...), and
    the four of one search alone, ``all-single`` to ``indoor-multi`` ("r2v/rank1", ...); galleries are drawn as AGW and
    its descendants draw them, and, where the copy has the official trials, each is there again with ``-official``. They
    do not depend on the seed of a split.
    """

    name = "sysu-mm01"
    title = "SYSU-MM01"
    family = "people"
    modalities = ("visible", "infrared")
    colours = ("colour", "grey")
    folders = (*(f"cam{camera}" for camera in CAMERAS), "exp")
    steps_per_epoch = 695
    image_sizes = PEOPLE_SIZES
    synthetic = {
        "tiny": {"identities": 30, "images": 4},
        "demo": {"identities": 150, "images": 12},
        "paper": {"identities": 491, "images": 24},
    }
    totals = TOTALS

    def scan(self, root: Path, problems: Problems) -> Scan:
        """List all images of the listed identities; those of two lists train."""
        listed = {part: _read_ids(root / LISTS[part], problems) for part in LISTS}
        for a, b in combinations(LISTS, 2):
            if twice := listed[a] & listed[b]:
                problems.add(
                    f"{root / LISTS[a]} and {root / LISTS[b]}: both list {shorten(twice)}; an identity belongs to one "
                    f"split, {RESTORE}"
                )
        wanted, rows = set().union(*listed.values()), TableBuilder()
        for camera, modality in CAMERAS.items():
            for folder in identity_folders(root / f"cam{camera}", problems, self.remedy):
                if folder.name in wanted:
                    for name in file_names(folder, problems, self.remedy):
                        rows.add(f"cam{camera}/{folder.name}/{name}", folder.name, camera, modality)
        for part, names in listed.items():
            absent = names - set(rows.identity)
            if absent and len(rows.identity):
                problems.add(
                    f"{root / LISTS[part]}: {len(absent)} of {len(names)} identities have no image in any camera: "
                    f"{shorten(absent)}; {self.remedy}"
                )
        table, trained = rows.table(), listed["train"] | listed["val"]
        training = np.array([name in trained for name in table.identity_names], dtype=bool)[table.identity]
        lists = [*LISTS.values(), *([OFFICIAL] if (root / OFFICIAL).exists() else [])]
        complete = all(listed.values()) and all((root / folder).is_dir() for folder in self.folders)
        division = divide(training, str(root / LISTS["test"]), complete)
        return Scan(table, {("", 0): division}, lists, self.modalities)

    def count(self, root: Path, scan: Scan) -> dict[str, int]:
        """Count identities and images of each part, and those of the drawn galleries."""
        division = scan.divisions["", 0]
        counts, test = (
            count_parts(scan.table, division.train, self.modalities, "images"),
            scan.table.select(division.test),
        )
        for name, cameras in GALLERIES.items():
            task = _task(test, _python_draws(test, cameras, shots=1), name)
            counts[f"gallery images, {name} search, single shot"] = len(task.trials[0])
            counts[f"queries with a match, {name} search"] = task.valid_queries(test.identity)
        return counts

    def check_more(self, root: Path, scan: Scan, counts: Mapping[str, int], problems: Problems) -> None:
        """Report a search without a match, and official trials that cannot be followed."""
        for name in GALLERIES:
            if not counts[f"queries with a match, {name} search"]:
                problems.add(
                    f"{root}: no query of the {name} search has a match in the gallery, so its protocols cannot be "
                    f"measured; {self.remedy}"
                )
        if OFFICIAL not in scan.lists:
            problems.note(
                f"{OFFICIAL}: not in this copy, so the protocols with the official trials are not offered"
            )
            return
        try:
            test = scan.table.select(scan.divisions["", 0].test)
            _official_draws(root, test, GALLERIES["all"], SHOTS["multi"])
        except DataError as error:
            problems.add(str(error))

    def splitters(self, root: Path, scan: Scan, data: str) -> Splitters:
        """Return two protocols with both searches and four with one, and all again with the official trials."""
        return {
            f"{start}{shots}{suffix}": partial(_split, root, data, scan, start, shots, suffix)
            for suffix in (("", "-official") if OFFICIAL in scan.lists else ("",))
            for start in PROTOCOLS
            for shots in SHOTS
        }


def _read_ids(path: Path, problems: Problems) -> set[str]:
    """Read one list of identities, as the names of their folders."""
    try:
        words = read_file(path).decode("utf-8-sig").replace(",", " ").split()
        numbers = [int(word) for word in words]
    except DataError as error:
        problems.add_error(error, path)
        return set()
    except ValueError as error:
        problems.add(f"{path}: is not a line of comma-separated numbers ({error}); {RESTORE}")
        return set()
    if not numbers:
        problems.add(f"{path}: lists no identity; {RESTORE}")
    return {f"{number:04d}" for number in numbers}


# ---- protocols


def _split(
    root: Path, data: str, scan: Scan, start: str, shots: str, suffix: str, benchmark: Benchmark, seed: int
) -> Split:
    """Train on the identities of two lists, look for the infrared images of the third in drawn galleries."""
    division, galleries = scan.divisions["", 0], PROTOCOLS[start]
    test = benchmark.table.select(division.test)
    draw = _python_draws
    convention = f"drawn by Python's random.seed(0) to seed({DRAWS - 1}) over the sorted files"
    if suffix:
        draw, convention = partial(_official_draws, root), f"drawn by {OFFICIAL}"
    trials = {gallery: draw(test, GALLERIES[gallery], SHOTS[shots]) for gallery in galleries}
    name = (
        f"{data}, {' and '.join(galleries)} search, {shots} shot (at most {SHOTS[shots]} per identity and camera), "
        f"gallery {convention}, mean of {DRAWS} trials, infrared queries in visible gallery, "
        "camera 2 ignored for queries of camera 3, CMC counts identities, cosine, no flip, no re-ranking"
    )
    tasks = [_task(test, trials[gallery], gallery if len(galleries) > 1 else "r2v") for gallery in galleries]
    return make_split(benchmark, f"{start}{shots}{suffix}", seed, division, tasks, ["identities"], name)


def _task(test: SampleTable, trials: tuple[np.ndarray, ...], measures: str) -> RetrievalTask:
    """Look for the infrared test images in drawn galleries; the measures get names that begin as said."""
    return RetrievalTask(
        direction=measures,
        queries=np.flatnonzero(test.modality == 1),
        trials=trials,
        excluded=lambda query, gallery: sysu_excluded(test.camera[query], test.camera[gallery]),
    )


def _python_draws(test: SampleTable, cameras: tuple[int, ...], shots: int) -> tuple[np.ndarray, ...]:
    """Draw ten galleries, as positions in the test table, as AGW and its descendants do."""
    seen = group_by_identity_and_camera(
        np.flatnonzero(np.isin(test.camera, cameras)), test.identity, test.camera
    )
    return tuple(sample_gallery(seen, trial, shots) for trial in range(DRAWS))


def _official_draws(
    root: Path, test: SampleTable, cameras: tuple[int, ...], shots: int
) -> tuple[np.ndarray, ...]:
    """Read ten galleries, as positions in the test table, from the authors' permutations of each view.

    The file holds a cell for each camera, in it one for each identity, in it a row of image numbers for each draw.
    """
    path = root / OFFICIAL
    position = {image.rpartition(".")[0]: i for i, image in enumerate(test.path.tolist())}
    names = [test.identity_names[i] for i in np.unique(test.identity)]
    found = matlab.read_variable(path, "rand_perm_cam")
    try:
        cells = [camera.ravel() for camera in found.ravel()]
        numbers = {(camera, name): cells[camera - 1][int(name) - 1] for name in names for camera in cameras}
        return tuple(
            np.array(
                [
                    position[f"cam{camera}/{name}/{int(number):04d}"]
                    for (camera, name), images in numbers.items()
                    if images.size
                    for number in images[trial, :shots].tolist()
                ]
            )
            for trial in range(DRAWS)
        )
    except KeyError as error:
        words = f"names {error}, which is not in this copy; restore both, or remove this file"
        raise DataError(f"{path}: {words}") from error
    except (
        AttributeError,
        IndexError,
        TypeError,
        ValueError,
    ) as error:  # another structure than the authors'
        raise DataError(f"{path}: does not hold the official trials ({error}); {matlab.RESTORE}") from error


SYSU_MM01 = SysuMM01()
