"""Where a number comes from: the code, the commit, the versions and the machine that made it."""

from __future__ import annotations

import hashlib
import platform
import resource
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PACKAGE = Path(__file__).resolve().parent.parent
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "accelerate")
DECISIVE = (  # the source files that numbers come from
    "benchmarks/**/*.py",
    "data/**/*.py",
    "evaluation/**/*.py",
    "losses/**/*.py",
    "models/**/*.py",
    "training/**/*.py",
    "recipe.py",
    "experiments/runner.py",
)


def _git(*arguments: str) -> str:
    done = subprocess.run(("git", *arguments), cwd=PACKAGE, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def code_hash(patterns: Sequence[str] = DECISIVE) -> str:
    """Return the SHA-256 over the names and the text of the source files that decide what a run's numbers are."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in PACKAGE.glob(pattern)):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def commit() -> str:
    """Return the Git commit of the checkout, with `+changes` if it was not clean; empty outside a checkout."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain", "--", str(PACKAGE)) else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that numbers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


# Taken once, when the library is imported: a long run is of the code it started with, whatever is edited meanwhile.
CODE, COMMIT = code_hash(), commit()


def device_name(device: torch.device) -> str:
    """Return the name of the GPU, or of the processor with its number of cores."""
    import torch  # here, as a page that shows records needs none

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_processor()}, {torch.get_num_threads()} threads"


def reset_peak_memory(device: torch.device) -> None:
    """Forget the GPU's peak so far, so that a run is not given that of an earlier one in the same process."""
    import torch

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb(device: torch.device) -> float:
    """Return the highest memory: allocated on the GPU since the last reset, or resident in the process's lifetime."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes on Linux, bytes on macOS
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _processor() -> str:
    """Return the processor's model name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
