"""Twenty corruptions of an image, each at five severities, repeatable from a seed.

Nineteen are those of Hendrycks and Dietterich (ICLR 2019), from the package imagecorruptions-imaug; rain follows Chen
et al. (Benchmarks for Corruption Invariant Person Re-identification, NeurIPS 2021). Zoom blur, brightness and
saturation have a faster form here that differs from the package's by at most one grey level.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional

from xmodal_lite.errors import SpecError

FAMILIES = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur"),
    "weather": ("snow", "frost", "fog", "rain", "spatter"),
    "light": ("brightness", "contrast", "saturate"),
    "digital": ("elastic_transform", "pixelate", "jpeg_compression"),
}
CORRUPTIONS = tuple(name for names in FAMILIES.values() for name in names)
SEVERITIES = (1, 2, 3, 4, 5)
SMALLEST = 32  # pixels a side that the package accepts
SEEDED = ("impulse_noise", "glass_blur")  # these take a seed; the others draw from NumPy's global state
ZOOM = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))  # end and step of the factors
BRIGHTNESS = (0.1, 0.2, 0.3, 0.4, 0.5)  # added to the value
SATURATION = ((0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2))  # factor and summand
RAIN = ((770, 10), (600, 30), (600, 30), (500, 60), (500, 60))  # pixels a drop, length of a drop
RAIN_GREY, RAIN_SLANT = 200, 10  # colour of a drop; it leans by at most so many pixels
INSTALL = "pip install numba opencv-python-headless scikit-image && pip install --no-deps imagecorruptions-imaug==1.1.5"


class Draw(NamedTuple):
    """What is drawn for some images: n corruptions (numbers in `CORRUPTIONS`), severities and seeds, each (n,)."""

    corruption: np.ndarray
    severity: np.ndarray
    seed: np.ndarray


def check_corruption(name: str | None, severity: int | None) -> None:
    """Refuse a corruption that does not exist; None stands for one that is drawn.

    Raises
    ------
    SpecError
        The name is unknown (the known ones are listed), or the severity is not 1 to 5.
    """
    if name is not None and name not in CORRUPTIONS:
        raise SpecError(f"unknown corruption '{name}'; known: {', '.join(CORRUPTIONS)}")
    if severity is not None and severity not in SEVERITIES:
        raise SpecError(f"a corruption has severity 1 to 5, not {severity}; choose one of these")


def draw(rows: np.ndarray, seed: int) -> Draw:
    """Draw a corruption, a severity and a seed for each of some images; an image's draw depends on nothing else.

    Parameters
    ----------
    rows : (n,) int64
        Numbers of the images.
    seed : int
        Of the whole set.
    """
    words = np.array([np.random.SeedSequence((seed, int(row))).generate_state(3) for row in rows], np.int64)
    words = words.reshape(-1, 3)  # also of no row
    return Draw(words[:, 0] % len(CORRUPTIONS), 1 + words[:, 1] % len(SEVERITIES), words[:, 2])


def corrupt_images(
    images: np.ndarray, rows: np.ndarray, seed: int, name: str | None = None, severity: int | None = None
) -> np.ndarray:
    """Corrupt images, each by a corruption and a severity drawn for it, or all by the same.

    Parameters
    ----------
    images : (n, 3, H, W) uint8
        At least 32 pixels high and wide.
    rows : (n,) int64
        Numbers of the images: with `seed` they decide every draw.
    seed : int
        Of the whole set.
    name : str, optional
        One of `CORRUPTIONS`; by default one is drawn for each image.
    severity : int, optional
        1 to 5; by default one is drawn for each image.

    Returns
    -------
    (n, 3, H, W) uint8

    Raises
    ------
    SpecError
        The name is unknown, the severity is out of range, the images are too small, or the extra is not installed.
    """
    check_corruption(name, severity)
    drawn = draw(rows, seed)
    names = [name or CORRUPTIONS[number] for number in drawn.corruption]
    severities = [severity or int(number) for number in drawn.severity]
    changed = [corrupt(*each) for each in zip(images, names, severities, drawn.seed.tolist(), strict=True)]
    return np.stack(changed) if changed else images.copy()


def corrupt(image: np.ndarray, name: str, severity: int, seed: int) -> np.ndarray:
    """Corrupt one image.

    Parameters
    ----------
    image : (3, H, W) uint8
        At least 32 pixels high and wide.
    name : str
        One of `CORRUPTIONS`.
    severity : int
        1 to 5.
    seed : int
        Of its draws, 0 to 2**32 - 1. NumPy's global state is left as it was.

    Returns
    -------
    (3, H, W) uint8

    Raises
    ------
    SpecError
        The name is unknown, the severity is out of range, the image is too small, or the extra is not installed.
    """
    check_corruption(name, severity)
    if min(image.shape[1:]) < SMALLEST:
        size = " x ".join(map(str, image.shape[1:]))
        raise SpecError(
            f"corruptions need images of {SMALLEST} x {SMALLEST} or more, not {size}; load larger ones"
        )
    own = OWN.get(name)
    pixels = np.ascontiguousarray(image.transpose(1, 2, 0))  # (H, W, 3)
    with numpy_seed(seed):
        changed = own(pixels, severity) if own else _from_package(pixels, name, severity, seed)
    return np.ascontiguousarray(changed.transpose(2, 0, 1))


@contextmanager
def numpy_seed(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator here, and give back the state that it had before."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)


@cache
def _package() -> Any:
    """Return the package's functions, imported at the first need: it compiles code."""
    try:
        from imagecorruptions import corruptions
    except ImportError as error:
        raise SpecError(
            f"corrupted images need the extra 'corruption' ({error}); install it: {INSTALL}"
        ) from error
    return corruptions


def _from_package(pixels: np.ndarray, name: str, severity: int, seed: int) -> np.ndarray:
    """Corrupt pixels (H, W, 3) by the package."""
    from PIL import Image

    function = getattr(_package(), name)
    own = {"seed": seed} if name in SEEDED else {}
    with np.errstate(invalid="ignore"):
        changed = np.asarray(function(Image.fromarray(pixels), severity, **own))
    if np.isnan(changed).any():  # spatter divides by the largest drop, and no drop fell
        return pixels
    return changed.astype(np.uint8)


def _zoom_blur(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Average an image with enlarged ones. `interpolate` samples where scipy's zoom does: corner on corner.

    At some sizes that no recipe has (72 x 36), rounding in scipy's zoom leaves the last column of an enlarged image
    black.
    """
    height, width = pixels.shape[:2]
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()  # (1, 3, H, W)
    total = x.clone()
    factors = np.arange(1, *ZOOM[severity - 1])
    for factor in factors.tolist():
        rows, columns = (int(np.ceil(side / factor)) for side in (height, width))
        top, left = (height - rows) // 2, (width - columns) // 2
        size = [round(rows * factor), round(columns * factor)]
        part = x[:, :, top : top + rows, left : left + columns]
        total += functional.interpolate(part, size, mode="bilinear", align_corners=True)[
            :, :, :height, :width
        ]
    mean = total[0].div_(len(factors) + 1).clamp_(0, 255)
    return mean.permute(1, 2, 0).numpy().astype(np.uint8)


def _brightness(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Add to the value of HSV. Hue and saturation stay, so the three channels of a pixel are scaled alike."""
    value = pixels.max(axis=2, keepdims=True).astype(np.float32)
    raised = np.minimum(value + 255 * BRIGHTNESS[severity - 1], 255)
    scaled = pixels * (raised / np.maximum(value, 1))
    return np.where(value > 0, scaled, raised).astype(np.uint8)  # black becomes grey


def _saturate(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Change the saturation of HSV: how far the channels lie below the largest. Grey has the hue of red there."""
    factor, summand = SATURATION[severity - 1]
    value = pixels.max(axis=2, keepdims=True).astype(np.float32)
    below = value - pixels  # (H, W, 3)
    most = below.max(axis=2, keepdims=True)
    before = most / np.maximum(value, 1)
    after = np.clip(before * factor + summand, 0, 1)
    scaled = value - below * (value * after / np.maximum(most, 1))
    reddish = value * (1 - after * np.array([0, 1, 1], np.float32))
    return np.where(most > 0, scaled, reddish).astype(np.uint8)


def _rain(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Draw slanted lines, blur the whole image and darken it, with the numbers of the authors' public code."""
    _package()
    import cv2

    height, width = pixels.shape[:2]
    area, length = RAIN[severity - 1]
    length = min(
        length, 60 * height // 65
    )  # they enlarge a low image to 65 rows before the longest drops, 60
    slant = np.random.randint(-RAIN_SLANT, RAIN_SLANT + 1)
    count = height * width // area
    left = np.random.randint(min(slant, 0), width - max(slant, 0), count)
    top = np.random.randint(0, height - length, count)
    start = np.stack([left, top], axis=1)  # (drops, 2)
    lines = np.stack([start, start + np.array([slant, length])], axis=1).astype(np.int32)  # (drops, 2, 2)
    wet = cv2.polylines(pixels.copy(), list(lines), False, (RAIN_GREY,) * 3, 1)
    wet = cv2.blur(wet, (2 + severity, 2 + severity))
    return np.clip(wet - 255 * (0.05 + 0.05 * severity), 0, 255).astype(np.uint8)


OWN = {"zoom_blur": _zoom_blur, "brightness": _brightness, "saturate": _saturate, "rain": _rain}
