"""Intervals against scipy, and the words that go with them."""

import math

import numpy as np
import pytest
from scipy import stats

from xmodal_lite.evaluation.intervals import Interval, against_reported, interval, verdict


def test_interval_is_students():
    values = [0.21, 0.25, 0.19, 0.30, 0.22]
    low, high = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    ours = interval(values)
    assert (ours.mean - ours.half, ours.mean + ours.half) == pytest.approx((low, high))


def test_interval_covers_the_mean_as_often_as_it_says():
    trials = np.random.default_rng(0).normal(0.3, 0.05, (2000, 5))
    covered = [abs(found.mean - 0.3) <= found.half for found in map(interval, trials)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_one_value_has_no_spread():
    assert math.isnan(interval([0.5]).half)
    assert str(interval([0.5])) == "50.0"


def test_no_value_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        interval([])


def test_text():
    space = "\N{NO-BREAK SPACE}"
    assert str(Interval(0.2342, 0.0123, 5)) == f"23.4{space}±{space}1.2"
    assert Interval(0.02, 0.01, 5).signed() == f"+2.0{space}±{space}1.0"


@pytest.mark.parametrize(
    ("mean", "half", "words"),
    [
        (0.05, 0.02, "higher"),
        (-0.05, 0.02, "lower"),
        (0.01, 0.02, "no difference shown"),
        (0.3, math.nan, "one seed, no verdict"),
        (0.3, interval([0.1 + 0.2] * 5).half, "same for every seed, no verdict"),
    ],
)
def test_verdict(mean, half, words):
    assert verdict(Interval(mean, half, 5)) == words


@pytest.mark.parametrize(
    ("reported", "words"),
    [(0.51, "reproduced within the interval"), (0.6, "below the paper"), (0.4, "above the paper")],
)
def test_against_reported(reported, words):
    assert against_reported(Interval(0.5, 0.02, 5), reported) == words
