"""Benchmarks: data sets in the layout their owners distribute, with the protocols stated on them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from xmodal_lite.benchmarks.base import Benchmark, CheckReport, DataSet, Split
from xmodal_lite.benchmarks.casia_nir_vis import CASIA_NIR_VIS
from xmodal_lite.benchmarks.cufs import CUFS
from xmodal_lite.benchmarks.cufsf import CUFSF
from xmodal_lite.benchmarks.folder import FOLDER
from xmodal_lite.benchmarks.llcm import LLCM
from xmodal_lite.benchmarks.regdb import REGDB
from xmodal_lite.benchmarks.rruff import RRUFF
from xmodal_lite.benchmarks.sysu_mm01 import SYSU_MM01
from xmodal_lite.benchmarks.tufts import TUFTS
from xmodal_lite.errors import SpecError

__all__ = ["Benchmark", "CheckReport", "DataSet", "Split", "check", "data_set", "load", "names"]

_SETS: dict[str, DataSet] = {
    data.name: data for data in (RRUFF, SYSU_MM01, REGDB, LLCM, CUFS, CUFSF, CASIA_NIR_VIS, TUFTS, FOLDER)
}


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
    return _SETS[name]


def load(name: str, root: str | Path, **settings: Any) -> Benchmark:
    """Read a benchmark from its folder; the second time from a cache beside the data.

    Parameters
    ----------
    name : str
        One of `names`.
    root : str or pathlib.Path
        Folder in the layout that the data's owner distributes.
    **settings
        How samples are prepared: ``size=(height, width)`` for images, ``preparation`` for "rruff".

    Returns
    -------
    Benchmark
        Table, prepared samples and protocols.

    Raises
    ------
    SpecError
        If the name or a setting is unknown.
    DataError
        If the folder is not as the benchmark needs it; names the file at fault and the remedy.
    """
    chosen = data_set(name)
    offered = list(inspect.signature(chosen.load).parameters)[1:]
    if unknown := sorted(settings.keys() - set(offered)):
        raise SpecError(
            f"benchmark {name!r} has no setting {', '.join(unknown)}; known: {', '.join(offered)}"
        )
    return chosen.load(root, **settings)


def check(name: str, root: str | Path) -> CheckReport:
    """Read a whole folder and collect everything that is wrong with it.

    Parameters
    ----------
    name : str
        One of `names`.
    root : str or pathlib.Path
        Folder in the layout that the data's owner distributes.

    Returns
    -------
    CheckReport
        A list of problems, empty if `load` will succeed; printed, it also shows counts and notes.

    Raises
    ------
    SpecError
        If the name is unknown.
    """
    return data_set(name).check(root)
