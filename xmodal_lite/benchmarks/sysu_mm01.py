"""SYSU-MM01: people in four visible and two near-infrared cameras.

Layout: ``cam{1..6}/{0001..0533}/{0001..}.jpg`` and ``exp/{train,val,test}_id.txt``, one line of comma-separated
identities each. Visible are cameras 1, 2, 4, 5; infrared 3, 6. ``exp/rand_perm_cam.mat``, where present, holds the
official trials of the gallery.

Data and protocol: Wu, Zheng, Yu, Gong and Lai, RGB-infrared cross-modality person re-identification, ICCV 2017.
As everybody does since, the 99 identities of the validation list train as well.
"""

from __future__ import annotations

import zlib
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from xmodal_lite.benchmarks.base import Benchmark, CheckReport, Split
from xmodal_lite.benchmarks.shared import (
    SIZE,
    Reporter,
    TableBuilder,
    check_images,
    check_split_usable,
    data_name,
    differences,
    file_names,
    identity_folders,
    make_split,
    raise_data_error,
    shorten,
    single_modality_notes,
    source,
)
from xmodal_lite.data.images import open_images
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import DataError
from xmodal_lite.evaluation import RetrievalTask, group_by_identity_and_camera, sample_gallery, sysu_excluded

CAMERAS = {1: 0, 2: 0, 3: 1, 4: 0, 5: 0, 6: 1}  # modality of each
LISTS = {part: f"exp/{part}_id.txt" for part in ("train", "val", "test")}
OFFICIAL = "exp/rand_perm_cam.mat"
GALLERIES = {"all": (1, 2, 4, 5), "indoor": (1, 2)}  # cameras of the gallery
PROTOCOLS = {
    "": ("all", "indoor"),
    "all-": ("all",),
    "indoor-": ("indoor",),
}  # tasks, by how the name begins
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


def load(root: str | Path, size: tuple[int, int] = SIZE) -> Benchmark:
    """Read a copy of SYSU-MM01.

    Protocols are ``single`` and ``multi`` shot, which hold both tasks (measures "all/rank1", "indoor/rank1", ...),
    and the four of one search alone, ``all-single`` to ``indoor-multi`` ("r2v/rank1", ...); galleries are drawn as AGW
    and its descendants draw them, and, where the copy has the official trials, each is there again with ``-official``.
    They do not depend on the seed of a split.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``cam1`` to ``cam6`` and ``exp``. A file ``synthetic.json`` in it marks a synthetic data set.
    size : tuple of int
        (height, width) of the samples.

    Returns
    -------
    Benchmark
        Samples (n, 3, height, width) uint8.

    Raises
    ------
    DataError
        For the first thing that is wrong: a missing folder or list, an identity without images or in two lists, an
        empty identity folder, a damaged image.
    """
    root = Path(root)
    table, training = _scan(root, raise_data_error)
    lists = [*LISTS.values(), *([OFFICIAL] if (root / OFFICIAL).exists() else [])]
    samples, fingerprint = open_images(root, "sysu-mm01", table.path.tolist(), lists, size)
    name = data_name("SYSU-MM01", source(root), differences(_count(table, training), TOTALS))
    splitters = {
        f"{start}{shots}{suffix}": partial(_split, root, name, training, start, shots, suffix)
        for suffix in (("", "-official") if OFFICIAL in lists else ("",))
        for start in PROTOCOLS
        for shots in SHOTS
    }
    return Benchmark(
        name="sysu-mm01",
        dims=2,
        modalities=("visible", "infrared"),
        table=table,
        samples=samples,
        fingerprint=fingerprint,
        source=source(root),
        splitters=splitters,
    )


def check(root: str | Path) -> CheckReport:
    """Look over a copy of SYSU-MM01: every list, folder and image, and the known totals.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder that holds ``cam1`` to ``cam6`` and ``exp``; the totals of a synthetic data set are not compared.

    Returns
    -------
    CheckReport
        Problems, counts and notes.
    """
    root = Path(root)
    problems: list[str] = []
    table, training = _scan(root, problems.append)
    damaged, notes = check_images(root, table)
    problems += damaged
    counts = _count(table, training)
    for name in GALLERIES:
        if not counts[f"queries with a match, {name} search"]:
            problems.append(
                f"{root}: no query of the {name} search has a match in the gallery, so its protocols cannot be "
                "measured; fetch the missing images of the test identities"
            )
    if source(root) == "real":
        problems += [f"{root}: {words}; fetch the set again" for words in differences(counts, TOTALS)]
    if (root / OFFICIAL).exists():
        try:
            _official_draws(root, table.select(~training), GALLERIES["all"], SHOTS["multi"])
        except DataError as error:
            problems.append(str(error))
    else:
        notes.append(
            f"{OFFICIAL}: not in this copy, so the protocols with the official trials are not offered"
        )
    notes += single_modality_notes(table, [training], [~training])
    return CheckReport(problems, counts, notes)


# ---- reading


def _scan(root: Path, report: Reporter) -> tuple[SampleTable, np.ndarray]:
    """List all images of the listed identities; returns them and the mask (n,) of those to train on."""
    listed = {part: _read_ids(root / LISTS[part], report) for part in LISTS}
    for a, b in combinations(LISTS, 2):
        if twice := listed[a] & listed[b]:
            report(
                f"{root / LISTS[a]} and {root / LISTS[b]}: both list {shorten(twice)}; an identity belongs to one "
                "split, restore the lists as distributed"
            )
    wanted, rows = set().union(*listed.values()), TableBuilder()
    for camera, modality in CAMERAS.items():
        for folder in identity_folders(
            root / f"cam{camera}", report, "fetch the set again, with all six cameras"
        ):
            if folder.name in wanted:
                for name in file_names(folder, report):
                    rows.add(f"cam{camera}/{folder.name}/{name}", folder.name, camera, modality)
    for part, names in listed.items():
        if absent := names - set(rows.identity):
            report(
                f"{root / LISTS[part]}: {len(absent)} of {len(names)} identities have no image in any camera: "
                f"{shorten(absent)}; fetch the set again"
            )
    table = rows.table()
    trained = listed["train"] | listed["val"]
    training = np.array([name in trained for name in table.identity_names], dtype=bool)[table.identity]
    train, test = np.flatnonzero(training), np.flatnonzero(~training)
    check_split_usable(table, train, test, f"{root / LISTS['test']}", report)
    return table, training


def _read_ids(path: Path, report: Reporter) -> set[str]:
    """Read one list of identities, as the names of their folders."""
    try:
        words = path.read_text(encoding="utf-8-sig").replace(",", " ").split()
        numbers = [int(word) for word in words]
    except OSError as error:
        report(f"{path}: cannot be read ({error.strerror}); fetch the lists of the set again")
        return set()
    except ValueError as error:
        report(f"{path}: is not a line of comma-separated numbers ({error}); fetch it again")
        return set()
    if not numbers:
        report(f"{path}: lists no identity; fetch it again")
    return {f"{number:04d}" for number in numbers}


def _count(table: SampleTable, training: np.ndarray) -> dict[str, int]:
    counts = {}
    for part, mask in (("training", training), ("test", ~training)):
        counts[f"{part} identities"] = len(np.unique(table.identity[mask]))
        for modality, word in enumerate(("visible", "infrared")):
            counts[f"{part} {word} images"] = int((mask & (table.modality == modality)).sum())
    test = table.select(~training)
    for name, cameras in GALLERIES.items():
        search = _search(test, _python_draws(test, cameras, shots=1), name)
        counts[f"gallery images, {name} search, single shot"] = len(search.trials[0])
        counts[f"queries with a match, {name} search"] = search.valid_queries(test.identity)
    return counts


# ---- protocols


def _split(
    root: Path,
    data: str,
    training: np.ndarray,
    start: str,
    shots: str,
    suffix: str,
    benchmark: Benchmark,
    seed: int,
) -> Split:
    """Train on the identities of two lists, look for the infrared images of the third in drawn galleries."""
    rows, galleries = np.flatnonzero(~training), PROTOCOLS[start]
    test = benchmark.table.select(rows)
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
    return make_split(
        benchmark,
        f"{start}{shots}{suffix}",
        seed,
        np.flatnonzero(training),
        rows,
        [_search(test, trials[gallery], gallery if len(galleries) > 1 else "r2v") for gallery in galleries],
        ["identities"],
        name,
    )


def _search(test: SampleTable, trials: tuple[np.ndarray, ...], measures: str) -> RetrievalTask:
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
    path, position = (
        root / OFFICIAL,
        {image.rpartition(".")[0]: i for i, image in enumerate(test.path.tolist())},
    )
    names = [test.identity_names[i] for i in np.unique(test.identity)]
    try:
        cells = [camera.ravel() for camera in loadmat(path)["rand_perm_cam"].ravel()]
        numbers = {(camera, name): cells[camera - 1][int(name) - 1] for name in names for camera in cameras}
        return tuple(
            np.array(
                [
                    position[f"cam{camera}/{name}/{number:04d}"]
                    for (camera, name), images in numbers.items()
                    if images.size
                    for number in images[trial, :shots].tolist()
                ]
            )
            for trial in range(DRAWS)
        )
    except NotImplementedError as error:
        raise DataError(
            f"{path}: is a MATLAB file of version 7.3, which cannot be read; load it in MATLAB, save it with -v7, or "
            "remove it"
        ) from error
    except KeyError as error:
        raise DataError(f"{path}: names {error}, which is not in this copy; fetch both again") from error
    except (OSError, MatReadError, zlib.error, IndexError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read as the official trials ({error}); fetch it again or remove it"
        ) from error
