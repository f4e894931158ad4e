"""Files written per second by each synthetic data set, on one core, encoding included.

    python perf/synthetic_speed.py
    python perf/synthetic_speed.py --only sysu-mm01 llcm

The time is the CPU time of the process, which other work on the machine changes little; then by the clock. Making
files is part of it: where a disk is slow at that, TMPDIR=/dev/shm shows what the drawing takes. The people's
images are 288 x 144 (RegDB's 128 x 64), the faces' 128 x 128, and each has a mask, which is not counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from _table import Row, print_and_store

from xmodal_lite.synthetic import write

PARTS = {  # identities to write, what counts, and how to find it
    "rruff": (200, "spectra", ("raman/*.txt", "infrared/*.txt")),
    "sysu-mm01": (40, "images", ("cam*/*/*.jpg",)),
    "regdb": (60, "images", ("Visible/*/*.bmp", "Thermal/*/*.bmp")),
    "llcm": (40, "images", ("vis/*/*.jpg", "nir/*/*.jpg")),
    "cufs": (200, "images", ("photos/*.jpg", "sketches/*.jpg")),
    "cufsf": (200, "images", ("photos/*.jpg", "sketches/*.jpg")),
    "casia-nir-vis": (40, "images", ("s?/*/*/*.bmp",)),
    "tufts": (40, "images", ("visible/*/*.jpg", "thermal/*/*.jpg")),
}


def measure(name: str) -> Row:
    """Write one synthetic data set into a temporary folder and return its row."""
    identities, unit, patterns = PARTS[name]
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        root = write(name, Path(folder) / "synthetic", identities=identities)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        count = sum(1 for pattern in patterns for _ in root.glob(pattern))
    times = {"per CPU s": count / cpu, "per s": count / wall}
    return {"what": f"{name}, {unit}", "files": count, **times}


def main() -> None:
    """Print one row for each synthetic data set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    print_and_store("synthetic speed", [measure(name) for name in chosen.only], chosen.output, threads=1)


if __name__ == "__main__":
    main()
