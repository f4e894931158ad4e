"""Intervals against scipy, and the words that go with them."""

import math

import numpy as np
import pytest
from scipy import stats

from xmodal_lite.evaluation.intervals import (
    Interval,
    against_reported,
    bounds,
    count_significant,
    holm,
    interval,
    verdict,
    verdicts,
)


def test_interval_is_students():
    values = [0.21, 0.25, 0.19, 0.30, 0.22]
    low, high = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    ours = interval(values)
    assert (ours.mean - ours.half, ours.mean + ours.half) == pytest.approx((low, high))


def test_interval_covers_the_mean_as_often_as_it_says():
    trials = np.random.default_rng(0).normal(0.3, 0.05, (2000, 5))
    covered = [abs(found.mean - 0.3) <= found.half for found in map(interval, trials)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_the_p_value_is_that_of_scipys_t_test():
    values = [0.01, 0.03, -0.01, 0.02, 0.04]
    assert interval(values).p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_the_corrected_interval_by_hand():
    """Nadeau and Bengio: s = 2, n = 4, 146 test to 219 training minerals: s sqrt(1/4 + 2/3) = 1.9149."""
    values = [1.0, 5.0, 3.0 - math.sqrt(2), 3.0 + math.sqrt(2)]  # mean 3, squares 4 + 4 + 2 + 2 = 3 s^2
    found = interval(values, test_per_train=146 / 219)
    error = 2.0 * math.sqrt(0.25 + 2 / 3)
    assert found.half == pytest.approx(3.182446 * error, rel=1e-5)
    assert found.p_value == pytest.approx(2 * stats.t.sf(3 / error, 3))
    assert found.half / interval(values).half == pytest.approx(math.sqrt(1 + 4 * 2 / 3))
    with pytest.raises(ValueError, match="0 or more"):
        interval(values, test_per_train=-0.1)


def test_resplits_of_one_data_set_are_covered_only_with_the_correction():
    """The mean of a finite set estimated from overlapping training parts: plain intervals are far too narrow."""
    rng, count, missed = np.random.default_rng(3), 100, {0.0: 0, 2 / 3: 0}
    for _ in range(400):
        sample = rng.normal(size=count)
        estimates = [sample[rng.permutation(count)[:60]].mean() for _ in range(5)]
        for ratio in missed:
            found = interval(estimates, test_per_train=ratio)
            missed[ratio] += abs(found.mean) > found.half
    assert missed[0.0] > 0.3 * 400
    assert missed[2 / 3] < 0.12 * 400


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
    ("values", "words"),
    [
        ([0.05, 0.06, 0.04], "higher"),
        ([-0.05, -0.06, -0.04], "lower"),
        ([0.05, -0.06, 0.04], "not significant"),
        ([0.3], "one seed, no verdict"),
        ([0.1 + 0.2] * 5, "the same for every seed, no verdict"),
    ],
)
def test_verdict(values, words):
    assert verdict(interval(values)) == words


def test_equal_values_print_no_interval():
    assert str(interval([0.1 + 0.2] * 5)) == "30.0"


@pytest.mark.parametrize(
    ("reported", "words"),
    [(0.51, "reproduced within the interval"), (0.6, "below the paper"), (0.4, "above the paper")],
)
def test_against_reported(reported, words):
    assert against_reported(Interval(0.5, 0.02, 5), reported) == words


def test_bounds_are_the_ends_of_the_interval():
    values = [0.21, 0.25, 0.19]
    found = interval(values, test_per_train=0.5)
    assert bounds(values, test_per_train=0.5) == (found.mean - found.half, found.mean + found.half)
    assert bounds([0.3]) == (0.3, 0.3)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    mixed = holm([math.nan, 0.02, math.nan, 0.03])
    assert math.isnan(mixed[0]) and math.isnan(mixed[2]) and mixed[1::2] == pytest.approx([0.04, 0.04])
    assert holm([]) == []


def test_holm_accepts_what_its_steps_accept():
    """The definition: go up the sorted p-values and stop at the first that is not below level / (m - k + 1)."""
    rng = np.random.default_rng(1)
    for p_values in rng.beta(0.3, 3, size=(200, 7)):
        accepted = set()
        for k, index in enumerate(np.argsort(p_values)):
            if p_values[index] >= 0.05 / (7 - k):
                break
            accepted.add(int(index))
        assert {i for i, p in enumerate(holm(p_values)) if p < 0.05} == accepted


def test_holm_holds_the_rate_of_any_false_verdict():
    p = np.random.default_rng(0).uniform(size=(4000, 10))
    assert np.mean([min(holm(row)) < 0.05 for row in p]) == pytest.approx(0.05, abs=0.012)


def test_verdicts_of_a_table_are_corrected_for_their_number():
    """Student with 2 degrees of freedom: p 0.013, 0.013, 0.803 alone; times 3, 2 and 1 after Holm."""
    values = [[0.05, 0.06, 0.04], [-0.05, -0.06, -0.04], [0.05, -0.06, 0.04]]
    assert [round(interval(one).p_value, 3) for one in values] == [0.013, 0.013, 0.803]
    assert verdicts([interval(one) for one in values]) == ["higher", "lower", "not significant"]
    many = [interval(values[0]) for _ in range(4)]  # 4 * 0.013 > 0.05
    assert verdicts(many) == ["not significant after Holm"] * 4
    assert verdicts([interval([0.3]), interval([0.1] * 3)]) == [
        "one seed, no verdict",
        "the same for every seed, no verdict",
    ]


def test_the_count_of_significant_comparisons_by_hand():
    values = [[0.05, 0.06, 0.04], [0.05, -0.06, 0.04], [0.3], [0.05, 0.06, 0.04], [0.05, 0.06, 0.04]]
    assert count_significant([interval(one) for one in values]) == (
        "0 of 4 comparisons are significant at the 5 % level after Holm's correction. Without it the number is 3, "
        "and 0.2 are expected by chance where no row differs from another."
    )
    assert "No comparison" in count_significant([interval([0.3])])
