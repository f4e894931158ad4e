"""Losses, one idea per file: embeddings (or samples) and labels in, a scalar out."""

from xmodal_lite.losses.adversarial import adversarial, reverse_gradient
from xmodal_lite.losses.batch_hard_triplet import batch_hard_triplet
from xmodal_lite.losses.gaussian_consistency import gaussian_consistency
from xmodal_lite.losses.hetero_center import hetero_center
from xmodal_lite.losses.hetero_center_triplet import hetero_center_triplet
from xmodal_lite.losses.identity_alignment import identity_alignment
from xmodal_lite.losses.info_nce import info_nce
from xmodal_lite.losses.mmd import mmd
from xmodal_lite.losses.modality_alignment import modality_alignment
from xmodal_lite.losses.moments import moments
from xmodal_lite.losses.perceptual import perceptual, perceptual_transformation
from xmodal_lite.losses.reconstruction import reconstruction, transformation
from xmodal_lite.losses.weighted_triplet import weighted_triplet

__all__ = [
    "adversarial",
    "batch_hard_triplet",
    "gaussian_consistency",
    "hetero_center",
    "hetero_center_triplet",
    "identity_alignment",
    "info_nce",
    "mmd",
    "modality_alignment",
    "moments",
    "perceptual",
    "perceptual_transformation",
    "reconstruction",
    "reverse_gradient",
    "transformation",
    "weighted_triplet",
]
