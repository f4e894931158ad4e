"""What people and faces are both drawn with: colours of cloth, smooth noise, the grain of a sensor, a blur."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
TILE = 128  # pixels of the periodic noise
_DYES = {  # sRGB and how often a garment has it
    "black": ((28, 28, 31), 9), "charcoal": ((62, 63, 68), 6), "grey": ((128, 129, 131), 6),
    "light grey": ((188, 189, 190), 4), "white": ((235, 235, 230), 7), "cream": ((226, 213, 184), 3),
    "navy": ((32, 40, 76), 7), "blue": ((46, 86, 160), 5), "sky": ((136, 178, 216), 4),
    "teal": ((30, 110, 112), 2), "green": ((52, 112, 66), 3), "olive": ((94, 96, 56), 4), "khaki": ((168, 148, 108), 4),
    "brown": ((98, 66, 44), 4), "tan": ((182, 138, 94), 2), "red": ((172, 36, 40), 5),
    "wine": ((98, 28, 46), 3),
    "pink": ((226, 150, 168), 3), "orange": ((218, 118, 46), 2), "yellow": ((224, 188, 70), 2),
    "violet": ((104, 70, 140), 2), "denim": ((70, 94, 130), 5),
}  # fmt: skip
_SOBER = {
    "black": 10,
    "charcoal": 6,
    "grey": 4,
    "navy": 7,
    "denim": 13,
    "khaki": 5,
    "olive": 3,
    "brown": 3,
    "cream": 2,
    "white": 2,
    "blue": 3,
    "wine": 1,
    "light grey": 2,
}  # how often trousers have a dye


def pick(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """Draw one of the names by weight."""
    shares = np.array(list(weights.values()), float)
    return list(weights)[rng.choice(len(shares), p=shares / shares.sum())]


@lru_cache(maxsize=1)
def noise_tile() -> np.ndarray:
    """Smooth periodic noise (TILE, TILE) with mean 0 and variance 1, the same in every image."""
    rng = np.random.default_rng(20)
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(TILE), np.fft.rfftfreq(TILE), indexing="ij")) * TILE
    noise = np.fft.irfft2(
        np.fft.rfft2(rng.standard_normal((TILE, TILE))) * np.exp(-((f / 9) ** 2)), s=(TILE, TILE)
    )
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


def look_up(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Read the noise tile at places (u, v), in tile pixels."""
    return noise_tile()[u.astype(np.int32) & (TILE - 1), v.astype(np.int32) & (TILE - 1)]


def draw_colour(rng: np.random.Generator, sober: bool = False) -> np.ndarray:
    """Linear reflectance (3,) of a dyed cloth; ``sober`` for trousers."""
    often = _SOBER if sober else {name: weight for name, (_, weight) in _DYES.items()}
    shade = np.array(_DYES[pick(rng, often)][0]) / 255
    shade += rng.uniform(0, 0.4) * (shade @ LUMINANCE - shade)  # washed out, more or less
    shade = np.clip(shade * rng.normal(1, 0.08) + rng.normal(0, 0.025, 3), 0.08, 0.95)
    return shade**2


def noise(height: int, width: int, cell: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise (height, width) of unit variance with features of about ``cell`` pixels."""
    coarse = rng.standard_normal((int(height / cell) + 3, int(width / cell) + 3))
    rows, columns = (_blend(size, n) for size, n in zip((height, width), coarse.shape, strict=True))
    return 1.5 * (rows @ coarse @ columns.T)


def _blend(size: int, knots: int) -> np.ndarray:
    """Matrix (size, knots) that interpolates smoothly between values at evenly spaced knots."""
    place = np.linspace(0, knots - 1.001, size)
    part = place - np.floor(place)
    part = part * part * (3 - 2 * part)
    matrix = np.zeros((size, knots))
    matrix[np.arange(size), place.astype(int)] = 1 - part
    matrix[np.arange(size), place.astype(int) + 1] = part
    return matrix


@lru_cache(maxsize=1)
def grain() -> np.ndarray:
    """Draw a sheet of unit noise (768, 768), the same for all; every image uses its own part."""
    noise = np.random.default_rng(21).standard_normal((1, 1, 768, 768)).astype(np.float32)
    soften(noise)
    return noise[0, 0] / noise.std()


def soften(image: np.ndarray) -> None:
    """Apply the binomial filter 1 2 1 along rows and columns, in place."""
    for a in (image, image.swapaxes(2, 3)):
        mean = 0.25 * (a[:, :, :-2] + a[:, :, 2:])
        a[:, :, 1:-1] *= 0.5
        a[:, :, 1:-1] += mean
