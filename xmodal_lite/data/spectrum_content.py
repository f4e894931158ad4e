"""Find what has the form of a spectrum and cannot be one: exchanged columns, lists of peaks, fill values, outliers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from xmodal_lite.data.problems import FileError

FEWEST = 20  # points; spectra of the RRUFF site have 308 and more
FARTHEST = 15_000.0  # cm^-1: the axis of no infrared spectrum and no Raman shift reaches it
SHORTEST = 150.0  # cm^-1 from end to end; 650 and more on the RRUFF site
UNEVEN = 0.5  # median change of the step, in parts of the step; 0.001 at most on the RRUFF site
APART = 3.0  # a repeated extreme value is a fill value from this distance, in parts of the span of all others
FILLS = (-999.0, -9999.0, -99999.0, -32768.0)  # what instruments and tables write for "no value"
HUGE = 1e30  # no intensity is as large; netCDF, IGOR and others fill with such numbers
ASK_UNIT = (
    "is the axis in cm^-1? Export it so, in the first column, or state its unit, such as ##XUNITS=NANOMETERS"
)
FILLED = ("holds fill values among the intensities", "remove these lines or the file")  # cause and remedy
CLIPPED = 5  # points in a row at the maximum; 2 at most on the RRUFF site
OUTLIER = 2.0  # an outlier is this many times as high as all else; 0.62 at most on the RRUFF site


def refuse_exchanged(x: np.ndarray, y: np.ndarray, path: str | Path) -> None:
    """Refuse columns, in the order of the file, of which the second is an axis and the first is not."""
    steps, others = np.diff(x), np.diff(y)
    if (steps < 0).any() and (steps > 0).any() and len(x) > 9 and ((others > 0).all() or (others < 0).all()):
        raise FileError(path, "has its columns exchanged", "write the axis first, then the intensities")


def order_axis(
    x: np.ndarray, y: np.ndarray, path: str | Path
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Sort the axis and average repeated abscissae; say what was done."""
    repaired = []
    steps = np.diff(x)
    if (steps < 0).any():
        repaired.append("unordered" if (steps > 0).any() else "descending")
        if repaired == ["unordered"]:
            _refuse_several(x, steps, path)
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    unique, inverse, count = np.unique(x, return_inverse=True, return_counts=True)
    if len(unique) < len(x):
        repaired.append("repeated")
        x, y = unique, np.bincount(inverse, weights=y) / count
    return x, y, tuple(repaired)


def _refuse_several(x: np.ndarray, steps: np.ndarray, path: str | Path) -> None:
    """Refuse an axis (n,) in long pieces that overlap: several spectra written one after the other."""
    pieces = np.split(x, np.flatnonzero(np.sign(steps) == -np.sign(np.median(steps))) + 1)
    if len(x) < FEWEST * len(pieces):
        return  # in no order at all
    ends = sorted((piece.min(), piece.max()) for piece in pieces)
    for (low, high), (next_low, next_high) in pairwise(ends):
        if min(high, next_high) - next_low > 0.2 * min(high - low, next_high - next_low):
            raise FileError(
                path, "holds two or more spectra one after the other", "write each to a file of its own"
            )


def check_axis(x: np.ndarray, unit: str, path: str | Path) -> None:
    """Refuse an ascending axis (n,) that is not one of a spectrum.

    Raises
    ------
    FileError
        If there are too few points, the points are numbered, unevenly spaced as in a list of peaks, or too far out.
    """
    if len(x) < FEWEST:
        raise FileError(
            path,
            f"has fewer than {FEWEST} points, no spectrum but a list",
            "give the whole spectrum",
            f"{len(x)}",
        )
    farthest = np.abs(x[[0, -1]]).max()
    if farthest > FARTHEST:
        raise FileError(path, f"reaches beyond {FARTHEST:,.0f} cm^-1", ASK_UNIT, f"{farthest:.6g}")
    steps = np.diff(x)
    if not unit and x[0] in (0, 1) and (steps == 1).all():
        raise FileError(
            path,
            "numbers its points where an axis in cm^-1 is needed",
            "export it with its axis, or state the unit if this is the axis: ##XUNITS=1/CM",
        )
    if np.ptp(steps) > UNEVEN * steps.min() and np.median(np.abs(np.diff(steps))) > UNEVEN * np.median(steps):
        raise FileError(path, "has unevenly spaced points, as a list of peaks has", "give the whole spectrum")
    if x[-1] - x[0] < SHORTEST and x[-1] >= 100:  # what ends below 100 has no signal on the axis of a sample
        raise FileError(
            path, f"covers less than {SHORTEST:.0f} cm^-1", ASK_UNIT, f"from {x[0]:.6g} to {x[-1]:.6g}"
        )


def tame(y: np.ndarray, path: str | Path) -> np.ndarray:
    """Return intensities (n,) with which one can calculate: where all are above `HUGE`, in parts of the largest.

    Raises
    ------
    FileError
        If some are above `HUGE` and others are not.
    """
    if max(-y.min(), y.max()) <= HUGE:
        return y
    size = np.abs(y)
    if size.min() <= HUGE:
        raise FileError(path, *FILLED, f"up to {size.max():g}")
    return y / size.max()


def check_fill(y: np.ndarray, path: str | Path) -> None:
    """Refuse intensities (n,) of which some stand for "no value" or "too much".

    Raises
    ------
    FileError
        If a repeated value is a fill value by its distance from all others, or the maximum is cut off.
    """
    low, high = y.min(), y.max()
    if low == high:
        return
    for value, sign in ((low, -1.0), (high, 1.0)):
        same = y == value
        count = int(np.count_nonzero(same))
        if count < 2 or (value == 0 and count <= 0.02 * len(y)):  # some zeros are below any baseline
            continue
        others = y[~same]
        gap = (sign * (value - others)).min()
        if gap > APART * np.ptp(others) or (value in FILLS and others.min() > value / 2):
            raise FileError(path, *FILLED, f"{count} points of {value:g}")
    at_top = y == high
    if np.count_nonzero(at_top) >= CLIPPED and _longest_run(at_top) >= CLIPPED and _is_cut(y, high):
        raise FileError(
            path,
            "is cut off at its maximum, where the detector was saturated",
            "measure again with less light, or remove it",
            f"{np.count_nonzero(at_top)} points of {high:g}",
        )


def _longest_run(marked: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _is_cut(y: np.ndarray, high: float) -> bool:
    """Tell a cut-off maximum from the flat top of rounded values: beside it the values fall by a step."""
    top = np.flatnonzero(y == high)
    beside = y[np.clip([top[0] - 1, top[-1] + 1], 0, len(y) - 1)]
    return bool((high - beside > 0.02 * np.ptp(y)).all())


def without_outliers(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return intensities (n,) in which single points far above all else are replaced by a line across them.

    Cosmic rays and glitches are one or two points wide, lines of a mineral wider. A point counts as one where it
    stands ten times above its neighbours and twice above all else that is not such a point. A spectrum of which
    nothing else is left than noise stays as it is: a single line on a coarse axis looks the same.

    Parameters
    ----------
    x, y : numpy.ndarray
        (n,) ascending axis in cm^-1, and intensities.
    """
    reach = 2 if x[1] - x[0] <= 1 else 1
    top = int(y.argmax())
    beside = max([y[at] for at in (top - reach, top + reach) if 0 <= at < len(y)])
    if 2 * np.count_nonzero(y <= beside - (y[top] - beside) / 9) >= len(y):
        return y  # the maximum is less than ten times as far above the median as what is beside it
    base = np.median(y)
    padded = np.pad(y, reach, constant_values=-np.inf)
    neighbours = np.maximum(padded[: -2 * reach], padded[2 * reach :])  # (n,)
    height = y - base
    single = height > 10 * np.maximum(neighbours - base, 0)
    rest = height[~single].max()
    outliers = single & (height > OUTLIER * rest)
    noise = np.median(np.abs(np.diff(y)))
    if not outliers.any() or rest <= 10 * noise:
        return y
    return np.where(outliers, np.interp(x, x[~outliers], y[~outliers]), y)


def looks_like_transmittance(y: np.ndarray) -> bool:
    """Tell whether intensities (n,) have a high plateau with dips, the more surely from 0 to 1 or in per cent."""
    low, middle, high = np.percentile(y, [2, 50, 98])
    if low < -0.05 * high or high <= low:
        return False
    plateau = (high - middle) / (high - low)  # 0.2 to 0.99 for the RRUFF site's absorbances
    return bool(
        plateau < 0.15 or (0.5 <= high <= 1.3 and plateau < 0.2) or (20 <= high <= 130 and plateau < 0.3)
    )
