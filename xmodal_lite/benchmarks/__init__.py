"""Benchmarks: data sets in the layout their owners distribute, with the protocols stated on them."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from xmodal_lite._lazy import lazy_names
from xmodal_lite.errors import SpecError

if TYPE_CHECKING:
    from xmodal_lite.benchmarks.base import Benchmark, CheckReport

__all__ = ["Benchmark", "CheckReport", "Split", "check", "load", "names"]

_BENCHMARKS = (  # each is the module of that name, with _ for -
    "rruff",
    "sysu-mm01",
    "regdb",
    "llcm",
    "cufs",
    "cufsf",
    "casia-nir-vis",
    "tufts",
    "folder",
)

__getattr__ = lazy_names(__name__, {"base": "Benchmark CheckReport Split"})


def names() -> tuple[str, ...]:
    """List the benchmarks that `load` and `check` know."""
    return _BENCHMARKS


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
    module = _module(name)
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
    return _module(name).check(root)


def _module(name: str) -> ModuleType:
    if name not in _BENCHMARKS:
        raise SpecError(f"no benchmark {name!r}; choose one of: {', '.join(names())}")
    return import_module(f"{__name__}.{name.replace('-', '_')}")
