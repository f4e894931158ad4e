"""What a change of test samples is, and the draws that it makes of each sample.

A change leaves training as it was. A `SampleChange` acts on samples as a benchmark holds them, after the resize. What
is drawn of a sample (where a patch lies, the noise in it) depends on the seed and the sample's row alone, so that a
sample is changed in the same way whatever other samples are changed with it, and every method sees the same changed
samples.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from xmodal_lite.data.memmap import read_rows
from xmodal_lite.errors import SpecError

if TYPE_CHECKING:
    from xmodal_lite.benchmarks.base import Benchmark

_STEP = np.uint64(0x9E3779B97F4A7C15)


class Change(BaseModel, ABC):
    """One change of test samples, at one level.

    Attributes
    ----------
    kind : str
        Names the class in a record; a subclass gives it as a `Literal`. `xmodal_lite.robustness.studies` lists all.
    dims : int
        1 where it changes spectra, 2 where it changes images.
    modalities : tuple of int
        Which modalities it changes; a study tests no case in which another one is changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: str
    dims: ClassVar[int] = 2
    modalities: ClassVar[tuple[int, ...]] = (0, 1)

    @property
    @abstractmethod
    def curve(self) -> str:
        """What the change is without its level, in words: changes of one name make one curve."""

    @property
    @abstractmethod
    def level(self) -> float:
        """How strong the change is; 0 would leave a sample as it is."""

    def check(self, benchmark: Benchmark) -> None:
        """Refuse data that the change is not for, before anything is trained on them.

        Raises
        ------
        SpecError
            See there.
        """

    @abstractmethod
    def of(self, benchmark: Benchmark, rows: np.ndarray, seed: int) -> np.ndarray:
        """Return changed samples of one modality.

        Parameters
        ----------
        benchmark : Benchmark
            The data.
        rows : numpy.ndarray
            (B,) int64, rows of its table.
        seed : int
            With the row, it seeds what is drawn of a sample.

        Returns
        -------
        numpy.ndarray
            (B, 3, H, W) uint8 images or (B, C, L) float32 spectra.
        """


class SampleChange(Change):
    """A change that needs nothing but the samples."""

    @abstractmethod
    def change(self, samples: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        """Change checked samples; see `apply`."""

    def of(self, benchmark: Benchmark, rows: np.ndarray, seed: int) -> np.ndarray:
        """See `Change.of`."""
        return self.apply(read_rows(benchmark.samples, rows), rows, seed)

    def apply(self, samples: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        """Return changed copies of samples of one modality.

        Parameters
        ----------
        samples : numpy.ndarray
            (B, 3, H, W) uint8 images or (B, C, L) float32 spectra, as a benchmark holds them.
        rows : numpy.ndarray
            (B,) int64, the row of each in the benchmark's table.
        seed : int
            With the row, it seeds what is drawn of a sample.

        Returns
        -------
        numpy.ndarray
            Of the shape and type of `samples`, which are left as they are.

        Raises
        ------
        SpecError
            The change is for images and these are spectra, or the reverse.
        ValueError
            The numbers of samples and of rows differ.
        """
        if samples.ndim != self.dims + 2 or (samples.dtype == np.uint8) != (self.dims == 2):
            noun = "images (B, 3, H, W) uint8" if self.dims == 2 else "spectra (B, C, L) float32"
            raise SpecError(
                f"'{self.kind}' changes {noun}, and these samples are {samples.shape} {samples.dtype}; choose a "
                "change for them"
            )
        if rows.shape != samples.shape[:1]:
            raise ValueError(f"{len(samples)} samples come with {len(rows)} rows; give the row of each")
        return self.change(samples, rows, seed)


def uniform(seed: int, rows: np.ndarray, count: int, stream: int = 0) -> np.ndarray:
    """Draw numbers for each sample from its own generator.

    Parameters
    ----------
    seed : int
        Of the study.
    rows : numpy.ndarray
        (B,) int64.
    count : int
        Numbers for each sample.
    stream : int
        Draws of another number are independent.

    Returns
    -------
    numpy.ndarray
        (B, count) float64, at least 0 and below 1.
    """
    return (_bits(seed, rows, count, stream) >> np.uint64(11)) * 2.0**-53


def noise_bytes(seed: int, rows: np.ndarray, count: int, stream: int = 0) -> np.ndarray:
    """Draw whole numbers from 0 to 255 for each sample from its own generator: (B, count) uint8. See `uniform`."""
    return _bits(seed, rows, -(-count // 8), stream).view(np.uint8)[:, :count]


def _bits(seed: int, rows: np.ndarray, count: int, stream: int) -> np.ndarray:
    """Return (B, count) uint64 of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), one state for each row."""
    start = np.array([seed, stream], dtype=np.uint64)
    state = _mix(_mix(_mix(start[:1]) + start[1:]) + rows.astype(np.uint64))  # (B,)
    return _mix(state[:, None] + np.arange(1, count + 1, dtype=np.uint64) * _STEP)


def _mix(z: np.ndarray) -> np.ndarray:
    """Spread each bit of z over all others; arithmetic is modulo 2^64."""
    z = z + _STEP
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
