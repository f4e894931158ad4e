"""Small trainings that are to end alike in however many processes; started by `test_distributed.py` in one and in two.

    python tests/training/distributed_worker.py FOLDER

writes the weights and the logged losses of every case into FOLDER, from the main process. All is in float64: in float32
the hardest pairs and the kinks of small networks let two orders of summing drift apart within three steps.
"""

import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from xmodal_lite.data.augment_images import ImageAugmentation
from xmodal_lite.data.augment_spectra import SpectrumAugmentation
from xmodal_lite.data.sampler import PairSampler
from xmodal_lite.data.spectra import Preparation
from xmodal_lite.models import build
from xmodal_lite.training import Recipe, TrainingSet, fit, make_accelerator

IDENTITIES, EACH = 6, 3  # of the training set; P is 4
SPECTRA = {"width": 4, "features": 16, "segments": 16, "dropout": 0.3}
IMAGES = {"backbone": "resnet10"}
CASES = {
    "two-stream spectra": ("two-stream", 1, {}, {}),
    "two-stream spectra in parts": ("two-stream", 1, {}, {"grad_accumulation": 2}),
    "two-stream images": ("two-stream", 2, {}, {}),
    "contrastive": ("contrastive", 1, {}, {}),
    "mun spectra": ("mun", 1, {}, {}),
    "mun mixed up": ("mun", 1, {"auxiliary": "mixup"}, {}),
    "mun without a classifier": ("mun", 1, {"losses": ["ia", "ma", "tri"]}, {}),
    "mun images": ("mun", 2, {}, {}),
    "mun middle images": ("mun", 2, {"auxiliary": "middle"}, {}),
    "enhancing spectra": ("enhancing", 1, {}, {}),
    "enhancing images": ("enhancing", 2, {"consistency": "per-identity"}, {}),
    "marrnet spectra": ("marrnet", 1, {"unet_width": 4, "unet_widest": 8, "adversary": "non_saturating"}, {}),
    "marrnet images": (
        "marrnet",
        2,
        {"unet_width": 4, "unet_widest": 8, "transform": "perceptual", "triplet": "weighted"},
        {},
    ),
}


class KilledError(Exception):
    """Stands for a kill."""


class Breaking(TrainingSet):
    """A training set that fails at its third step."""

    def batch(self, step):
        if step == 2:
            raise KilledError
        return super().batch(step)


def training_set(dims, erase=0.5):
    rng = np.random.default_rng(0)
    identity = np.repeat(np.arange(IDENTITIES), EACH)
    pair = np.where(np.arange(len(identity)) % EACH == 0, identity, -1)  # some are aligned
    sampler = PairSampler(identity, identity, pair, pair, identities=4, samples=2, seed=1)
    if dims == 1:
        length = len(Preparation().axis())
        v, r = (torch.from_numpy(rng.random((len(identity), 1, length))) for _ in range(2))
        return TrainingSet(
            v, r, sampler, SpectrumAugmentation(shared_stretch=0.02, shift=4.0, noise=0.02, mask_prob=0.2)
        )
    v, r = (
        torch.from_numpy(rng.integers(0, 256, (len(identity), 3, 32, 16), dtype=np.uint8)) for _ in range(2)
    )
    return TrainingSet(v, r, sampler, ImageAugmentation(pad=2, flip=0.5, erase=erase, colour="exchange"))


def in_float64():
    """Let what is float32 elsewhere be float64 in this process."""
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double


def train(case, folder=None, data=None):
    name, dims, options, changes = CASES[case]
    recipe = Recipe(
        steps=3,
        num_identities=4,
        num_instances=2,
        optimizer="sgd",
        lr=0.01,
        warmup=0.0,
        ema_decay=0.9,
        log_every=1,
        checkpoint_every=1,
        **changes,
    )
    torch.manual_seed(7)
    matcher = build(name, dims=dims, num_classes=IDENTITIES, **(SPECTRA if dims == 1 else IMAGES), **options)
    accelerator = make_accelerator(device="cpu")
    # Where a rectangle is one colour, the maxima of a pooling are equal but for rounding, and through which of them the
    # gradient goes on is chance: only MarrNet has weights in front of that.
    erase = 0.0 if name == "marrnet" else 0.5
    return fit(
        matcher,
        data or training_set(dims, erase),
        recipe,
        seed=3,
        folder=folder,
        owner="me",
        accelerator=accelerator,
    )


def resume(case, folder):
    """Train, be killed in the third step, and start again."""
    whole = training_set(CASES[case][1])
    broken = Breaking(whole.v, whole.r, whole.sampler, whole.augmentation)
    try:
        train(case, folder, broken)
    except KilledError:  # a restart comes later: the main process may still be writing its checkpoint
        make_accelerator(device="cpu").reduce(torch.zeros(1))
        return train(case, folder, replace(whole))
    raise AssertionError("it was not killed")


def main(folder):
    torch.set_num_threads(1)
    in_float64()
    warnings.simplefilter("ignore")
    main_process = make_accelerator(device="cpu").is_main_process
    for case in CASES:
        fitted = train(case)
        if main_process:
            torch.save([fitted.matcher.state_dict(), fitted.history], folder / f"{case}.pt")
    fitted = resume("two-stream spectra", folder / "run")
    if main_process:
        torch.save([fitted.matcher.state_dict(), fitted.history], folder / "resumed.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
