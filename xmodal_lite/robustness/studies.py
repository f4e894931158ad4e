"""The studies: which changes are tested, in which order. A kind of change that records can hold is listed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from xmodal_lite.benchmarks.base import Benchmark
from xmodal_lite.data.corruption import CORRUPTIONS, SEVERITIES
from xmodal_lite.errors import SpecError
from xmodal_lite.robustness.corruption import Corruption
from xmodal_lite.robustness.disguise import Disguise
from xmodal_lite.robustness.occlusion import ImageOcclusion, PeakRemoval, SpanOcclusion

AnyChange = Annotated[
    ImageOcclusion | SpanOcclusion | PeakRemoval | Disguise | Corruption, Field(discriminator="kind")
]

RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
PEAKS = (1, 2, 4, 8, 16)


def _occlusion() -> list[AnyChange]:
    spans = [SpanOcclusion(fill=fill, ratio=ratio) for fill in ("zero", "line") for ratio in RATIOS]
    images = [
        ImageOcclusion(shape=shape, fill=fill, ratio=ratio)
        for shape in ("patch", "vertical", "horizontal")
        for fill in ("mean", "noise", "image")
        for ratio in RATIOS
    ]
    return [*spans, *(PeakRemoval(count=count) for count in PEAKS), *images]


def _disguise() -> list[AnyChange]:
    return [Disguise(item="sunglasses"), Disguise(item="mask"), Disguise(item="wig")]


def _corruption() -> list[AnyChange]:
    return [Corruption()]


def _corruption_map() -> list[AnyChange]:
    return [Corruption(name=name, severity=severity) for name in CORRUPTIONS for severity in SEVERITIES]


_STUDIES: dict[str, Callable[[], list[AnyChange]]] = {
    "occlusion": _occlusion,
    "disguise": _disguise,
    "corruption": _corruption,
    "corruption-map": _corruption_map,
}


def study_names() -> tuple[str, ...]:
    """Return the names of the studies."""
    return tuple(_STUDIES)


def study_changes(name: str, dims: int) -> list[AnyChange]:
    """Return the changes of a study, each at every level.

    Parameters
    ----------
    name : str
        One of `study_names()`.
    dims : int
        1 for spectra, 2 for images.

    Raises
    ------
    SpecError
        There is no such study, or it has no change for samples of this kind.
    """
    if name not in _STUDIES:
        raise SpecError(f"unknown test '{name}'; known: {', '.join(_STUDIES)}")
    if changes := [change for change in _STUDIES[name]() if change.dims == dims]:
        return changes
    raise SpecError(f"test '{name}' has no change for {'spectra' if dims == 1 else 'images'}")


def check_study(name: str, benchmark: Benchmark) -> list[AnyChange]:
    """Return the changes of a study, and refuse data that they are not for.

    Raises
    ------
    SpecError
        There is no such study, or it has no change for these data.
    """
    changes = study_changes(name, benchmark.dims)
    for change in changes:
        change.check(benchmark)
    return changes
