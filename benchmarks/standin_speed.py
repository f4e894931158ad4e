"""Spectra written per second by the RRUFF stand-in, on one core, text files included.

    python benchmarks/standin_speed.py --identities 200

The time is the CPU time of the process, which other work on the machine changes little; then by the clock.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from xmodal_lite.standins import write


def main() -> None:
    """Write a stand-in into a temporary folder and print one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--identities", type=int, default=200)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        root = write("rruff", Path(folder) / "standin", identities=args.identities)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        files = sum(1 for _ in root.rglob("*.txt"))
    print(f"{files} spectra, {files / cpu:.0f} per second of one core ({files / wall:.0f} by the clock)")


if __name__ == "__main__":
    main()
