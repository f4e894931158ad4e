"""The learning rate's course, and what a recipe refuses."""

import pytest
from pydantic import ValidationError

from xmodal_lite.training import Recipe


def recipe(**changes):
    return Recipe(**{"steps": 100, "identities": 4, "samples": 2, "learning_rate": 0.1, **changes})


def test_rate_rises_then_falls_to_nothing():
    rates = [recipe(warmup=0.1).rate(step) for step in range(100)]
    assert rates[:10] == sorted(rates[:10])
    assert max(rates) == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 1e-3 * 0.1
    assert rates[0] == pytest.approx(0.1 / 11)


def test_no_warmup_starts_at_the_top():
    assert recipe(warmup=0).rate(0) == 0.1


@pytest.mark.parametrize(
    "change", [{"steps": 0}, {"identities": 1}, {"learning_rate": 0}, {"precision": "fp8"}, {"lr": 1}]
)
def test_values_out_of_range_and_unknown_names_are_refused(change):
    with pytest.raises(ValidationError):
        recipe(**change)
