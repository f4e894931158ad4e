"""Occlusion: a part of an image or of a spectrum is replaced by something that says nothing of the sample.

Ours. Its lineage: random erasing of images (Zhong and others, AAAI 2020) for patches and fills, and TeaNet (a paper of
the group of MarrNet), which hides one contiguous span of 30 to 70 % of a spectrum.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field

from xmodal_lite.robustness.changes import SampleChange, noise_bytes, uniform


def _share(ratio: float) -> float:
    if not 0 <= ratio <= 1:
        raise ValueError(f"ratio {ratio:g} is no share of a sample; give 0 to 1")
    return ratio


Ratio = Annotated[float, AfterValidator(_share)]
PLACE, FILL = 0, 1  # streams of draws
PEAK_HALF_WIDTH = 8  # points on each side of a peak, 32 cm^-1 on the fine part of the axis


class ImageOcclusion(SampleChange):
    """A part of an image, replaced.

    Attributes
    ----------
    shape : {"patch", "vertical", "horizontal"}
        A patch has the proportions of the image, so that it is square in a square image; the bands go from edge to
        edge. All positions within the image are equally likely.
    fill : {"mean", "noise", "image"}
        The image's own mean colour, uniform noise that is independent at each pixel and channel, or the same part of
        another of the samples that are changed together, in the order of the samples.
    ratio : float
        Share of the area, from 0 to 1.
    """

    kind: Literal["image-occlusion"] = "image-occlusion"
    shape: Literal["patch", "vertical", "horizontal"]
    fill: Literal["mean", "noise", "image"]
    ratio: Ratio

    @property
    def curve(self) -> str:
        """See `Change.curve`."""
        name = {"patch": "patch", "vertical": "vertical band", "horizontal": "horizontal band"}[self.shape]
        return f"{name}, {'another image' if self.fill == 'image' else self.fill}"

    @property
    def level(self) -> float:
        """The ratio."""
        return self.ratio

    def change(self, samples: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        """See `Change.apply`."""
        hidden = self.mask(samples.shape[2:], rows, seed)[:, None]  # (B, 1, H, W)
        return np.where(hidden, self._fill(samples, rows, seed), samples)

    def mask(self, size: tuple[int, ...], rows: np.ndarray, seed: int) -> np.ndarray:
        """Return what is hidden of images of a size (H, W): (B, H, W) bool."""
        shares = {"patch": (0.5, 0.5), "vertical": (0.0, 1.0), "horizontal": (1.0, 0.0)}[self.shape]
        drawn = uniform(seed, rows, 2, PLACE)  # (B, 2)
        inside = [
            _span(length, np.full(len(rows), round(length * self.ratio**share)), drawn[:, axis])
            for axis, (length, share) in enumerate(zip(size, shares, strict=True))
        ]
        return inside[0][:, :, None] & inside[1][:, None, :]

    def _fill(self, samples: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        """Return what takes the place of each pixel: (B, 3, H, W) or a shape that broadcasts to it."""
        if self.fill == "mean":
            return samples.mean((2, 3), keepdims=True).round().astype(np.uint8)
        if self.fill == "noise":
            return noise_bytes(seed, rows, samples[0].size, FILL).reshape(samples.shape)
        steps = 1 + (uniform(seed, rows, 1, FILL)[:, 0] * (len(samples) - 1)).astype(int)
        return samples[(np.arange(len(samples)) + steps) % len(samples)]


class SpanOcclusion(SampleChange):
    """One contiguous span of a spectrum, replaced.

    Attributes
    ----------
    fill : {"zero", "line"}
        0, or a straight line between the points on both sides.
    ratio : float
        Share of the points between the first and the last that are not 0, from 0 to 1: what the instrument did not
        measure is 0 in a sample, and hiding it would change nothing. All positions are equally likely.
    """

    kind: Literal["span"] = "span"
    fill: Literal["zero", "line"]
    ratio: Ratio
    dims: ClassVar[int] = 1

    @property
    def curve(self) -> str:
        """See `Change.curve`."""
        return f"span, {'interpolated' if self.fill == 'line' else self.fill}"

    @property
    def level(self) -> float:
        """The ratio."""
        return self.ratio

    def change(self, samples: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        """See `Change.apply`."""
        hidden = self.mask(samples, rows, seed)[:, None]  # (B, 1, L)
        if self.fill == "zero":
            return np.where(hidden, np.float32(0), samples)
        return _interpolated(samples, np.broadcast_to(hidden, samples.shape))

    def mask(self, samples: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        """Return what is hidden of spectra (B, C, L): (B, L) bool."""
        measured = (samples != 0).any(axis=1)  # (B, L)
        first = measured.argmax(axis=1)
        length = np.where(
            measured.any(axis=1), samples.shape[2] - measured[:, ::-1].argmax(axis=1) - first, 0
        )
        size = np.round(self.ratio * length).astype(int)
        start = first + (uniform(seed, rows, 1, PLACE)[:, 0] * (length - size + 1)).astype(int)
        along = np.arange(samples.shape[2])
        return (along >= start[:, None]) & (along < (start + size)[:, None])


class PeakRemoval(SampleChange):
    """The strongest peaks of a spectrum, replaced by straight lines.

    Attributes
    ----------
    count : int
        How many. After the highest point of the spectrum and `PEAK_HALF_WIDTH` points on each side of it, the next is
        the highest of the rest.
    """

    kind: Literal["peaks"] = "peaks"
    count: int = Field(ge=0, le=32)
    dims: ClassVar[int] = 1

    @property
    def curve(self) -> str:
        """See `Change.curve`."""
        return "strongest peaks"

    @property
    def level(self) -> float:
        """The number of peaks."""
        return float(self.count)

    def change(self, samples: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        """See `Change.apply`; nothing is drawn."""
        return _interpolated(samples, np.broadcast_to(self.mask(samples)[:, None], samples.shape))

    def mask(self, samples: np.ndarray) -> np.ndarray:
        """Return what is removed of spectra (B, C, L): (B, L) bool."""
        height = samples.max(axis=1)  # (B, L)
        along, hidden = np.arange(height.shape[1]), np.zeros(height.shape, dtype=bool)
        for _ in range(self.count):
            top = np.where(hidden, -np.inf, height).argmax(axis=1)
            hidden |= np.abs(along - top[:, None]) <= PEAK_HALF_WIDTH
        return hidden


def _span(length: int, size: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return spans of sizes (B,) at places drawn from 0 to 1 (B,) as (B, length) bool."""
    start = (drawn * (length - size + 1)).astype(int)[:, None]
    along = np.arange(length)
    return (along >= start) & (along < start + size[:, None])


def _interpolated(samples: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Draw a straight line across what is hidden (B, C, L); at an end the last value is carried on, and 0 if none."""
    along = np.arange(samples.shape[2])
    before = np.maximum.accumulate(np.where(hidden, -1, along), axis=2)  # -1: nothing is left there
    after = np.minimum.accumulate(np.where(hidden, len(along), along)[..., ::-1], axis=2)[..., ::-1]
    before, after = np.where(before < 0, after, before), np.where(after == len(along), before, after)
    left = np.take_along_axis(samples, np.clip(before, 0, len(along) - 1), axis=2)
    right = np.take_along_axis(samples, np.clip(after, 0, len(along) - 1), axis=2)
    share = (along - before) / np.maximum(after - before, 1)
    line = np.where(hidden.all(axis=2, keepdims=True), 0, left + share * (right - left))
    return np.where(hidden, line, samples).astype(samples.dtype)
