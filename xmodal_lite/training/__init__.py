"""Training: a recipe, a loop, checkpoints that survive a kill."""

from xmodal_lite.training.checkpoint import Checkpoint, latest_checkpoint, load_checkpoint, save_checkpoint
from xmodal_lite.training.fit import DivergedError, Fitted, draw_seed, fit
from xmodal_lite.training.recipe import Recipe
from xmodal_lite.training.training_set import TrainingSet

__all__ = [
    "Checkpoint",
    "DivergedError",
    "Fitted",
    "Recipe",
    "TrainingSet",
    "draw_seed",
    "fit",
    "latest_checkpoint",
    "load_checkpoint",
    "save_checkpoint",
]
