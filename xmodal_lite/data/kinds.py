"""What a sample is: an image or a spectrum. What differs between the two is said here and asked nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from xmodal_lite.data import images
from xmodal_lite.data.listing import MOST_BYTES, read_file
from xmodal_lite.data.spectra import LARGEST, REPAIRS, SUFFIXES, Preparation, sample_of

Decoded = tuple[
    np.ndarray, tuple[str, ...]
]  # a sample, and what was changed on reading, in words for a report


class _Kind:
    """What both kinds do in the same way."""

    most_bytes: ClassVar[int] = MOST_BYTES

    def decode(self, path: Path, content: bytes, *, grey: bool = False) -> Decoded:
        """Make a sample of the bytes of a file."""
        raise NotImplementedError

    def read(self, path: Path, *, grey: bool = False) -> np.ndarray:
        """Make a sample of a file; `grey` refuses an image in colour. Raises a DataError."""
        return self.decode(path, read_file(path, self.most_bytes), grey=grey)[0]


@dataclass(frozen=True)
class ImageKind(_Kind):
    """Images, as (3, H, W) uint8.

    Parameters
    ----------
    size : tuple of int, optional
        (height, width) of the samples; each image's own if not given.
    """

    size: tuple[int, int] | None = None

    noun: ClassVar[str] = "image"
    dims: ClassVar[int] = 2
    dtype: ClassVar[np.dtype] = np.dtype(np.uint8)
    axis: ClassVar[None] = None
    suffixes: ClassVar[tuple[str, ...]] = images.SUFFIXES

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample; ValueError without a size."""
        if self.size is None:
            raise ValueError("images of no common size have no common shape; give a size")
        return (3, *self.size)

    def random(self, count: int) -> np.ndarray:
        """Return random samples (count, 3, H, W), the same each time."""
        return np.random.default_rng(0).integers(0, 256, (count, *self.shape), dtype=np.uint8)

    @property
    def settings(self) -> dict[str, Any]:
        """All that the samples depend on, for the key of a cache."""
        return {"size": self.size}

    def decode(self, path: Path, content: bytes, *, grey: bool = False) -> Decoded:
        """Decode the bytes of a file; see `xmodal_lite.data.images.read_image`."""
        return images.decode_image(path, content, self.size, grey=grey), ()


@dataclass(frozen=True)
class SpectrumKind(_Kind):
    """Spectra, as (1, L) float32 on the axis of a preparation.

    Parameters
    ----------
    preparation : Preparation
        How a spectrum becomes a sample.
    """

    preparation: Preparation = field(default_factory=Preparation)

    noun: ClassVar[str] = "spectrum"
    dims: ClassVar[int] = 1
    dtype: ClassVar[np.dtype] = np.dtype(np.float32)
    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    most_bytes: ClassVar[int] = LARGEST

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample."""
        return (1, len(self.axis))

    @property
    def axis(self) -> np.ndarray:
        """Wavenumbers (L,) of a sample, in cm^-1."""
        return self.preparation.axis()

    def random(self, count: int) -> np.ndarray:
        """Return random samples (count, 1, L), the same each time."""
        return np.random.default_rng(0).random((count, *self.shape), dtype=np.float32)

    @property
    def settings(self) -> dict[str, Any]:
        """All that the samples depend on, for the key of a cache."""
        return self.preparation.settings

    def decode(self, path: Path, content: bytes, *, grey: bool = False) -> Decoded:
        """Read a spectrum from the bytes of a file; see `xmodal_lite.data.spectra.sample_of`. It has no colour."""
        sample, repaired = sample_of(content, path, preparation=self.preparation)
        return sample[None], tuple(REPAIRS[key] for key in repaired)


SampleKind = ImageKind | SpectrumKind


def kind_of(image_size: tuple[int, int] | None) -> SampleKind:
    """Return what a recipe's samples are: images of a size, or spectra where it has none."""
    return SpectrumKind() if image_size is None else ImageKind(image_size)
