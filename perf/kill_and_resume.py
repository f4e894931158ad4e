"""Kill a run at random moments, resume it, and compare the outcome with an undisturbed run, bit for bit.

    python perf/kill_and_resume.py --tries 20

Each try starts the same `xmodal run` in a store of its own, kills the process (SIGKILL, nothing can be saved) after a
random time, starts it again, and lets it finish. Exit status 1 if any number differs.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "xmodal_lite.cli", "run", "marrnet", "rruff", "--profile", "tiny")


def main() -> int:
    """Run the tries and print one line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the moments at which processes are killed")
    parser.add_argument(
        "--data-root", default="", help="folder in RRUFF's layout; by default a synthetic data set is made"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        different = compare(Path(folder), args.tries, args.steps, args.seed, args.data_root)
    print(f"{args.tries} tries, {different} differ from the undisturbed run")
    return 1 if different else 0


def compare(folder: Path, tries: int, steps: int, seed: int, data_root: str = "") -> int:
    """Return how many of the killed and resumed runs end otherwise than the undisturbed one."""
    draw = random.Random(seed)
    root = data_root or _synthetic(folder / "data")
    started = time.perf_counter()
    expected = outcome(folder / "undisturbed", root, steps)
    whole = time.perf_counter() - started
    different = 0
    for number in range(tries):
        store = folder / f"try-{number}"
        moment = draw.uniform(0.3, 1.0) * whole
        reached = _kill_after(store, root, steps, moment)
        same = outcome(store, root, steps) == expected
        different += not same
        print(
            f"try {number}: killed after {moment:.1f} s {reached}, {'same' if same else 'DIFFERENT'}",
            flush=True,
        )
    return different


def outcome(store: Path, root: str, steps: int) -> dict[str, Any]:
    """Run to the end and return what must not depend on interruptions."""
    subprocess.run(_command(store, root, steps), check=True, stdout=subprocess.DEVNULL)
    (path,) = store.glob("*/record.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    return {name: record[name] for name in ("spec", "metrics", "trials", "losses")}


def _kill_after(store: Path, root: str, steps: int, seconds: float) -> str:
    process = subprocess.Popen(_command(store, root, steps), stdout=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    found = sorted(path.name for path in store.glob("*/checkpoint-*"))
    return (
        f"(process had ended, code {process.returncode})"
        if process.returncode >= 0
        else f"at {found or 'no checkpoint'}"
    )


def _command(store: Path, root: str, steps: int) -> list[str]:
    changes = ["--set", f"steps={steps}", "--set", "checkpoint_every=5"]
    return [*COMMAND, "--data-root", root, "--store", str(store), *changes]


def _synthetic(root: Path) -> str:
    command = (sys.executable, "-m", "xmodal_lite.cli", "synthetic", "rruff", str(root), "--identities", "24")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return str(root)


if __name__ == "__main__":
    sys.exit(main())
