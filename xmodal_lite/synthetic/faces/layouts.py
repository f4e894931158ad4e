"""Folders and files of CUFS, CUFSF, CASIA NIR-VIS 2.0 and Tufts, filled with images of procedural faces.

Each image has a mask of the head under ``masks/``, at the same relative place and with the suffix ``.png``: 255 on
the face, 128 on hair and beard, 64 on glasses, 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from xmodal_lite.synthetic.faces.disguise import wear
from xmodal_lite.synthetic.faces.identity import Face, draw_face
from xmodal_lite.synthetic.faces.moment import draw_moment
from xmodal_lite.synthetic.faces.portrait import Setting, portray
from xmodal_lite.synthetic.writing import check_parameters, encode, run_all, save

CUFS_REAL, CUFSF_REAL, CASIA_REAL, TUFTS_REAL = 606, 1194, 725, 112  # identities of the real sets
FOLDS = 10  # of CASIA NIR-VIS 2.0
_DATES = (
    "930831",
    "931230",
    "940128",
    "940422",
    "940928",
    "941031",
    "941121",
)  # as FERET's file names carry them

_CUFS = (
    Setting("visible", 4.3, 0.44, lively=0.3, uneven=0.25, quality=92),
    Setting("sketch", 4.3, 0.44, lively=0.3, uneven=0.25, exaggeration=0.6, quality=92),
)
_CUFSF = (
    Setting("visible", 4.5, 0.45, colour=False, noise=0.016, lively=0.4, uneven=0.9),
    Setting("sketch", 4.5, 0.45, lively=0.4, uneven=0.9, exaggeration=1.1),
)
_CASIA = (
    Setting("visible", 5.7, 0.44, wall="room", noise=0.012, lively=0.8, uneven=0.6),
    Setting("near", 5.7, 0.44, wall="room", noise=0.014, lively=0.8, uneven=0.6),
)
_TUFTS = (
    Setting("visible", 4.7, 0.45, lively=0.75, uneven=0.35),
    Setting("thermal", 4.7, 0.45, colour=False, blur=1, noise=0.01, lively=0.75, uneven=0.35),
)


@dataclass(frozen=True)
class Shot:
    """One image of one identity."""

    path: str  # relative to the root
    setting: Setting
    moment: int  # shots with the same number show the same moment


def write_cufs(
    root: Path, *, identities: int = 60, seed: int = 0, gap: float = 0.5, workers: int = 1
) -> None:
    """Write a synthetic data set for CUFS.

    ``photos/{0001..}.jpg``, ``sketches/{0001..}.jpg`` and ``masks/``: a colour photograph and a sketch of the same
    moment for each identity.

    Parameters
    ----------
    root : pathlib.Path
        Folder that exists and is empty.
    identities : int
        10 to 606, the number of the real set.
    seed : int
        Seed of all draws. Face n is the same at any ``gap`` and for any ``identities``.
    gap : float
        0 (a sketch has the photograph's proportions and luminance) to 1 (a sketch exaggerates unusual traits, and the
        tone of hair and lips is independent of their luminance).
    workers : int
        Processes; the bytes do not depend on it. More than one needs an importable main module, as every spawned
        process.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """
    check_parameters(identities, CUFS_REAL, 1, seed, gap, workers)
    shots = [_shots_cufs(number, 1, seed) for number in range(identities)]
    _portray_all(root, shots, seed, gap, workers)


def write_cufsf(
    root: Path, *, identities: int = 60, seed: int = 0, gap: float = 0.5, workers: int = 1
) -> None:
    """Write a synthetic data set for CUFSF.

    ``photos/00001fa010_930831.jpg``, ``sketches/00001.jpg`` and ``masks/``: as CUFS, but photographs are grey and
    taken in any light, and sketches exaggerate more.

    Parameters
    ----------
    root : pathlib.Path
        Folder that exists and is empty.
    identities : int
        10 to 1194, the number of the real set.
    seed, gap, workers
        As for :func:`write_cufs`.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """
    check_parameters(identities, CUFSF_REAL, 1, seed, gap, workers)
    shots = [_shots_cufsf(number, 1, seed) for number in range(identities)]
    _portray_all(root, shots, seed, gap, workers)


def write_casia(
    root: Path, *, identities: int = 60, images: int = 6, seed: int = 0, gap: float = 0.5, workers: int = 1
) -> None:
    """Write a synthetic data set for CASIA NIR-VIS 2.0.

    ``s{1..4}/{VIS,NIR}_128x128/{00001..}/{001..}.bmp``, ``masks/`` and
    ``protocols/{vis_train,nir_train,vis_gallery,nir_probe}_{1..10}.txt``. Each identity attends one or two of
    four sessions; no two images show the same moment. Each fold trains on 357 in 725 identities. The gallery holds one
    visible image of each other identity; all their near-infrared images are probes.

    Parameters
    ----------
    root : pathlib.Path
        Folder that exists and is empty.
    identities : int
        10 to 725, the number of the real set.
    images : int
        Images of an identity in each modality, 1 to 99.
    seed, workers
        As for :func:`write_cufs`.
    gap : float
        0 (near infrared shows the luminance of the visible colours) to 1 (independent reflectance).

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """
    check_parameters(identities, CASIA_REAL, images, seed, gap, workers)
    shots = [_shots_casia(number, images, seed) for number in range(identities)]
    _portray_all(root, shots, seed, gap, workers)
    (root / "protocols").mkdir()
    train = round(identities * 357 / CASIA_REAL)
    for fold in range(1, FOLDS + 1):
        rng = np.random.default_rng([seed, 45, fold])
        order, enrolled = rng.permutation(identities), rng.integers(0, images, identities)
        trains, tests = sorted(order[:train]), sorted(order[train:])
        lists = {
            "vis_train": [shot for k in trains for shot in shots[k][:images]],
            "nir_train": [shot for k in trains for shot in shots[k][images:]],
            "vis_gallery": [shots[k][enrolled[k]] for k in tests],
            "nir_probe": [shot for k in tests for shot in shots[k][images:]],
        }
        for part, listed in lists.items():
            lines = [shot.path.replace("/", "\\") + "\n" for shot in listed]
            (root / "protocols" / f"{part}_{fold}.txt").write_text("".join(lines))


def write_tufts(
    root: Path, *, identities: int = 60, images: int = 6, seed: int = 0, gap: float = 0.5, workers: int = 1
) -> None:
    """Write a synthetic data set for the visible and thermal pairs of the Tufts face database.

    ``visible/{1..}/{01..}.jpg``, ``thermal/{1..}/{01..}.jpg`` and ``masks/``: two cameras side by side take the same
    moments.

    Parameters
    ----------
    root : pathlib.Path
        Folder that exists and is empty.
    identities : int
        10 to 112, the number of the real set.
    images : int
        Images of an identity in each modality, 1 to 99; the real set has about 14.
    seed, workers
        As for :func:`write_cufs`.
    gap : float
        0 (a thermal image shows luminance) to 1 (warmth).

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """
    check_parameters(identities, TUFTS_REAL, images, seed, gap, workers)
    shots = [_shots_tufts(number, images, seed) for number in range(identities)]
    _portray_all(root, shots, seed, gap, workers)


def portray_disguised(
    name: str,
    parameters: Mapping[str, int | float],
    paths: Sequence[str],
    disguise: str,
    chances: Sequence[np.random.Generator],
) -> Iterator[bytes]:
    """Take images of a data set of faces again, with a disguise on each face; all else is as it was.

    Parameters
    ----------
    name : str
        "cufs", "cufsf", "casia-nir-vis" or "tufts".
    parameters : mapping
        Those of the data set: identities, seed, gap, and images where the data set has several.
    paths : sequence of str
        Of images in it.
    disguise : str
        One of `xmodal_lite.synthetic.faces.disguise.DISGUISES`; "" gives the files of the data set.
    chances : sequence of numpy.random.Generator
        Source of each image's disguise.

    Yields
    ------
    bytes
        The file of each image.
    """
    seed, gap = int(parameters["seed"]), float(parameters["gap"])
    of_one, images = _SHOTS[name], int(parameters.get("images", 1))
    where = {
        shot.path: (number, index, shot)
        for number in range(int(parameters["identities"]))
        for index, shot in enumerate(of_one(number, images, seed))
    }
    for path, chance in zip(paths, chances, strict=True):
        number, index, shot = where[path]
        put_on = partial(wear, disguise=disguise, gap=gap, rng=chance)
        image, _ = _take(draw_face(seed, number, gap), number, index, shot, seed, gap, put_on)
        yield encode(Image.fromarray(image), shot.path, shot.setting.quality)


def _shots_cufs(number: int, images: int, seed: int) -> list[Shot]:
    """Photograph and sketch of one identity."""
    pairs = zip(("photos", "sketches"), _CUFS, strict=True)
    return [Shot(f"{folder}/{number + 1:04d}.jpg", setting, 0) for folder, setting in pairs]


def _shots_cufsf(number: int, images: int, seed: int) -> list[Shot]:
    """Photograph and sketch of one identity."""
    photo, sketch = _CUFSF
    date = np.random.default_rng([seed, 41, number]).choice(_DATES)
    return [
        Shot(f"photos/{number + 1:05d}fa010_{date}.jpg", photo, 0),
        Shot(f"sketches/{number + 1:05d}.jpg", sketch, 0),
    ]


def _shots_tufts(number: int, images: int, seed: int) -> list[Shot]:
    """Images of one identity, the visible ones first."""
    return [
        Shot(f"{setting.light}/{number + 1}/{k + 1:02d}.jpg", setting, k)
        for setting in _TUFTS
        for k in range(images)
    ]


def _shots_casia(number: int, images: int, seed: int) -> list[Shot]:
    """Images of one identity, the visible ones first."""
    rng = np.random.default_rng([seed, 41, number])
    sessions = sorted(rng.permutation(4)[: 1 + (rng.random() < 0.3)] + 1)
    return [
        Shot(
            f"s{sessions[k * len(sessions) // images]}/{modality}_128x128/{number + 1:05d}/{k + 1:03d}.bmp",
            setting,
            i * images + k,
        )
        for i, (modality, setting) in enumerate(zip(("VIS", "NIR"), _CASIA, strict=True))
        for k in range(images)
    ]


_SHOTS: dict[str, Callable[[int, int, int], list[Shot]]] = {
    "cufs": _shots_cufs,
    "cufsf": _shots_cufsf,
    "casia-nir-vis": _shots_casia,
    "tufts": _shots_tufts,
}


def _portray_all(root: Path, shots: list[list[Shot]], seed: int, gap: float, workers: int) -> None:
    run_all(partial(_portray, root, seed, gap), list(enumerate(shots)), workers)


def _portray(root: Path, seed: int, gap: float, item: tuple[int, list[Shot]]) -> None:
    """Take and write the images of one identity."""
    number, shots = item
    face = draw_face(seed, number, gap)
    for index, shot in enumerate(shots):
        image, mask = _take(face, number, index, shot, seed, gap)
        save(root, shot.path, Image.fromarray(image), mask, shot.setting.quality)


def _take(
    face: Face,
    number: int,
    index: int,
    shot: Shot,
    seed: int,
    gap: float,
    disguise: Callable[[Face], Face] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Take one image of a face, and its mask."""
    chance = np.random.default_rng([seed, 42, number, shot.moment])
    moment = draw_moment(chance, shot.setting.lively, shot.setting.uneven)
    rng = np.random.default_rng([seed, 43, number, index])
    return portray(face, moment, shot.setting, gap, rng, disguise)
