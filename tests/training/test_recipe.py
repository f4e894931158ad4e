"""The learning rate's course, and what a recipe refuses."""

import math

import pytest
from pydantic import ValidationError

from xmodal_lite.data.augmentation import ImageSettings, SpectrumSettings
from xmodal_lite.training import Recipe


def recipe(**changes):
    return Recipe(**{"steps": 100, "num_identities": 4, "num_instances": 2, "lr": 0.1, **changes})


def test_rate_rises_then_falls_to_nothing():
    rates = [recipe(warmup=0.1).lr_at(step) for step in range(100)]
    assert rates[:10] == sorted(rates[:10])
    assert max(rates) == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 1e-3 * 0.1
    assert rates[0] == pytest.approx(0.1 / 11)


def test_no_warmup_starts_at_the_top():
    assert recipe(warmup=0).lr_at(0) == 0.1


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"num_identities": 1},
        {"lr": 0},
        {"lr": math.inf},
        {"lr_multipliers": {"unet": math.nan}},
        {"loss_weights": {"adv": -0.1}},
        {"loss_weights": {"adv": math.nan}},
        {"loss_weights": {"adv": math.inf}},
        {"augment": {"noise": math.inf}},
        {"image_size": (0, 32)},
        {"image_size": (32, -1)},
        {"precision": "fp8"},
        {"learning_rates": 1},
    ],
)
def test_values_out_of_range_and_unknown_names_are_refused(change):
    with pytest.raises(ValidationError):
        recipe(**change)


def test_milestones_divide_the_rate_by_ten_each():
    stepwise = recipe(warmup=0.1, milestones=(0.4, 0.8))
    assert [stepwise.lr_at(step) for step in (10, 39, 40, 79, 80, 99)] == pytest.approx(
        [0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
    )


@pytest.mark.parametrize("milestones", [(20, 50), (0.4, 1.0), (0.0,), (-0.1,), (math.nan,)])
def test_milestones_that_would_never_or_always_count_are_refused(milestones):
    with pytest.raises(ValidationError, match=r"shares of the steps, between 0 and 1|finite number"):
        recipe(milestones=milestones)


def test_the_augmentation_is_of_images_or_of_spectra_never_of_both():
    assert isinstance(recipe(augment={"flip": 0.5}).augment, ImageSettings)
    assert isinstance(recipe(augment={"shift": 4.0}).augment, SpectrumSettings)
    assert isinstance(recipe().augment, SpectrumSettings)
    with pytest.raises(ValidationError, match="shift"):
        recipe(augment={"flip": 0.5, "shift": 4.0})
    again = Recipe.model_validate(recipe(augment={"flip": 0.5}).model_dump(mode="json"))
    assert again == recipe(augment={"flip": 0.5})
