"""What the C library does with memory that a training step has freed."""

from __future__ import annotations

import contextlib
import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # as glibc's malloc.h numbers them
LARGEST_BLOCK = 1 << 30  # bytes; larger ones still go back to the kernel
MOST_KEPT = 2**31 - 1  # bytes


def keep_freed_memory() -> None:
    """Let the process keep large blocks that it frees, so that the next step finds them.

    By default glibc gives every block above 32 MB back to the kernel and asks for a new one, page by page: over a
    million page faults in one ResNet-50 step. Kept, they cost up to some hundred megabytes. It holds for the whole
    process; another C library is left as it is. Ours; `benchmarks/training_step.py` has the figures.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL("libc.so.6")
            library.mallopt(MMAP_THRESHOLD, LARGEST_BLOCK)
            library.mallopt(TRIM_THRESHOLD, MOST_KEPT)
