"""The recipes, by benchmark, method and profile: one place to read what was run."""

from __future__ import annotations

from typing import Any

from xmodal_lite.errors import SpecError

PROFILES = ("tiny", "demo", "paper")

# Spectra. Every trained method has the same extractor, sampler, augmentation and schedule, so that a difference between
# two rows of a table is a difference of method. Chosen on seeds 0 and 1 of protocol A (and seed 0 of B); ours, the
# paper states none.
STEPS = {"tiny": 30, "demo": 600, "paper": 1200}
IDENTITIES = {"tiny": 16, "demo": 64, "paper": 64}
SPECTRA = {
    "samples": 1,
    "aligned": 0.8,
    "learning_rate": 2e-3,
    "weight_decay": 0.05,
    "warmup": 0.05,
    "average": 0.99,
    "augment": {
        "kinship": 0.02,
        "stretch": 0.005,
        "shift": 4.0,
        "power": 0.3,
        "baseline": 0.1,
        "noise": 0.02,
        "blur": 1.0,
        "drop": 0.2,
    },
}
# MUN and the enhancing network share the last stage and the classifier between the modalities; see SpectrumBackbone.
DROPOUT, TEMPERATURE = {"dropout": 0.3}, {"temperature": 0.1}
SPECTRA_METHODS: dict[str, dict[str, Any]] = {
    "two-stream": {"model": DROPOUT},
    "contrastive": {"model": DROPOUT | TEMPERATURE},
    "mun": {"model": DROPOUT},
    "enhancing": {"model": DROPOUT, "weights": {"intra": 0.1}},
    "marrnet": {
        "model": DROPOUT | TEMPERATURE | {"unet_width": 8, "unet_widest": 16},
        "weights": {"id": 0.3, "tri": 1.0, "rec": 0.5, "tra": 0.5, "adv": 0.05, "per": 0.1},
    },
}


# Images of people. "paper" is the AGW recipe, known from its public code; the smaller profiles are ours, chosen on a
# stand-in of another seed than the one that is reported on.
PEOPLE_SIZES = {"tiny": (64, 32), "demo": (80, 40), "paper": (288, 144)}
EPOCHS, STEPS_PER_EPOCH = 81, {"sysu-mm01": 695, "regdb": 64, "llcm": 530, "folder": 100}
PEOPLE: dict[str, dict[str, Any]] = {
    "tiny": {
        "steps": 40,
        "identities": 4,
        "samples": 2,
        "optimiser": "sgd",
        "learning_rate": 0.02,
        "weight_decay": 5e-4,
        "augment": {"pad": 2, "flip": 0.5},
        "model": {"backbone": "resnet10"},
    },
    "demo": {
        "steps": 250,
        "identities": 8,
        "samples": 4,
        "learning_rate": 1e-3,
        "weight_decay": 0.05,
        "augment": {"pad": 4, "flip": 0.5},
        "model": {"backbone": "resnet10"},
        "precision": "bf16",
    },
    "paper": {
        "identities": 8,
        "samples": 4,
        "optimiser": "sgd",
        "learning_rate": 0.01,
        "head_rate": 10.0,
        "weight_decay": 5e-4,
        "warmup": 10 / EPOCHS,
        "milestones": (20 / EPOCHS, 50 / EPOCHS),
        "augment": {"pad": 10, "flip": 0.5},
        "model": {"backbone": "resnet50", "pretrained": True},
        "precision": "bf16",
        "graph": True,
        "log_every": 100,
        "checkpoint_every": 1000,
    },
}
CAJ = {"colour": "exchange", "erase": 0.5}  # what channel-augmented joint learning adds to the augmentation
PEOPLE_METHODS: dict[str, dict[str, Any]] = {
    "two-stream": {},
    "mun": {"augment": CAJ},
    # at weight 1 the branches take the shared stages over; chosen on held-out training people
    "enhancing": {"augment": CAJ, "weights": {"intra": 0.1}},
    # people walk on between two cameras: nothing lies on top of anything, so what is transformed is compared as a whole
    "marrnet": {
        "augment": CAJ,
        "model": {"triplet": "weighted", "transform": "perceptual", "unet_width": 8, "unet_widest": 64},
        "weights": {"adv": 0.05},
    },
}

# Faces. Ours: the sizes of crops that face recognition trains at, and a schedule that the small profiles scale down.
FACES = ("cufs", "cufsf", "casia-nir-vis", "tufts")
ALIGNED_FACES = ("cufs", "cufsf", "tufts")  # both pictures of a pair show one moment, or a drawing of it
FACE_SIZES = {"tiny": (32, 32), "demo": (64, 64), "paper": (112, 112)}
FACE_AUGMENT = {"flip": 0.5, "warp": 0.05, "light": 0.2, "colour": "grey"}
FACE_PROFILES: dict[str, dict[str, Any]] = {
    "tiny": {"steps": 30, "identities": 8, "model": {"backbone": "resnet10"}},
    "demo": {"steps": 150, "identities": 32, "model": {"backbone": "resnet10"}, "precision": "bf16"},
    "paper": {
        "steps": 6000,
        "identities": 64,
        "learning_rate": 3e-4,
        "model": {"backbone": "resnet50", "pretrained": True},
        "precision": "bf16",
        "graph": True,
        "log_every": 100,
        "checkpoint_every": 500,
    },
}
FACE_METHODS: dict[str, dict[str, Any]] = {
    "two-stream": {},
    "mun": {},
    "enhancing": {"weights": {"intra": 0.1}},
    # chosen among seven on the three sets' stand-ins of seed 1, three seeds each
    "marrnet": {
        "unet_rate": 3.0,
        "model": {"triplet": "weighted", "unet_width": 8, "unet_widest": 64},
        "weights": {"rec": 0.3, "tra": 0.3, "per": 0.3, "adv": 0.05},
    },
}


def check_profile(name: str) -> None:
    """Refuse a profile that nobody has made.

    Raises
    ------
    SpecError
        There is no such profile; the known ones are listed.
    """
    if name not in PROFILES:
        raise SpecError(f"unknown profile '{name}'; known: {', '.join(PROFILES)}")


def rruff(method: str, profile: str) -> dict[str, Any]:
    """Return the settings of a trained method on spectra."""
    sizes = {"steps": STEPS[profile], "identities": IDENTITIES[profile]}
    return sizes | SPECTRA | SPECTRA_METHODS[method]


def people(benchmark: str, method: str, profile: str) -> dict[str, Any]:
    """Return the settings of a trained method on images of people."""
    length = {"steps": EPOCHS * STEPS_PER_EPOCH[benchmark]} if profile == "paper" else {}
    return _merged(PEOPLE[profile] | length | {"size": PEOPLE_SIZES[profile]}, PEOPLE_METHODS[method])


def faces(benchmark: str, method: str, profile: str) -> dict[str, Any]:
    """Return the settings of a trained method on faces: one pair an identity and step where sets hold one pair each."""
    aligned = benchmark in ALIGNED_FACES
    base = {
        "samples": 1 if aligned else 2,
        "size": FACE_SIZES[profile],
        "learning_rate": 1e-3,
        "weight_decay": 0.05,
        "augment": FACE_AUGMENT | {"pad": FACE_SIZES[profile][0] // 16, "together": aligned},
    } | FACE_PROFILES[profile]
    settings = _merged(base, FACE_METHODS[method])
    if method == "marrnet" and not aligned:
        settings["model"]["transform"] = "perceptual"
    return settings


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a profile with a method's own; of two dictionaries under one name, both entries."""
    nested = {key: base.get(key, {}) | own[key] for key in own if isinstance(own[key], dict)}
    return base | own | nested


def recipe(benchmark: str, method: str, profile: str, dims: int | None = None) -> dict[str, Any]:
    """Return the settings of a trained method in a profile; KeyError if nobody has made a recipe for the pair."""
    if benchmark == "rruff" or dims == 1:
        return rruff(method, profile)
    if benchmark in FACES:
        return faces(benchmark, method, profile)
    return people(benchmark, method, profile)


def size_of(benchmark: str, profile: str) -> tuple[int, int] | None:
    """Return the height and width at which a benchmark's images are loaded; None for spectra."""
    if benchmark == "rruff":
        return None
    return (FACE_SIZES if benchmark in FACES else PEOPLE_SIZES)[profile]


STANDINS: dict[str, dict[str, dict[str, int]]] = {  # knobs of the stand-in that a profile runs on
    "rruff": {
        "tiny": {"identities": 40},
        "demo": {"identities": 365, "specimens": 3},
        "paper": {"identities": 365, "specimens": 3},
    },
    "sysu-mm01": {
        "tiny": {"identities": 30, "images": 4},
        "demo": {"identities": 150, "images": 12},
        "paper": {"identities": 491, "images": 24},
    },
    "regdb": {
        "tiny": {"identities": 24, "images": 4},
        "demo": {"identities": 120},
        "paper": {"identities": 412},
    },
    "llcm": {
        "tiny": {"identities": 30, "images": 3},
        "demo": {"identities": 150},
        "paper": {"identities": 1064},
    },
    "cufs": {"tiny": {"identities": 40}, "demo": {"identities": 606}, "paper": {"identities": 606}},
    "cufsf": {"tiny": {"identities": 40}, "demo": {"identities": 1194}, "paper": {"identities": 1194}},
    "casia-nir-vis": {
        "tiny": {"identities": 40, "images": 2},
        "demo": {"identities": 400, "images": 4},
        "paper": {"identities": 725, "images": 12},
    },
    "tufts": {
        "tiny": {"identities": 30, "images": 2},
        "demo": {"identities": 112, "images": 8},
        "paper": {"identities": 112, "images": 14},
    },
}
