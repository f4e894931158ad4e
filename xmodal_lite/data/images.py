"""Read images: one file to an array, many files to one array on disk, in parallel and in little memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from xmodal_lite.data.cache import Chunks, cached
from xmodal_lite.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
MODES = ("RGB", "L", "P")  # 8 bits a channel without transparency
PIECE = 256  # images decoded between two writes: 32 MB at 288 x 144
THREADS = os.cpu_count() or 1
GREY_TOLERANCE = 16  # of 255: mean distance of the channels that passes for grey (ours: room for toned paper)
COLOURLESS = 1  # of 255: channels that lie less apart are those of a grey picture; a dull one has more

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_image(path: str | Path, size: tuple[int, int] | None = None, *, grey: bool = False) -> np.ndarray:
    """Read an image file.

    Parameters
    ----------
    path : str or pathlib.Path
        An image in colour or grey with 8 bits a channel; grey becomes three equal channels. It is turned upright where
        its EXIF tag says how, as cameras and telephones write it.
    size : tuple of int, optional
        (height, width) to resize to (Lanczos, as the AGW line prepares its images); the image's own if not given.
    grey : bool
        Refuse an image in colour, such as a photo among infrared images; compression and a slight tint are allowed.

    Returns
    -------
    numpy.ndarray
        (3, H, W) uint8, red, green, blue.

    Raises
    ------
    DataError
        If the file cannot be read, is truncated or damaged, has transparency or not 8 bits a channel, or is in
        colour where that is refused.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in MODES or "transparency" in image.info:
                raise DataError(
                    f"{path}: is an image of mode {image.mode}, {'/'.join(MODES)} without transparency are read; "
                    "save it as RGB or as grey with 8 bits a channel"
                )
            if "exif" in image.info:
                _turn_upright(image)
            colour = image.convert("RGB")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; fetch it again") from error
    except DataError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path}: cannot be read as an image ({error}); fetch it again or remove it"
        ) from error
    if grey and (apart := chroma(np.asarray(colour).transpose(2, 0, 1))) > GREY_TOLERANCE:
        raise DataError(_in_colour(path, apart))
    if size is not None and colour.size != size[::-1]:
        colour = colour.resize(size[::-1], Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(colour).transpose(2, 0, 1))


def _turn_upright(image: Image.Image) -> None:
    """Turn an image in place as its EXIF tag says; a damaged tag says nothing, as in every viewer."""
    image.load()  # whose errors are the image's own
    with suppress(Exception):  # Pillow raises whatever a damaged tag leads to
        ImageOps.exif_transpose(image, in_place=True)


def _in_colour(path: str | Path, apart: float) -> str:
    return (
        f"{path}: is in colour where a grey image is meant (its channels lie {apart:.0f} of 255 apart, {GREY_TOLERANCE} are "
        "allowed); put the image of the right kind in its place"
    )


def chroma(image: np.ndarray) -> float:
    """Return how coloured an image is: the largest difference between two channels, 0 to 255, as the mean over pixels.

    Parameters
    ----------
    image : numpy.ndarray
        (3, H, W) uint8. Grey is 0; up to `GREY_TOLERANCE`, an image passes for grey.
    """
    return float(np.mean(image.max(axis=0) - image.min(axis=0)))


def open_images(
    root: Path,
    name: str,
    paths: Sequence[str],
    lists: Sequence[str],
    size: tuple[int, int],
    grey: Collection[str] = (),
) -> tuple[np.ndarray, str]:
    """Return all images as one array, from the cache if they were decoded before.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the data.
    name : str
        Benchmark's name.
    paths : sequence of str
        Images, relative to `root`, in the order of the samples.
    lists : sequence of str
        Other files that the fingerprint covers, such as lists of identities.
    size : tuple of int
        (height, width) of the samples.
    grey : collection of str
        Those of the images that must not be in colour; looked at while they are decoded, not when they come from the
        cache.

    Returns
    -------
    samples : numpy.ndarray
        (n, 3, height, width) uint8, memory-mapped, read-only.
    fingerprint : str
        SHA-256 over the names and bytes of all files.

    Raises
    ------
    DataError
        For the first image that cannot be read or is in colour and must not, or if the cache cannot be written.
    """

    def build() -> tuple[Chunks, dict[str, np.ndarray]]:
        columns = {"fingerprint": np.array(_fingerprint(root, [*paths, *lists]))}
        return Chunks((len(paths), 3, *size), np.dtype(np.uint8), _decode(root, paths, size, grey)), columns

    files = [root / path for path in (*paths, *lists)]
    samples, columns = cached(root, name, files, {"size": size, "paths": _digest(paths)}, build)
    return samples, str(columns["fingerprint"])


@dataclass(frozen=True)
class ImageInspection:
    """What a look at all images of a set found.

    Attributes
    ----------
    damaged : list of str
        One sentence for each image that cannot be read.
    coloured : dict of str to str
        One sentence for each image that is in colour and should be grey, by its path.
    plain : list of str
        Of the other images those that are grey, if more than half are in colour: perhaps of the other camera.
    """

    damaged: list[str]
    coloured: dict[str, str]
    plain: list[str]


def inspect_images(root: Path, paths: Sequence[str], grey: Collection[str] = ()) -> ImageInspection:
    """Decode all images; collect those that cannot be read, and those that look as if of the other modality.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the data.
    paths : sequence of str
        Images, relative to `root`.
    grey : collection of str
        Those of them that should be grey; where there is none, no colours are looked at.
    """

    def look(path: str) -> tuple[str, float]:
        try:
            image = read_image(root / path)
        except DataError as error:
            return str(error), 0.0
        return "", chroma(image) if grey else 0.0

    looks = [found for piece in in_parallel(look, paths, "checking images") for found in piece]
    apart = {path: found for path, (words, found) in zip(paths, looks, strict=True) if not words}
    free = [path for path in apart if path not in grey]
    plain = [path for path in free if apart[path] < COLOURLESS]
    return ImageInspection(
        damaged=[words for words, _ in looks if words],
        coloured={
            path: _in_colour(root / path, found)
            for path, found in apart.items()
            if path in grey and found > GREY_TOLERANCE
        },
        plain=plain if 2 * len(plain) < len(free) else [],
    )


def _decode(
    root: Path, paths: Sequence[str], size: tuple[int, int], grey: Collection[str]
) -> Iterator[np.ndarray]:
    """Yield pieces (k, 3, H, W) of the samples."""

    def decoded(path: str) -> np.ndarray:
        return read_image(root / path, size, grey=path in grey)

    for piece in in_parallel(decoded, paths, "decoding images"):
        yield np.stack(piece)


def _fingerprint(root: Path, paths: Iterable[str]) -> str:
    """SHA-256 over the names and bytes of files, in the order of their names."""
    ordered = sorted(paths)
    pieces = in_parallel(lambda path: _hash(root / path), ordered, "hashing files")
    return _digest([*ordered, *(digest for piece in pieces for digest in piece)])


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _digest(names: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(names).encode()).hexdigest()


def in_parallel(
    function: Callable[[Item], Result], items: Sequence[Item], description: str
) -> Iterator[list[Result]]:
    """Apply a function that leaves Python's lock, a piece of the items at a time, in order.

    Parameters
    ----------
    function : callable
        Takes one item; what it raises is raised here.
    items : sequence
        Any number of them.
    description : str
        Name of the progress bar, which is silent where the output is not a terminal.

    Yields
    ------
    list
        Results of the next 256 items or fewer.
    """
    left = iter(items)
    with (
        ThreadPoolExecutor(THREADS) as pool,
        tqdm(total=len(items), desc=description, unit="file", disable=None) as bar,
    ):
        for piece in iter(lambda: list(islice(left, PIECE)), []):
            yield list(pool.map(function, piece))
            bar.update(len(piece))
