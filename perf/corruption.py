"""Images per second of every corruption at the test size, on one core: the plain package and ours, in the same run.

    python perf/corruption.py
    python perf/corruption.py --height 80 --width 40

A time is the processor time of the process over the five severities. The package has no rain: that row, and what rain
adds to the mean, are ours alone.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _table import Row, print_and_store, time_of

from xmodal_lite.benchmarks import load
from xmodal_lite.data.corruption import CORRUPTIONS, SEVERITIES, corrupt
from xmodal_lite.synthetic import write

REPEATS = 5


def image_of(height: int, width: int) -> np.ndarray:
    """Return a visible image of a synthetic person, (3, height, width) uint8."""
    with TemporaryDirectory() as folder:
        write("sysu-mm01", Path(folder) / "people", identities=10, images=1)
        people = load("sysu-mm01", Path(folder) / "people", size=(height, width))
        return np.array(people.samples[np.flatnonzero(people.table.modality == 0)[0]])


def seconds_of(change: Callable[[int], object]) -> float:
    """Return the mean over the severities of the fastest of some calls."""
    for severity in SEVERITIES:  # the package compiles some code at the first call
        change(severity)
    return float(
        np.mean([time_of(partial(change, severity), REPEATS, time.process_time) for severity in SEVERITIES])
    )


def row(name: str, image: np.ndarray) -> Row:
    """Measure one corruption."""
    import imagecorruptions

    pixels = image.transpose(1, 2, 0).copy()
    ours = seconds_of(lambda severity: corrupt(image, name, severity, 0))
    plain = None
    if name != "rain":
        plain = seconds_of(lambda severity: imagecorruptions.corrupt(pixels, severity, name))
    return shown(name, plain, ours)


def shown(what: str, plain: float | None, ours: float) -> Row:
    """Return a row from times in seconds."""
    return {
        "what": what,
        "plain_ms": 1e3 * plain if plain else None,
        "ours_ms": 1e3 * ours,
        "ratio": plain / ours if plain else None,
        "ours per s": 1 / ours,
    }


def main() -> None:
    """Print a row for each corruption and two for their means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--height", type=int, default=288)
    parser.add_argument("--width", type=int, default=144)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    image = image_of(options.height, options.width)
    rows = [row(name, image) for name in CORRUPTIONS]
    ours = np.array([one["ours_ms"] for one in rows]) / 1e3
    theirs = np.array([one["plain_ms"] or np.nan for one in rows]) / 1e3
    also = ~np.isnan(theirs)
    rows += [
        shown("mean of the package's 19", float(theirs[also].mean()), float(ours[also].mean())),
        shown("mean of the 20", None, float(ours.mean())),
    ]
    print_and_store("corruption", rows, options.output, threads=1)


if __name__ == "__main__":
    main()
