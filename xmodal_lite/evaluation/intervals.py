"""Means over seeds with their 95 % intervals, and the words that go with a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

ROUNDING = 1e-9  # of a fraction: the spread of equal numbers, computed


@dataclass(frozen=True)
class Interval:
    """A mean and half the width of its 95 % interval.

    Attributes
    ----------
    mean : float
        In the unit of the values.
    half : float
        Half width; NaN where a single value gives no spread.
    count : int
        Number of values, usually seeds.
    """

    mean: float
    half: float
    count: int

    def __str__(self) -> str:
        return f"{100 * self.mean:.1f}{self._spread()}"

    def signed(self) -> str:
        """Write a difference, in points: the sign is always there."""
        return f"{100 * self.mean:+.1f}{self._spread()}"

    def _spread(self) -> str:
        return "" if math.isnan(self.half) else f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{100 * self.half:.1f}"


def interval(values: Sequence[float]) -> Interval:
    """Return the mean with Student's 95 % interval.

    Parameters
    ----------
    values : sequence of float
        One value a seed; a deterministic method gives equal values and a half width of 0.

    Raises
    ------
    ValueError
        There is no value.

    Notes
    -----
    The half width is t(0.975, n - 1) s / sqrt(n), with s the sample standard deviation. It covers the draw of the
    weights, and of the split where the protocol draws one by the seed; not the finite number of queries within a split.
    """
    if len(values) == 0:
        raise ValueError("an interval needs at least one value")
    array = np.asarray(values, dtype=float)
    if len(array) == 1:
        return Interval(float(array[0]), math.nan, 1)
    half = stats.t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / math.sqrt(len(array))
    return Interval(float(array.mean()), float(half), len(array))


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """Return both ends of the 95 % interval; a single value is its own interval."""
    found = interval(values)
    half = 0.0 if math.isnan(found.half) else found.half
    return found.mean - half, found.mean + half


def verdict(difference: Interval) -> str:
    """Say in words what a paired difference of seeds shows."""
    if math.isnan(difference.half):
        return "one seed, no verdict"
    if difference.half < ROUNDING:  # two methods without chance, on one split: seeds say nothing
        return "same for every seed, no verdict"
    if difference.mean - difference.half > 0:
        return "higher"
    if difference.mean + difference.half < 0:
        return "lower"
    return "no difference shown"


def against_reported(ours: Interval, reported: float) -> str:
    """Say in words where a paper's number lies with respect to our interval (fractions, as `ours`)."""
    if math.isnan(ours.half):
        return "one seed, no verdict"
    if abs(ours.mean - reported) <= ours.half:
        return "reproduced within the interval"
    return "above the paper" if ours.mean > reported else "below the paper"
