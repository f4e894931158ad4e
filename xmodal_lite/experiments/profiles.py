"""The recipes, by benchmark, method and profile: one place to read what was run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
DROPOUT, TEMPERATURE = {"dropout": 0.3}, {"temperature": 0.1}
SPECTRA_METHODS: dict[str, dict[str, Any]] = {
    "two-stream": {"model": DROPOUT},
    "contrastive": {"model": DROPOUT | TEMPERATURE},
    "marrnet": {
        "model": DROPOUT | TEMPERATURE | {"unet_width": 8, "unet_widest": 16},
        "weights": {"id": 0.3, "tri": 1.0, "rec": 0.5, "tra": 0.5, "adv": 0.05, "per": 0.1},
    },
}


def rruff(method: str, profile: str) -> dict[str, Any]:
    """Return the settings of a trained method on spectra."""
    sizes = {"steps": STEPS[profile], "identities": IDENTITIES[profile]}
    return sizes | SPECTRA | SPECTRA_METHODS[method]


RECIPES: dict[str, Callable[[str, str], dict[str, Any]]] = {"rruff": rruff}
