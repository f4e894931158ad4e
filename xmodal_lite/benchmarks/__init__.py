"""Benchmarks: data sets in the layout their owners distribute, with the protocols stated on them."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmodal_lite._lazy import lazy_names
from xmodal_lite.errors import SpecError

if TYPE_CHECKING:
    from xmodal_lite.benchmarks.base import Benchmark, CheckReport, DataSet

__all__ = ["Benchmark", "CheckReport", "DataSet", "Split", "check", "data_set", "load", "names"]

_SETS = {  # the registry: module and object of each data set
    "rruff": "rruff.RRUFF",
    "sysu-mm01": "sysu_mm01.SYSU_MM01",
    "regdb": "regdb.REGDB",
    "llcm": "llcm.LLCM",
    "cufs": "cufs.CUFS",
    "cufsf": "cufsf.CUFSF",
    "casia-nir-vis": "casia_nir_vis.CASIA_NIR_VIS",
    "tufts": "tufts.TUFTS",
    "drawings": "drawings.DRAWINGS",
    "folder": "folder.FOLDER",
}

__getattr__ = lazy_names(__name__, {"base": "Benchmark CheckReport DataSet Split"})


def names() -> tuple[str, ...]:
    """List the benchmarks that `load` and `check` know."""
    return tuple(_SETS)


def data_set(name: str) -> DataSet:
    """Return what a data set states about itself.

    Parameters
    ----------
    name : str
        One of `names`.

    Raises
    ------
    SpecError
        If the name is unknown.
    """
    if name not in _SETS:
        raise SpecError(f"no benchmark {name!r}; choose one of: {', '.join(names())}")
    module, own = _SETS[name].split(".")
    return getattr(import_module(f"{__name__}.{module}"), own)


def load(name: str, root: str | Path = "", **settings: Any) -> Benchmark:
    """Read a benchmark from its folder; the second time from a cache beside the data.

    Parameters
    ----------
    name : str
        One of `names`.
    root : str or pathlib.Path
        Folder in the layout that the data's owner distributes; empty for data that are part of this package.
    **settings
        How samples are prepared: ``size=(height, width)`` for images, ``preparation`` for "rruff".

    Returns
    -------
    Benchmark
        Table, prepared samples and protocols.

    Raises
    ------
    SpecError
        If the name or a setting is unknown, or no folder is given where one is needed.
    DataError
        If the folder is not as the benchmark needs it; names the file at fault and the remedy.
    """
    chosen = _rooted(name, root)
    offered = list(inspect.signature(chosen.load).parameters)[1:]
    if unknown := sorted(settings.keys() - set(offered)):
        raise SpecError(
            f"benchmark {name!r} has no setting {', '.join(unknown)}; known: {', '.join(offered)}"
        )
    return chosen.load(root, **settings)


def check(name: str, root: str | Path = "") -> CheckReport:
    """Read a whole folder and collect everything that is wrong with it.

    Parameters
    ----------
    name : str
        One of `names`.
    root : str or pathlib.Path
        Folder in the layout that the data's owner distributes; empty for data that are part of this package.

    Returns
    -------
    CheckReport
        A list of problems, empty if `load` will succeed; printed, it also shows counts and notes.

    Raises
    ------
    SpecError
        If the name is unknown, or no folder is given where one is needed.
    """
    return _rooted(name, root).check(root)


def _rooted(name: str, root: str | Path) -> DataSet:
    """Return a data set; refuse an empty root where its data are not part of the package."""
    chosen = data_set(name)
    if not chosen.embedded and not str(root):
        raise SpecError(f"benchmark {name!r} is not part of the package; give the folder that holds it")
    return chosen
