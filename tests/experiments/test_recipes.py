"""Recipes by name, and one clear error for every name or value that is not known."""

import pytest

from xmodal_lite.benchmarks import data_set, names
from xmodal_lite.data.augmentation import ImageSettings
from xmodal_lite.errors import SpecError
from xmodal_lite.experiments import method_names, resolve
from xmodal_lite.experiments.data import dims_of
from xmodal_lite.experiments.recipes import PROFILES
from xmodal_lite.training import Recipe

IMAGES = [name for name in names() if name != "rruff"]


@pytest.mark.parametrize("method", method_names())
@pytest.mark.parametrize("profile", PROFILES)
def test_every_method_has_a_recipe_in_every_profile(method, profile):
    assert resolve(method, "rruff", profile, {}).threads == 1


@pytest.mark.parametrize("benchmark", IMAGES)
@pytest.mark.parametrize("method", ["two-stream", "mun", "enhancing", "marrnet"])
@pytest.mark.parametrize("profile", PROFILES)
def test_methods_for_images_have_a_recipe_in_every_profile(benchmark, method, profile):
    recipe = resolve(method, benchmark, profile, {})
    assert isinstance(recipe, Recipe)
    assert recipe.image_size is not None
    assert isinstance(recipe.augment, ImageSettings)


@pytest.mark.parametrize("benchmark", IMAGES)
def test_pixels_are_the_target_where_pairs_are_aligned_and_nowhere_else(benchmark):
    aligned = benchmark in ("cufs", "cufsf", "tufts")
    for profile in PROFILES:
        transform = resolve("marrnet", benchmark, profile, {}).model.get("transform", "pixel")
        assert transform == ("pixel" if aligned else "perceptual")


def test_the_paper_profile_is_the_agw_schedule():
    recipe = resolve("two-stream", "sysu-mm01", "paper", {})
    assert recipe.steps == 81 * 695
    of_epoch = [
        recipe.lr_at(695 * epoch) * recipe.lr_multipliers["head"] for epoch in (10, 19, 21, 49, 51, 80)
    ]
    assert of_epoch == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    assert recipe.lr_at(0) < 1e-4


def test_folders_of_spectra_get_the_recipe_for_spectra():
    assert resolve("two-stream", "folder", "demo", {}, dims=1) == resolve("two-stream", "rruff", "demo", {})
    with pytest.raises(SpecError, match="'contrastive' has no recipe for benchmark 'folder'"):
        resolve("contrastive", "folder", "demo", {}, dims=2)


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        (
            "family",
            "objects",
            "benchmark 'cufs' states family 'objects' .* one of people, faces, drawings, folder",
        ),
        ("image_sizes", {"tiny": (32, 32)}, "image sizes for tiny; .* a size for each of tiny, demo, paper"),
    ],
)
def test_a_data_set_that_no_recipe_fits_is_named(monkeypatch, attribute, value, message):
    monkeypatch.setattr(type(data_set("cufs")), attribute, value)
    with pytest.raises(SpecError, match=message):
        resolve("two-stream", "cufs", "demo", {})


def test_an_override_of_the_augmentation_keeps_the_rest_of_it():
    agw, caj = (
        resolve("two-stream", "sysu-mm01", "demo", change).augment
        for change in ({}, {"augment.colour": "exchange", "augment.erase": 0.5})
    )
    assert (agw.colour, caj.colour, caj.erase) == ("none", "exchange", 0.5)
    assert (agw.pad, agw.flip) == (caj.pad, caj.flip)
    assert resolve("mun", "sysu-mm01", "demo", {}).augment == caj


def test_trained_methods_share_everything_but_the_model_and_the_weights():
    recipes = [resolve(method, "rruff", "demo", {}) for method in ("two-stream", "contrastive", "marrnet")]
    shared = [recipe.model_dump(exclude={"model", "loss_weights"}) for recipe in recipes]
    assert shared[0] == shared[1] == shared[2]
    assert len({recipe.model["dropout"] for recipe in recipes}) == 1


def test_overrides_reach_the_parts_and_leave_the_profile_alone():
    changed = resolve("marrnet", "rruff", "demo", {"steps": 7, "loss_weights.adv": 0, "model.unet": False})
    assert isinstance(changed, Recipe)
    assert (changed.steps, changed.loss_weights["adv"], changed.model["unet"]) == (7, 0, False)
    again = resolve("marrnet", "rruff", "demo", {})
    assert (again.steps, again.loss_weights["adv"]) != (7, 0)
    assert "unet" not in again.model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("marnet", "rruff", "demo", {}), r"unknown method 'marnet'; known: .*marrnet"),
        (("marrnet", "rruf", "demo", {}), r"unknown benchmark 'rruf'; known: .*rruff"),
        (("marrnet", "rruff", "big", {}), r"unknown profile 'big'; known: tiny, demo, paper"),
        (("marrnet", "rruff", "demo", {"stepz": 5}), r"stepz"),
        (("marrnet", "rruff", "demo", {"steps": 0}), r"steps"),
        (("marrnet", "rruff", "demo", {"steps.more": 1}), r"'steps' is a single value"),
        (("marrnet", "rruff", "demo", {"augment.nois": 0.1}), r"augment\.spectra\.nois"),
        (("kernel-ridge", "rruff", "demo", {"steps": 5}), r"steps"),
    ],
)
def test_what_is_not_known_is_named(arguments, message):
    with pytest.raises(SpecError, match=message):
        resolve(*arguments)


def test_a_folder_of_spectra_gets_the_recipe_of_spectra(tmp_path):
    for part, name in (("images", "a.png"), ("spectra", "a.csv")):
        identity = tmp_path / part / "train" / "photo" / "one"
        identity.mkdir(parents=True)
        for name_of_no_sample in ("README.txt", "train/photo/one/._a.txt", "notes/a/b/c.csv"):
            path = tmp_path / part / name_of_no_sample
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (identity / name).touch()
    kinds = {name: dims_of("folder", tmp_path / name) for name in ("images", "spectra")}
    assert kinds == {"images": None, "spectra": 1}
    assert dims_of("folder", "") is None and dims_of("rruff", tmp_path / "spectra") is None
    of_spectra = resolve("contrastive", "folder", "demo", {"augment.noise": 0.1}, dims=1)
    assert of_spectra.image_size is None and of_spectra.precision == "no"


def test_an_override_that_reaches_into_another_leaves_what_was_given_as_it_was():
    given = {"loss_weights": {"id": 0.1, "rec": 1.0}, "loss_weights.rec": 0.3}
    assert resolve("marrnet", "cufs", "tiny", given).loss_weights == {"id": 0.1, "rec": 0.3}
    assert given == {"loss_weights": {"id": 0.1, "rec": 1.0}, "loss_weights.rec": 0.3}
