"""The data of an experiment: a root that the reader gives, or a stand-in made on the spot."""

from __future__ import annotations

from pathlib import Path

from xmodal_lite import standins
from xmodal_lite.benchmarks import Benchmark, load

STANDIN_SIZES = {"tiny": 40, "demo": 200, "paper": 365}  # identities by profile


def open_benchmark(
    name: str, root: str | Path = "", *, profile: str = "demo", folder: str | Path = "data"
) -> Benchmark:
    """Load a benchmark from a root, or make its stand-in where none is given.

    Parameters
    ----------
    name : str
        A benchmark's name.
    root : Path or str
        Folder in the benchmark's own layout; empty for the stand-in.
    profile : str
        Decides how large a stand-in is.
    folder : Path or str
        Where stand-ins are kept, so that the next call finds them.

    Raises
    ------
    DataError
        The root is not in the benchmark's layout.
    """
    if root:
        return load(name, Path(root))
    identities = STANDIN_SIZES[profile]
    target = Path(folder) / f"standin-{name}-{identities}"
    if not (target / "standin.json").exists():
        standins.write(name, target, identities=identities)
    return load(name, target)
