"""Losses, one idea per file: embeddings (or samples) and labels in, a scalar out."""

from xmodal_lite.losses.adversarial import adversarial, reverse_gradient
from xmodal_lite.losses.info_nce import info_nce
from xmodal_lite.losses.perceptual import perceptual
from xmodal_lite.losses.reconstruction import reconstruction, transformation
from xmodal_lite.losses.weighted_triplet import weighted_triplet

__all__ = [
    "adversarial",
    "info_nce",
    "perceptual",
    "reconstruction",
    "reverse_gradient",
    "transformation",
    "weighted_triplet",
]
