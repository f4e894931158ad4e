"""Folders and files of SYSU-MM01, RegDB and LLCM, filled with images of procedural people.

Each image has a mask of the person under ``masks/``, at the same relative place and with the suffix
``.png``; loaders of the real layouts look into folders of known names and do not see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from xmodal_lite.synthetic.people import cameras
from xmodal_lite.synthetic.people.body import Pose
from xmodal_lite.synthetic.people.cameras import Camera
from xmodal_lite.synthetic.people.figure import draw_person
from xmodal_lite.synthetic.people.photograph import photograph
from xmodal_lite.synthetic.writing import check_parameters, run_all, save

SIZE, SMALL = (288, 144), (128, 64)  # height and width of the images; RegDB's are small
SYSU_REAL, REGDB_REAL, LLCM_REAL = 491, 412, 1064  # identities of the real sets
SPLITS = 10  # of RegDB


@dataclass(frozen=True)
class Visit:
    """One camera's images of one identity."""

    camera: Camera
    paths: tuple[str, ...]  # relative to the root
    walk: int  # visits with the same number show the same moments
    facing: float | None = None  # radians; None for any direction


def write_sysu(
    root: Path, *, identities: int = 60, images: int = 16, seed: int = 0, gap: float = 0.5, workers: int = 1
) -> None:
    """Write a synthetic data set for SYSU-MM01.

    ``cam{1..6}/{0001..}/{0001..}.jpg``, ``exp/{train,val,test}_id.txt`` and ``masks/``. Six in ten identities are
    seen indoors (cameras 1, 2, 3), nearly all outdoors (4, 5, 6), each by at least one visible and one infrared
    camera; 296 in 491 train, 99 are for validation and 96 for testing, as in the real set. If no test identity has a
    match in an indoor search, as may happen among few, camera 1 also sees the first test identity.

    Parameters
    ----------
    root : pathlib.Path
        Folder that exists and is empty.
    identities : int
        10 to 491, the number of the real set; identity numbers have gaps, as there.
    images : int
        Most images of an identity by one camera, 1 to 99; the fewest are 0.6 of it. 24 gives the real
        set's total.
    seed : int
        Seed of all draws. Person n is the same at any ``gap`` and for any ``identities``.
    gap : float
        0 (infrared shows the luminance of the visible colours, as an infrared camera would) to 1
        (independent reflectance).
    workers : int
        Processes; the bytes do not depend on it. More than one needs an importable main module, as every
        spawned process.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """
    check_parameters(identities, SYSU_REAL, images, seed, gap, workers)
    visits = [_visits_sysu(number, images, seed) for number in range(identities)]
    names = np.array([_sysu_name(number) for number in range(identities)])
    order = np.random.default_rng([seed, 34]).permutation(identities)
    validate, test = round(identities * 99 / SYSU_REAL), round(identities * 96 / SYSU_REAL)
    if not any(_answers_indoors(visits[number]) for number in order[:test]):
        visits[order[0]] = _visits_sysu(int(order[0]), images, seed, indoors=True)
    _portray_all(root, visits, SIZE, seed, gap, workers)
    parts = {"test": order[:test], "val": order[test : test + validate], "train": order[test + validate :]}
    (root / "exp").mkdir()
    for part, numbers in parts.items():
        (root / "exp" / f"{part}_id.txt").write_text(",".join(map(str, sorted(names[numbers]))) + "\n")


def write_regdb(
    root: Path, *, identities: int = 60, images: int = 10, seed: int = 0, gap: float = 0.5, workers: int = 1
) -> None:
    """Write a synthetic data set for RegDB.

    ``{Visible,Thermal}/{id}/*.bmp``, ``idx/{train,test}_{visible,thermal}_{1..10}.txt`` and ``masks/``. Both
    cameras take the same moments, and an identity is seen either from the front or from behind, as in the real set.
    Each of the ten splits trains on half of the identities.

    Parameters
    ----------
    root : pathlib.Path
        Folder that exists and is empty.
    identities : int
        10 to 412, the number of the real set.
    images : int
        Images of an identity by each camera, 1 to 99; the real set has 10.
    seed, gap, workers
        As for :func:`write_sysu`; at gap 0 a thermal image shows luminance, at gap 1 warmth.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """
    check_parameters(identities, REGDB_REAL, images, seed, gap, workers)
    visits = [_visits_regdb(number, images, seed) for number in range(identities)]
    _portray_all(root, visits, SMALL, seed, gap, workers)
    (root / "idx").mkdir()
    for split in range(1, SPLITS + 1):
        order = np.random.default_rng([seed, 35, split]).permutation(identities)
        for part, numbers in (("train", order[: identities // 2]), ("test", order[identities // 2 :])):
            for k, modality in enumerate(("visible", "thermal")):
                lines = [
                    f"{path} {number + 1}\n" for number in sorted(numbers) for path in visits[number][k].paths
                ]
                (root / "idx" / f"{part}_{modality}_{split}.txt").write_text("".join(lines))


def write_llcm(
    root: Path, *, identities: int = 60, images: int = 6, seed: int = 0, gap: float = 0.5, workers: int = 1
) -> None:
    """Write a synthetic data set for LLCM.

    ``{vis,nir}/{id}/{id}_c0{cam}_*.jpg``, ``idx/{train,test}_{vis,nir}.txt`` and ``masks/``. An identity meets
    about half of nine cameras, each by day and by night; 713 in 1,064 train.

    Parameters
    ----------
    root : pathlib.Path
        Folder that exists and is empty.
    identities : int
        10 to 1064, the number of the real set.
    images : int
        Most images of an identity by one camera in one modality, 1 to 99; the fewest are 0.6 of it.
    seed, gap, workers
        As for :func:`write_sysu`.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """
    check_parameters(identities, LLCM_REAL, images, seed, gap, workers)
    visits = [_visits_llcm(number, images, seed) for number in range(identities)]
    _portray_all(root, visits, SIZE, seed, gap, workers)
    order = np.random.default_rng([seed, 36]).permutation(identities)
    train = round(identities * 713 / LLCM_REAL)
    (root / "idx").mkdir()
    for part, numbers in (("train", order[:train]), ("test", order[train:])):
        for modality in ("vis", "nir"):
            lines = [
                f"{path} {number + 1}\n"
                for number in sorted(numbers)
                for visit in visits[number]
                for path in visit.paths
                if path.startswith(modality)
            ]
            (root / "idx" / f"{part}_{modality}.txt").write_text("".join(lines))


def _sysu_name(number: int) -> int:
    """Identity number on disk: 491 of the numbers 1 to 533 are in use."""
    return number * 533 // SYSU_REAL + 1


def _answers_indoors(visits: list[Visit]) -> bool:
    """Tell whether an indoor search has a match: in camera 1, or in camera 2 for a query of camera 6."""
    seen = {visit.camera.number for visit in visits}
    return 1 in seen or {2, 6} <= seen  # camera 3 or 6 sees each identity


def _visits_sysu(number: int, images: int, seed: int, indoors: bool = False) -> list[Visit]:
    rng = np.random.default_rng([seed, 33, number])
    drawn, sees = rng.random() < 0.6, rng.random(6) < 0.98
    sees[:3] &= drawn
    sees[0] |= indoors
    sees[3] |= not sees[[0, 3, 4]].any()  # camera 2 alone cannot answer a query of camera 3
    sees[5] |= not sees[[2, 5]].any()
    counts = rng.integers(-(-images * 3 // 5), images + 1, 6)
    name = f"{_sysu_name(number):04d}"
    return [
        Visit(camera, tuple(f"cam{camera.number}/{name}/{k + 1:04d}.jpg" for k in range(counts[i])), walk=i)
        for i, camera in enumerate(cameras.SYSU)
        if sees[i]
    ]


def _visits_regdb(number: int, images: int, seed: int) -> list[Visit]:
    back = np.random.default_rng([seed, 33, number]).random() < 0.62
    side, facing = ("back", np.pi) if back else ("front", 0.0)
    return [
        Visit(
            camera,
            tuple(
                f"{folder}/{number + 1}/{side}_{letter}_{number * images + k + 1:05d}_{number + 1}.bmp"
                for k in range(images)
            ),
            walk=0,
            facing=facing,
        )
        for camera, folder, letter in zip(cameras.REGDB, ("Visible", "Thermal"), "vt", strict=True)
    ]


def _visits_llcm(number: int, images: int, seed: int) -> list[Visit]:
    rng = np.random.default_rng([seed, 33, number])
    meets = rng.random(9) < 0.45
    meets[rng.permutation(9)[:2]] = True
    sees = np.concatenate([meets & (rng.random(9) < 0.95), meets & (rng.random(9) < 0.85)])
    for k in (0, 9):  # by day, by night
        sees[k + np.flatnonzero(meets)[0]] |= not sees[k : k + 9].any()
    counts, second = rng.integers(-(-images * 3 // 5), images + 1, 18), rng.integers(0, 900000, 18)
    visits = []
    for i in np.flatnonzero(sees):
        camera, modality = cameras.LLCM[i], ("vis", "nir")[i // 9]
        stem = f"{modality}/{number + 1:04d}/{number + 1:04d}_c{camera.number:02d}_s{second[i]:06d}"
        paths = tuple(f"{stem}_f{40 * k + 25:04d}_{modality}.jpg" for k in range(counts[i]))
        visits.append(Visit(camera, paths, walk=int(i)))
    return visits


def _moments(visit: Visit, rng: np.random.Generator) -> Pose:
    """Draw how a person walks past a camera: mostly in one direction, sometimes turning round half-way."""
    n = len(visit.paths)
    if visit.facing is None:
        heading = rng.integers(8) * np.pi / 4 + (rng.random() < 0.4) * (np.arange(n) >= n / 2) * rng.uniform(
            1, 4
        )
        yaw = heading + rng.normal(0, 0.25, n)
    else:
        yaw = visit.facing + rng.normal(0, 0.15, n)
    stands, phones = rng.random() < 0.15, rng.random() < 0.06
    return Pose(
        yaw=yaw,
        phase=rng.uniform(0, 2 * np.pi, n),
        stride=np.full(n, 0.08) if stands else rng.normal(0.85, 0.15, n).clip(0.3, 1.1),
        pitch=visit.camera.pitch + rng.normal(0, 0.03, n),
        raised=np.full(n, float(phones)),
    )


def _portray_all(
    root: Path, visits: list[list[Visit]], size: tuple[int, int], seed: int, gap: float, workers: int
) -> None:
    """Take all images; identities do not depend on each other, so any number of processes gives the same bytes."""
    run_all(partial(_portray, root, size, seed, gap), list(enumerate(visits)), workers)


def _portray(root: Path, size: tuple[int, int], seed: int, gap: float, item: tuple[int, list[Visit]]) -> None:
    """Take and write the images of one identity."""
    number, visits = item
    person = draw_person(seed, number, gap)
    twice = 2 if size == SMALL else 1  # small images are taken at twice the size and averaged
    for index, visit in enumerate(visits):
        pose = _moments(visit, np.random.default_rng([seed, 37, number, visit.walk]))
        rng = np.random.default_rng([seed, 38, number, index])
        images, masks = photograph(
            person, visit.camera, pose, seed, gap, rng, (twice * size[0], twice * size[1])
        )
        if twice == 2:
            n, (h, w) = len(images), size
            images = (
                images.reshape(n, h, 2, w, 2, -1)
                .mean((2, 4))
                .squeeze(-1 if images.ndim == 3 else ())
                .astype(np.uint8)
            )
            masks = masks.reshape(n, h, 2, w, 2).mean((2, 4)) >= 0.5
        for path, image, mask in zip(visit.paths, images, masks, strict=True):
            save(root, path, Image.fromarray(image).convert("RGB"), mask, visit.camera.quality)
