"""Memory: what the C library does with what a step has freed, and what to do when a GPU has no more."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator

import torch

from xmodal_lite.errors import DeviceError
from xmodal_lite.recipe import Recipe

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # as glibc's malloc.h numbers them
LARGEST_BLOCK = 1 << 30  # bytes; larger ones still go back to the kernel
MOST_KEPT = 2**31 - 1  # bytes
AT_START = (
    "that was before the first step: take a larger GPU, or wait until other programs have left this one"
)
AT_TEST = (
    "that was at the test. The training is stored: the same command goes on there, on a larger GPU or when other "
    "programs have left this one"
)


def keep_freed_memory() -> None:
    """Let the process keep large blocks that it frees, so that the next step finds them.

    By default glibc gives every block above 32 MB back to the kernel and asks for a new one, page by page: over a
    million page faults in one ResNet-50 step. Kept, they cost up to some hundred megabytes. It holds for the whole
    process; another C library is left as it is. Ours; `perf/training_step.py` has the figures.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL("libc.so.6")
            library.mallopt(MMAP_THRESHOLD, LARGEST_BLOCK)
            library.mallopt(TRIM_THRESHOLD, MOST_KEPT)


@contextlib.contextmanager
def advice_if_full(recipe: Recipe, device: torch.device) -> Iterator[None]:
    """Turn an out-of-memory error of a GPU into one that says what would fit.

    Raises
    ------
    DeviceError
        The GPU's memory is full.
    """
    held = torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
    try:
        yield
    except torch.OutOfMemoryError as error:
        peak, total = torch.cuda.max_memory_allocated(device), torch.cuda.mem_get_info(device)[1]
        raise DeviceError(what_would_fit(recipe, held, peak, total)) from error


@contextlib.contextmanager
def error_if_full(advice: str) -> Iterator[None]:
    """Turn an out-of-memory error of a GPU into one that says what to do where no setting of a step would help.

    Raises
    ------
    DeviceError
        The GPU's memory is full.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        peak, (free, total) = torch.cuda.max_memory_allocated(), torch.cuda.mem_get_info()
        raise DeviceError(
            f"the GPU's memory is full: of {_gb(total)}, this run took {_gb(peak)} at most, and {_gb(free)} are free "
            f"now; {advice}"
        ) from error


def what_would_fit(recipe: Recipe, held: int, peak: int, total: int) -> str:
    """Say how full a GPU was, and which settings would fit.

    All that grows in a step is taken to be proportional to the samples that it sees at once. That a step did not fit
    says that it needs more than was left, so more than `peak`; the estimates are from below.

    Parameters
    ----------
    recipe : Recipe
        Of the run that did not fit.
    held : int
        Bytes in use before the first step: weights and data.
    peak : int
        Most bytes in use so far.
    total : int
        Bytes of the GPU.
    """
    parts, identities = recipe.grad_accumulation, recipe.num_identities
    words = [
        f"the GPU's memory is full: {_gb(peak)} of {_gb(total)} were in use, {_gb(held)} of them before the first "
        "step. By proportion:"
    ]
    finer = [n for n in range(parts + 1, identities // 2 + 1) if identities % n == 0]
    words += [
        f"--set grad_accumulation={n} needs about {_gb(held + (peak - held) * parts // n)};"
        for n in finer[:2]
    ]
    if identities >= 4 * parts:
        half = identities // 2
        half_peak = held + (peak - held) * half // identities
        words.append(f"--set num_identities={half} about {_gb(half_peak)} (another batch, so other numbers);")
    if recipe.precision == "no":
        words.append("--set precision=bf16 about half of what a step takes;")
    words.append(
        "or take a larger GPU. The run resumes from its last checkpoint only under the same settings."
    )
    return " ".join(words)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
