"""What a sample is: an image or a spectrum, with its shape, the files it is read from, and random ones for tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from xmodal_lite.data import images, spectra


@dataclass(frozen=True)
class ImageKind:
    """Images of one size.

    Attributes
    ----------
    size : tuple of int
        Height and width.
    """

    size: tuple[int, int]
    name: ClassVar[str] = "image"
    dims: ClassVar[int] = 2
    suffixes: ClassVar[tuple[str, ...]] = images.SUFFIXES
    axis: ClassVar[None] = None

    def read(self, path: Path) -> np.ndarray:
        """Read a file as (3, H, W) uint8; DataError if it cannot be read."""
        return images.read_image(path, self.size)

    def random(self, count: int) -> np.ndarray:
        """Return made-up samples (count, 3, H, W) uint8, the same each time."""
        return np.random.default_rng(0).integers(0, 256, (count, 3, *self.size), dtype=np.uint8)


@dataclass(frozen=True)
class SpectrumKind:
    """Spectra on the axis of `Preparation`."""

    name: ClassVar[str] = "spectrum"
    dims: ClassVar[int] = 1
    suffixes: ClassVar[tuple[str, ...]] = spectra.SUFFIXES

    @property
    def axis(self) -> np.ndarray:
        """Wavenumbers (L,) of a sample, in cm^-1."""
        return spectra.Preparation().axis()

    def read(self, path: Path) -> np.ndarray:
        """Read a file as (1, L) float32; DataError if it cannot be read, or has no signal on the axis."""
        return spectra.read_sample(path)[None]

    def random(self, count: int) -> np.ndarray:
        """Return made-up samples (count, 1, L) float32, the same each time."""
        return np.random.default_rng(0).random((count, 1, len(self.axis)), dtype=np.float32)


def kind_of(image_size: tuple[int, int] | None) -> ImageKind | SpectrumKind:
    """Return what a recipe's samples are: images of a size, or spectra where it names none."""
    return SpectrumKind() if image_size is None else ImageKind(image_size)
