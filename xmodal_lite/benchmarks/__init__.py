"""Benchmarks: data sets in the layout their owners distribute, with the protocols stated on them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from xmodal_lite.benchmarks import casia_nir_vis, cufs, cufsf, folder, llcm, regdb, rruff, sysu_mm01, tufts
from xmodal_lite.benchmarks.base import Benchmark, CheckReport, Split
from xmodal_lite.errors import SpecError

__all__ = ["Benchmark", "CheckReport", "Split", "check", "load", "names"]

_BENCHMARKS = {
    "rruff": rruff,
    "sysu-mm01": sysu_mm01,
    "regdb": regdb,
    "llcm": llcm,
    "cufs": cufs,
    "cufsf": cufsf,
    "casia-nir-vis": casia_nir_vis,
    "tufts": tufts,
    "folder": folder,
}


def names() -> tuple[str, ...]:
    """List the benchmarks that `load` and `check` know."""
    return tuple(_BENCHMARKS)


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
        If the folder is not as the benchmark needs it; names the first file at fault and the remedy.
    """
    module = _BENCHMARKS[_known(name)]
    offered = list(inspect.signature(module.load).parameters)[1:]
    if unknown := sorted(settings.keys() - set(offered)):
        raise SpecError(
            f"benchmark {name!r} has no setting {', '.join(unknown)}; known: {', '.join(offered)}"
        )
    return module.load(root, **settings)


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
    return _BENCHMARKS[_known(name)].check(root)


def _known(name: str) -> str:
    if name not in _BENCHMARKS:
        raise SpecError(f"no benchmark {name!r}; choose one of: {', '.join(names())}")
    return name
