"""Means over seeds with 95 % intervals, p-values, and verdicts with a correction for many comparisons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

ROUNDING = 1e-9  # of a fraction: the computed spread of equal numbers
LEVEL = 0.05  # of significance
CLEAR, DOUBTFUL = ("higher", "lower"), "not significant after Holm"  # verdicts


@dataclass(frozen=True)
class Interval:
    """A mean and half the width of its 95 % interval.

    Attributes
    ----------
    mean : float
        In the unit of the values.
    half : float
        Half width; NaN where a single value gives no spread, 0 where all values are equal.
    count : int
        Number of values, usually seeds.
    p_value : float
        Two-sided, of a mean of 0; NaN where the half width is NaN or 0.
    """

    mean: float
    half: float
    count: int
    p_value: float = math.nan

    def __str__(self) -> str:
        return f"{100 * self.mean:.1f}{self._spread()}"

    def signed(self) -> str:
        """Write a difference, in points: the sign is always there."""
        return f"{100 * self.mean:+.1f}{self._spread()}"

    @property
    def is_measured(self) -> bool:
        """Whether the values differ, so that there is an interval at all."""
        return self.half >= ROUNDING  # False for NaN

    def _spread(self) -> str:
        return f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{100 * self.half:.1f}" if self.is_measured else ""


def interval(values: Sequence[float], *, test_per_train: float = 0.0) -> Interval:
    """Return the mean with its 95 % interval.

    Parameters
    ----------
    values : sequence of float
        One value a seed; a deterministic method gives equal values and a half width of 0.
    test_per_train : float
        Where each seed draws another split of one data set: the number of test samples divided by the number of
        training samples. 0 where the split is fixed.

    Raises
    ------
    ValueError
        There is no value, or the ratio is negative.

    Notes
    -----
    On a fixed split this is Student's interval: t(0.975, n - 1) s / sqrt(n), with s the sample standard deviation. It
    covers the draw of the weights and of the batches, and not the finite number of queries.

    Splits drawn from one data set share training samples, so their values are not independent and Student's interval
    is too narrow. With a ratio this is the corrected resampled t-test of Nadeau and Bengio (Machine Learning 52, 2003,
    section 4): 1 / n becomes 1 / n + test_per_train.
    """
    if len(values) == 0:
        raise ValueError("an interval needs at least one value")
    if not test_per_train >= 0:
        raise ValueError(f"test_per_train must be 0 or more, not {test_per_train}")
    array = np.asarray(values, dtype=float)
    mean, count = float(array.mean()), len(array)
    if count == 1:
        return Interval(mean, math.nan, 1)
    error = float(array.std(ddof=1)) * math.sqrt(1 / count + test_per_train)
    half = float(stats.t.ppf(0.975, count - 1)) * error
    p_value = 2 * float(stats.t.sf(abs(mean) / error, count - 1)) if half >= ROUNDING else math.nan
    return Interval(mean, half, count, p_value)


def bounds(values: Sequence[float], *, test_per_train: float = 0.0) -> tuple[float, float]:
    """Return both ends of the 95 % interval (see `interval`); a single value is its own interval."""
    found = interval(values, test_per_train=test_per_train)
    half = 0.0 if math.isnan(found.half) else found.half
    return found.mean - half, found.mean + half


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for the number of comparisons, so that the chance of any false verdict stays at the level.

    Holm, Scandinavian Journal of Statistics 6, 1979: the k-th smallest of m is multiplied by m - k + 1, and none is
    smaller than one before it.

    Parameters
    ----------
    p_values : sequence of float
        NaN (no comparison) stays NaN and does not count.

    Returns
    -------
    list of float
        In the order given, at most 1.
    """
    given = np.asarray(p_values, dtype=float)
    adjusted = np.full(len(given), math.nan)
    order = np.argsort(given, kind="stable")[: np.count_nonzero(~np.isnan(given))]  # NaN sorts last
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()


def verdict(difference: Interval, p_value: float | None = None) -> str:
    """Say in words what a paired difference over seeds shows, at the 5 % level.

    Parameters
    ----------
    difference : Interval
        Mean of the differences seed by seed.
    p_value : float, optional
        After a correction for other comparisons; that of the difference alone if not given.
    """
    if math.isnan(difference.half):
        return "one seed, no verdict"
    if not difference.is_measured:  # two deterministic methods on one split
        return "the same for every seed, no verdict"
    if (difference.p_value if p_value is None else p_value) < LEVEL:
        return CLEAR[0] if difference.mean > 0 else CLEAR[1]
    return DOUBTFUL if difference.p_value < LEVEL else "not significant"


def verdicts(differences: Sequence[Interval]) -> list[str]:
    """Say in words what each comparison of a table shows, with Holm's correction for their number.

    The intervals stay those of single comparisons. *Not significant after Holm* marks a difference that is significant
    alone and not with the correction.
    """
    adjusted = holm([one.p_value for one in differences])
    return [verdict(one, p_value) for one, p_value in zip(differences, adjusted, strict=True)]


def count_significant(differences: Sequence[Interval]) -> str:
    """Count the significant comparisons of a table in a sentence; comparisons without a p-value do not count."""
    alone = np.array([one.p_value for one in differences if not math.isnan(one.p_value)])
    if not len(alone):
        return "No comparison has a p-value, because no difference varies over seeds."
    after = np.count_nonzero(np.array(holm(alone.tolist())) < LEVEL)
    return (
        f"{after} of {len(alone)} comparisons are significant at the 5 % level after Holm's correction. Without it "
        f"the number is {np.count_nonzero(alone < LEVEL)}, and {LEVEL * len(alone):.1f} are expected by chance where "
        "no row differs from another."
    )


def against_reported(ours: Interval, reported: float) -> str:
    """Say in words where a paper's number lies with respect to our interval (fractions, as `ours`)."""
    if math.isnan(ours.half):
        return "one seed, no verdict"
    if abs(ours.mean - reported) <= ours.half:
        return "reproduced within the interval"
    return "above the paper" if ours.mean > reported else "below the paper"
