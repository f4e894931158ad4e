"""The training samples of a split, and the batch of any step on the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from xmodal_lite.data.augment_images import ImageAugmentation
from xmodal_lite.data.augment_spectra import SpectrumAugmentation
from xmodal_lite.data.augmentation import ImageSettings
from xmodal_lite.data.memmap import MemmapSamples, mapping_of, to_device
from xmodal_lite.data.sampler import Epoch, PairSampler
from xmodal_lite.data.table import SampleTable
from xmodal_lite.models.matcher import Batch
from xmodal_lite.recipe import Recipe

Samples: TypeAlias = "Tensor | MemmapSamples"


@dataclass
class TrainingSet:
    """Samples of both modalities, held on the device or left on disk, and the rule that makes batches of them.

    Attributes
    ----------
    v, r : Tensor or MemmapSamples
        (n_v, C, ...), (n_r, C, ...) samples.
    sampler : PairSampler
        Says which of them a step sees.
    augmentation : callable
        Takes the v and r samples of a batch, (N, C, ...) each, and returns them changed.
    """

    v: Samples
    r: Samples
    sampler: PairSampler
    augmentation: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

    def __post_init__(self) -> None:
        """Start without a drawn epoch."""
        self._drawn: tuple[int, Epoch] | None = None

    @classmethod
    def from_split(
        cls, table: SampleTable, samples: np.ndarray, rows: np.ndarray, recipe: Recipe, *, seed: int
    ) -> TrainingSet:
        """Take the training rows of a split: memory-mapped images stay on disk, anything else is copied.

        Parameters
        ----------
        table : SampleTable
            Describes all samples.
        samples : (n, C, ...) float32 spectra or uint8 images
            All samples.
        rows : (m,) int64
            The rows to train on.
        recipe : Recipe
            Gives P, K and the augmentation.
        seed : int
            Seeds the sampler.

        Raises
        ------
        ValueError
            An identity is seen in one modality only, or there is only one.
        """
        v, r = (rows[table.modality[rows] == m] for m in (0, 1))
        sampler = PairSampler(
            table.identity[v],
            table.identity[r],
            table.pair[v],
            table.pair[r],
            identities=recipe.num_identities,
            samples=recipe.num_instances,
            aligned=recipe.aligned_fraction,
            seed=seed,
        )
        return cls(_samples(samples, v), _samples(samples, r), sampler, augmentation(recipe))

    @property
    def num_classes(self) -> int:
        """Number of identities to distinguish."""
        return self.sampler.num_identities

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every identity is visited."""
        return self.sampler.steps_per_epoch

    def to(self, device: torch.device) -> TrainingSet:
        """Return the same set with its samples on a device, or at least its batches where they do not fit."""
        return replace(self, v=self.v.to(device), r=self.r.to(device))

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, augmented; its draws come from torch's generator of the device.

        Parameters
        ----------
        step : int
            Counted from 0 over the whole run.

        Returns
        -------
        Batch
            N = P * K pairs.
        """
        number, row = divmod(step, self.steps_per_epoch)
        if self._drawn is None or self._drawn[0] != number:
            self._drawn = (number, self.sampler.epoch(number))
        epoch, device = self._drawn[1], self.v.device
        v, r = self.augmentation(_take(self.v, epoch.v[row]), _take(self.r, epoch.r[row]))
        return Batch(v, r, to_device(epoch.labels[row], device), to_device(epoch.aligned[row], device))


def augmentation(recipe: Recipe) -> ImageAugmentation | SpectrumAugmentation:
    """Return the augmentation of a recipe's settings: call it with the v and r samples of a batch."""
    kind = ImageAugmentation if isinstance(recipe.augment, ImageSettings) else SpectrumAugmentation
    return kind(**recipe.augment.model_dump())


def _samples(samples: np.ndarray, rows: np.ndarray) -> Samples:
    if samples.dtype == np.uint8 and mapping_of(samples) is not None:
        return MemmapSamples(samples, rows)
    return torch.from_numpy(np.asarray(samples[rows]))


def _take(samples: Samples, positions: np.ndarray) -> Tensor:
    if isinstance(samples, MemmapSamples):
        return samples[positions]
    return samples[to_device(positions, samples.device)]
