"""The recipes, by benchmark, method and profile: one place to read what was run."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from xmodal_lite.benchmarks import data_set
from xmodal_lite.benchmarks import names as benchmark_names
from xmodal_lite.errors import SpecError
from xmodal_lite.models import classical_names, model_names
from xmodal_lite.recipe import ClassicalRecipe, Recipe

PROFILES = ("tiny", "demo", "paper")

# Spectra. Every trained method has the same extractor, sampler, augmentation and schedule, so that a difference between
# two rows of a table is a difference of method. Chosen on seeds 0 and 1 of protocol A (and seed 0 of B); ours, the
# paper states none. Here and below, the METHODS of a family hold what differs from its recipe, by method.
STEPS = {"tiny": 30, "demo": 600, "paper": 1200}
IDENTITIES = {"tiny": 16, "demo": 64, "paper": 64}
SPECTRA = {
    "num_instances": 1,
    "aligned_fraction": 0.8,
    "lr": 2e-3,
    "weight_decay": 0.05,
    "warmup": 0.05,
    "ema_decay": 0.99,
    "augment": {
        "shared_stretch": 0.02,
        "stretch": 0.005,
        "shift": 4.0,
        "intensity_exponent": 0.3,
        "baseline": 0.1,
        "noise": 0.02,
        "blur": 1.0,
        "mask_prob": 0.2,
    },
    "model": {"dropout": 0.3},
}
TEMPERATURE = {"temperature": 0.1}
ONLY_SPECTRA = ("contrastive",)  # methods that are not built for images
# MUN and the enhancing network share the last stage and the classifier between the modalities; see SpectrumBackbone.
SPECTRA_METHODS: dict[str, dict[str, Any]] = {
    "contrastive": {"model": TEMPERATURE},
    "enhancing": {"loss_weights": {"intra": 0.1}},
    "marrnet": {
        "model": TEMPERATURE | {"unet_width": 8, "unet_widest": 16},
        "loss_weights": {"id": 0.3, "tri": 1.0, "rec": 0.5, "tra": 0.5, "adv": 0.05, "per": 0.1},
    },
    "combined": {"model": {"unet_width": 8, "unet_widest": 16}, "loss_weights": {"rec": 0.5, "tra": 0.5}},
}


# Images of people. "paper" is the AGW recipe, known from its public code; the smaller profiles are ours, chosen on a
# synthetic data set of another seed than the one that is reported on.
EPOCHS = 81
UNALIGNED = ["id", "ia", "ma", "tri", "w2", "rec"]  # of the combined method, where no two images are aligned
PEOPLE: dict[str, dict[str, Any]] = {
    "tiny": {
        "steps": 40,
        "num_identities": 4,
        "num_instances": 2,
        "optimizer": "sgd",
        "lr": 0.02,
        "weight_decay": 5e-4,
        "augment": {"pad": 2, "flip": 0.5},
        "model": {"backbone": "resnet10"},
    },
    "demo": {
        "steps": 250,
        "num_identities": 8,
        "num_instances": 4,
        "lr": 1e-3,
        "weight_decay": 0.05,
        "augment": {"pad": 4, "flip": 0.5},
        "model": {"backbone": "resnet10"},
        "precision": "bf16",
    },
    "paper": {
        "num_identities": 8,
        "num_instances": 4,
        "optimizer": "sgd",
        "lr": 0.01,
        "lr_multipliers": {"head": 10.0},
        "weight_decay": 5e-4,
        "warmup": 10 / EPOCHS,
        "milestones": (20 / EPOCHS, 50 / EPOCHS),
        "augment": {"pad": 10, "flip": 0.5},
        "model": {"backbone": "resnet50", "pretrained": True},
        "precision": "bf16",
        "cuda_graph": True,
        "log_every": 100,
        "checkpoint_every": 1000,
    },
}
CAJ = {"colour": "exchange", "erase": 0.5}  # what channel-augmented joint learning adds to the augmentation
PEOPLE_METHODS: dict[str, dict[str, Any]] = {
    "mun": {"augment": CAJ},
    # at weight 1 the branches take the shared stages over; chosen on held-out training people
    "enhancing": {"augment": CAJ, "loss_weights": {"intra": 0.1}},
    # people move between two cameras: no pair is aligned, so what is translated is compared as a whole
    "marrnet": {
        "augment": CAJ,
        "model": {"triplet": "weighted", "transform": "perceptual", "unet_width": 8, "unet_widest": 64},
        "loss_weights": {"adv": 0.05},
    },
    "combined": {
        "augment": CAJ,
        "model": {"losses": UNALIGNED, "unet_width": 8, "unet_widest": 64},
    },
}

# Faces. Ours: the sizes of crops that face recognition trains at, and a schedule that the small profiles scale down.
FACE_AUGMENT = {"flip": 0.5, "affine": 0.05, "brightness_contrast": 0.2, "colour": "grey"}
FACE_PROFILES: dict[str, dict[str, Any]] = {
    "tiny": {"steps": 30, "num_identities": 8, "model": {"backbone": "resnet10"}},
    "demo": {"steps": 150, "num_identities": 32, "model": {"backbone": "resnet10"}, "precision": "bf16"},
    "paper": {
        "steps": 6000,
        "num_identities": 64,
        "lr": 3e-4,
        "model": {"backbone": "resnet50", "pretrained": True},
        "precision": "bf16",
        "cuda_graph": True,
        "log_every": 100,
        "checkpoint_every": 500,
    },
}
FACE_METHODS: dict[str, dict[str, Any]] = {
    "enhancing": {"loss_weights": {"intra": 0.1}},
    # chosen among seven on the three sets' synthetic data sets of seed 1, three seeds each
    "marrnet": {
        "lr_multipliers": {"unet": 3.0},
        "model": {"triplet": "weighted", "unet_width": 8, "unet_widest": 64},
        "loss_weights": {"rec": 0.3, "tra": 0.3, "per": 0.3, "adv": 0.05},
    },
    "combined": {
        "lr_multipliers": {"unet": 3.0},
        "model": {"unet_width": 8, "unet_widest": 64},
        "loss_weights": {"rec": 0.3, "tra": 0.3},
    },
}

# Emoji. Ours, chosen on the training emoji of split 0, with a third of their groups held out. Many of these are test
# emoji of splits 1 to 4; no test emoji of split 0 was seen.
# Every trained method has the same extractor, sampler, augmentation and schedule.
DRAWINGS: dict[str, Any] = {
    "num_identities": 64,
    "num_instances": 1,
    "image_size": (64, 64),
    "lr": 5e-3,
    "weight_decay": 0.05,
    "warmup": 0.2,
    "augment": {"affine": 0.1, "brightness_contrast": 0.2, "colour": "exchange"},
    "model": {"backbone": "resnet10", "width": 16, "pooling": "grid"},
}
DRAWINGS_PROFILES: dict[str, dict[str, Any]] = {
    "tiny": {"steps": 8, "num_identities": 16},
    "demo": {"steps": 240, "ema_decay": 0.95},
    "paper": {"steps": 600, "ema_decay": 0.97},
}
SMALL_UNET = {"unet_width": 8, "unet_widest": 32, "unet_downscale": 4}
DRAWINGS_METHODS: dict[str, dict[str, Any]] = {
    "two-stream": {"loss_weights": {"id": 3.0}},
    "mun": {"loss_weights": {"id": 3.0}},
    "enhancing": {"loss_weights": {"id": 3.0, "intra": 0.1}},
    "marrnet": {
        "model": SMALL_UNET | {"transform": "perceptual", "temperature": 0.2, "label_smoothing": 0.1},
        "loss_weights": {"id": 3.0, "rec": 0.3, "tra": 0.3, "adv": 0.05, "per": 0.3},
    },
    "combined": {"model": SMALL_UNET | {"losses": UNALIGNED}, "loss_weights": {"id": 3.0, "rec": 0.3}},
}


def method_names() -> tuple[str, ...]:
    """Return the methods that can be run: trained ones first, then those in closed form."""
    return (*model_names(), *classical_names())


def check_profile(name: str) -> None:
    """Refuse an unknown profile.

    Raises
    ------
    SpecError
        There is no such profile; the known ones are listed.
    """
    if name not in PROFILES:
        raise SpecError(f"unknown profile '{name}'; known: {', '.join(PROFILES)}")


def resolve(
    method: str, benchmark: str, profile: str, overrides: Mapping[str, Any], *, dims: int | None = None
) -> Recipe | ClassicalRecipe:
    """Return the validated recipe of a run.

    Parameters
    ----------
    method, benchmark, profile : str
        Names.
    overrides : mapping
        Values by dotted name: `{"steps": 100, "loss_weights.adv": 0, "model.unet": False}`.
    dims : int, optional
        1 for spectra, 2 for images, where the benchmark's name does not say ("folder"); images if not given.

    Raises
    ------
    SpecError
        A name is unknown (the known ones are listed) or a value is out of range.
    """
    if method not in method_names():
        raise SpecError(f"unknown method '{method}'; known: {', '.join(method_names())}")
    check_profile(profile)
    if benchmark not in benchmark_names():
        raise SpecError(f"unknown benchmark '{benchmark}'; known: {', '.join(benchmark_names())}")
    kind = ClassicalRecipe if method in classical_names() else Recipe
    if kind is Recipe:
        settings = copy.deepcopy(recipe(benchmark, method, profile, dims))
    else:
        settings = {"image_size": image_size_of(benchmark, profile, dims)}
    for name, value in overrides.items():
        _set(settings, name, copy.deepcopy(value))  # a later override may reach into it
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        unknown = any(e["type"] == "extra_forbidden" and len(e["loc"]) == 1 for e in error.errors())
        known = f"; known: {', '.join(kind.model_fields)}" if unknown else ""
        raise SpecError(f"the recipe of '{method}' does not accept this: {problems}{known}") from error


def _set(settings: dict[str, Any], name: str, value: Any) -> None:
    """Set a value by its dotted name, making the dictionaries on the way."""
    *path, last = name.split(".")
    for part in path:
        settings = settings.setdefault(part, {})
        if not isinstance(settings, dict):
            raise SpecError(f"'{name}': '{part}' is a single value and has no parts")
    settings[last] = value


def rruff(method: str, profile: str) -> dict[str, Any]:
    """Return the settings of a trained method on spectra."""
    sizes = {"steps": STEPS[profile], "num_identities": IDENTITIES[profile]}
    return _merged(sizes | SPECTRA, SPECTRA_METHODS.get(method, {}))


def people(benchmark: str, method: str, profile: str) -> dict[str, Any]:
    """Return the settings of a trained method on images of people."""
    length = {"steps": EPOCHS * data_set(benchmark).steps_per_epoch} if profile == "paper" else {}
    size = {"image_size": data_set(benchmark).image_sizes[profile]}
    return _merged(PEOPLE[profile] | length | size, PEOPLE_METHODS.get(method, {}))


def faces(benchmark: str, method: str, profile: str) -> dict[str, Any]:
    """Return the settings of a trained method on faces: one pair an identity and step where sets hold one pair each."""
    aligned, size = data_set(benchmark).aligned, data_set(benchmark).image_sizes[profile]
    base = {
        "num_instances": 1 if aligned else 2,
        "image_size": size,
        "lr": 1e-3,
        "weight_decay": 0.05,
        "augment": FACE_AUGMENT | {"pad": size[0] // 16, "same_on_pair": aligned},
    } | FACE_PROFILES[profile]
    settings = _merged(base, FACE_METHODS.get(method, {}))
    if method == "marrnet" and not aligned:
        settings["model"]["transform"] = "perceptual"
    return settings


def drawings(benchmark: str, method: str, profile: str) -> dict[str, Any]:
    """Return the settings of a trained method on emoji."""
    return _merged(DRAWINGS | DRAWINGS_PROFILES[profile], DRAWINGS_METHODS.get(method, {}))


IMAGE_FAMILIES = {"people": people, "faces": faces, "drawings": drawings, "folder": people}


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a profile with a method's own; of two dictionaries under one name, both entries."""
    nested = {key: base.get(key, {}) | own[key] for key in own if isinstance(own[key], dict)}
    return base | own | nested


def recipe(benchmark: str, method: str, profile: str, dims: int | None = None) -> dict[str, Any]:
    """Return the settings of a trained method in a profile: its family's recipe with what the method changes.

    Raises
    ------
    SpecError
        The method is not built for images, or the data set states an unknown family or no size for the profile.
    """
    stated = data_set(benchmark)
    if stated.family == "spectra" or dims == 1:
        return rruff(method, profile)
    if method in ONLY_SPECTRA:
        raise SpecError(
            f"method '{method}' has no recipe for benchmark '{benchmark}': it is built for spectra alone"
        )
    if stated.family not in IMAGE_FAMILIES or profile not in stated.image_sizes:
        raise SpecError(
            f"benchmark '{benchmark}' states family '{stated.family}' and image sizes for "
            f"{', '.join(stated.image_sizes) or 'no profile'}; a set of images states one of "
            f"{', '.join(IMAGE_FAMILIES)}, and a size for each of {', '.join(PROFILES)}"
        )
    return IMAGE_FAMILIES[stated.family](benchmark, method, profile)


def image_size_of(benchmark: str, profile: str, dims: int | None = None) -> tuple[int, int] | None:
    """Return the height and width at which a benchmark's images are loaded; None for spectra."""
    return None if dims == 1 else data_set(benchmark).image_sizes.get(profile)
