"""Images too many for the memory: they stay on disk, and a batch is copied from there."""

from __future__ import annotations

import mmap

import numpy as np
import torch
from torch import Tensor

PIECE = 256  # images copied at a time to a device that holds them all: 32 MB at 288 x 144
SHARE = 0.5  # of a device's free memory that images may fill; the rest is for training


class MemmapSamples:
    """Rows of a memory-mapped array of samples; index it by positions to get a batch on the device.

    Parameters
    ----------
    samples : numpy.ndarray
        (n, C, ...) all samples, memory-mapped.
    rows : (m,) int64
        Those of them that count here, in this order.
    device : torch.device
        Where batches go.
    """

    def __init__(self, samples: np.ndarray, rows: np.ndarray, device: torch.device | str = "cpu") -> None:
        self.samples, self.rows, self.device = samples, rows, torch.device(device)

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.rows)

    def __getitem__(self, positions: np.ndarray) -> Tensor:
        """Return the samples (k, C, ...) at some positions (k,)."""
        return to_device(read_rows(self.samples, self.rows[positions]), self.device)

    def to(self, device: torch.device) -> Tensor | MemmapSamples:
        """Return all samples in the memory of a CUDA device, where they fit; else leave them on disk."""
        size = len(self) * self.samples[:1].nbytes
        if device.type == "cuda" and size <= SHARE * torch.cuda.mem_get_info(device)[0]:
            return self.load(device)
        return MemmapSamples(self.samples, self.rows, device)

    def load(self, device: torch.device) -> Tensor:
        """Return all samples (m, C, ...) on a device, copied piece by piece."""
        first = read_rows(self.samples, self.rows[:1])
        held = torch.empty((len(self), *first.shape[1:]), dtype=torch.from_numpy(first).dtype, device=device)
        for start in range(0, len(self), PIECE):
            piece = read_rows(self.samples, self.rows[start : start + PIECE])
            held[start : start + PIECE] = torch.from_numpy(piece)
        return held


def mapping_of(samples: np.ndarray) -> mmap.mmap | None:
    """Return the mapping behind an array that is a whole file, memory-mapped to be read only; else None."""
    return samples.base if isinstance(samples.base, mmap.mmap) and not samples.flags.writeable else None


def read_rows(samples: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Copy rows of an array; if it is memory-mapped, the process gives back the pages it touched.

    They stay in the system's own cache, so that the next look is as quick, but no longer count as this process's.

    Parameters
    ----------
    samples : numpy.ndarray
        (n, ...) in memory or memory-mapped.
    rows : (k,) int64
        Row numbers.

    Returns
    -------
    numpy.ndarray
        (k, ...), in memory.
    """
    copied = np.asarray(samples[rows])
    mapping = mapping_of(samples)
    if mapping is not None and hasattr(mapping, "madvise"):  # Windows lacks it
        mapping.madvise(mmap.MADV_DONTNEED)
    return copied


def to_device(array: np.ndarray, device: torch.device) -> Tensor:
    """Return a copy of an array on a device; a CUDA device is not waited for.

    Parameters
    ----------
    array : numpy.ndarray
        Any shape.
    device : torch.device
        Where to.
    """
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
