"""Training: a recipe, a loop, checkpoints that survive a kill."""

from xmodal_lite.recipe import Recipe
from xmodal_lite.training.checkpoint import Checkpoint, latest_checkpoint, load_checkpoint, save_checkpoint
from xmodal_lite.training.device import (
    DEVICES,
    check_device,
    choose_device,
    main_process_first,
    make_accelerator,
    usable_precision,
)
from xmodal_lite.training.environment import several_processes
from xmodal_lite.training.fit import TrainResult, fit
from xmodal_lite.training.flops import flop_counter, speed, step_flop, utilisation
from xmodal_lite.training.loss_log import DivergedError
from xmodal_lite.training.step import draw_seed
from xmodal_lite.training.training_set import TrainingSet, augmentation

__all__ = [
    "DEVICES",
    "Checkpoint",
    "DivergedError",
    "Recipe",
    "TrainResult",
    "TrainingSet",
    "augmentation",
    "check_device",
    "choose_device",
    "draw_seed",
    "fit",
    "flop_counter",
    "latest_checkpoint",
    "load_checkpoint",
    "main_process_first",
    "make_accelerator",
    "save_checkpoint",
    "several_processes",
    "speed",
    "step_flop",
    "usable_precision",
    "utilisation",
]
