"""Read an image file to an array, and refuse one that would be read wrongly."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from xmodal_lite.data.jpeg import JpegStream
from xmodal_lite.data.listing import read_file
from xmodal_lite.data.problems import FileError
from xmodal_lite.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")  # no other is tried: Pillow would run Ghostscript for an EPS
MODES = ("RGB", "L", "P")  # 8 bits a channel without transparency
BITS_PER_SAMPLE = 258  # tag of TIFF
MOST_PIXELS = 1 << 26  # 67 million, 200 MB decoded
PIECE = 256  # images decoded between two writes: 32 MB at 288 x 144
THREADS = os.cpu_count() or 1
GREY_TOLERANCE = 16  # of 255: mean distance of the channels that passes for grey (ours: room for toned paper)
COLOURLESS = 1  # of 255: channels that lie less apart are those of a grey image; a dull one has more
BLANK = 2  # of 255: an image whose every channel varies by no more shows nothing
IN_COLOUR = "is in colour where a grey image is meant"
RESTORE = "put a whole copy in its place or remove it"

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_image(path: str | Path, size: tuple[int, int] | None = None, *, grey: bool = False) -> np.ndarray:
    """Read an image file.

    Parameters
    ----------
    path : str or pathlib.Path
        An image in colour or grey with 8 bits a channel; grey becomes three equal channels. It is turned upright where
        its EXIF tag says how, as cameras and telephones write it. JPEG, PNG, BMP, TIFF and WebP are read.
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
        If the file cannot be read, is of another format, truncated or damaged, larger than 256 MB or 67 million pixels,
        has transparency or not 8 bits a channel, is of one colour all over, or is in colour where that is refused.
    """
    return decode_image(path, read_file(path), size, grey=grey)


def decode_image(
    path: str | Path, content: bytes, size: tuple[int, int] | None = None, *, grey: bool = False
) -> np.ndarray:
    """Decode the bytes of an image file; `path` serves the messages. See `read_image`."""
    from PIL import Image, UnidentifiedImageError  # here, as stating a data set needs no decoder

    stream = JpegStream(content) if content.startswith(b"\xff\xd8") else io.BytesIO(content)
    try:
        with Image.open(stream, formats=FORMATS) as image:
            _check_header(path, image, content)
            if isinstance(stream, JpegStream):
                stream.hold_back()
            image.load()  # whose errors are the image's own
            if "exif" in image.info:
                _turn_upright(image)
            colour = image.convert("RGB")
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise _damaged(path, f"it is none of {', '.join(FORMATS)}, whatever its name says") from error
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise _damaged(path, str(error)) from error
    if isinstance(stream, JpegStream) and (stream.fault or stream.has_leftover):
        raise _damaged(path, f"damaged JPEG data: {stream.fault or 'data are left over'}")
    pixels = np.asarray(colour)  # (H, W, 3)
    if _is_blank(pixels):
        raise FileError(path, "shows nothing: all its pixels have the same colour", RESTORE)
    if grey and (apart := chroma(pixels.transpose(2, 0, 1))) > GREY_TOLERANCE:
        detail = f"its channels lie {apart:.0f} of 255 apart, {GREY_TOLERANCE} are allowed"
        raise FileError(path, IN_COLOUR, "put the image of the right kind in its place", detail)
    if size is not None and colour.size != size[::-1]:
        pixels = np.asarray(colour.resize(size[::-1], Image.Resampling.LANCZOS))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _check_header(path: str | Path, image: Image.Image, content: bytes) -> None:
    """Refuse what would lose transparency or grey levels, and what would fill the memory."""
    save_it = "save it as RGB or as grey with 8 bits a channel"
    if image.width * image.height > MOST_PIXELS:
        cause, detail = f"has more than {MOST_PIXELS:,} pixels", f"{image.width:,} x {image.height:,}"
        raise FileError(path, cause, "scale it down or remove it", detail)
    if image.mode not in MODES or "transparency" in image.info:
        read = f"{'/'.join(MODES)} without transparency are read"
        raise FileError(path, f"is an image of mode {image.mode}, {read}", save_it)
    if (bits := _bits(image, content)) > 8:
        fault = f"has {bits} bits a channel, and only the upper 8 would be read"
        raise FileError(path, fault, f"scale its values to 0 to 255 and {save_it}")


def _bits(image: Image.Image, content: bytes) -> int:
    """Return the bits a channel in the file: Pillow's mode is RGB for 16 bits in colour, too."""
    if image.format == "PNG":
        return content[24]  # of the header chunk, which comes first
    if image.format == "TIFF":
        return max(image.tag_v2.get(BITS_PER_SAMPLE, (1,)))  # type: ignore[attr-defined]
    return 8


def _damaged(path: str | Path, reason: str) -> FileError:
    return FileError(path, "cannot be read as an image", RESTORE, reason)


def _turn_upright(image: Image.Image) -> None:
    """Turn an image in place as its EXIF tag says; a damaged tag says nothing, as in every viewer."""
    from PIL import ImageOps

    with suppress(Exception):  # Pillow raises whatever a damaged tag leads to
        ImageOps.exif_transpose(image, in_place=True)


def _is_blank(pixels: np.ndarray) -> bool:
    """Tell whether all pixels (H, W, 3) have one colour; few of them tell of most images that they have not."""
    return all(np.ptp(some, axis=(0, 1)).max() <= BLANK for some in (pixels[::16, ::16], pixels))


def chroma(image: np.ndarray) -> float:
    """Return how coloured an image is: the largest difference between two channels, 0 to 255, as the mean over pixels.

    Parameters
    ----------
    image : numpy.ndarray
        (3, H, W) uint8. Grey is 0; up to `GREY_TOLERANCE`, an image passes for grey.
    """
    return float(np.mean(image.max(axis=0) - image.min(axis=0)))


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
    from tqdm import tqdm  # here, as stating a data set shows no progress

    left = iter(items)
    with (
        ThreadPoolExecutor(THREADS) as pool,
        tqdm(total=len(items), desc=description, unit="file", disable=None) as bar,
    ):
        for piece in iter(lambda: list(islice(left, PIECE)), []):
            yield list(pool.map(function, piece))
            bar.update(len(piece))
