"""The recipe of a run: everything that is neither the model's code nor the data; validated without loading torch."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    NonNegativeFloat,
    PositiveFloat,
    Tag,
    ValidationInfo,
    field_validator,
)

from xmodal_lite.data.augmentation import ImageSettings, SpectrumSettings

LARGEST = 4096  # whole number among the options of a model, and side of an image: more fills the memory
LARGEST_BATCH = 1 << 14  # samples of a step in each modality
Side = Annotated[int, Field(ge=1, le=LARGEST)]


def _kind(augment: Any) -> str:
    """Tell settings for images from settings for spectra: no name is in both."""
    names = augment if isinstance(augment, dict) else getattr(type(augment), "model_fields", ())
    return "images" if set(names) & set(ImageSettings.model_fields) else "spectra"


class Recipe(BaseModel):
    """Settings of one training run; validated, so that an unknown name or a value out of range never starts a run.

    Attributes
    ----------
    steps : int
        Optimizer steps in all.
    num_identities, num_instances : int
        P and K: each step sees K samples of P identities in each modality.
    aligned_fraction : float
        Share of the pairs whose two samples are of one specimen, where the identity has such a pair.
    image_size : tuple of int, optional
        Height and width of images; None for spectra.
    optimizer : {"adamw", "sgd"}
        The second is SGD with Nesterov momentum 0.9.
    lr, weight_decay : float
        Of the optimizer.
    lr_multipliers : dict of str to float
        Factor of the learning rate for a part of the model, by the part's name in the model's `lr_groups`, such as
        {"head": 10, "unet": 3}. "head" is what starts from random weights where the rest is pretrained: necks,
        classifiers and the discriminator, whose gradient is as small as the weight of its loss.
    warmup : float
        Share of the steps in which the learning rate rises linearly.
    milestones : tuple of float
        Shares of the steps, between 0 and 1, after which the rate falls tenfold; without any it falls along a half
        cosine to 0.
    ema_decay : float
        Decay of the exponential moving average of the weights, which is what is tested; 0 tests the last weights.
    loss_weights : dict of str to float
        Factor of each loss by name, 0 or more; a loss that is not named counts once.
    augment : SpectrumSettings or ImageSettings
        Strengths of the augmentation, of spectra or of images; by default samples are seen as they are.
    model : dict
        Options for `xmodal_lite.models.build`, by name.
    precision : {"no", "bf16", "fp16"}
        Automatic mixed precision, as Accelerate names it; see `usable_precision` for devices that lack it.
    grad_accumulation : int
        Parts that a step is computed in, one after the other, of P / grad_accumulation identities, to save memory. The
        optimizer sees the mean of their gradients, so its batch is as large as before. What a loss compares, and what a
        batch norm averages, is within a part: a triplet loss finds its negatives among fewer identities.
    compile : bool
        Let `torch.compile` fuse the step's operations. The first step then takes minutes, and last digits differ.
    cuda_graph : bool
        On a GPU, record the passes of a step as a CUDA graph and replay it; the operations are the same, only Python no
        longer launches each. Only where one process computes a step in one part without scaled gradients (of fp16);
        elsewhere, and on a processor, steps run as ever.
    log_every, checkpoint_every : int
        In steps. A kill loses at most `checkpoint_every` steps.
    threads : int
        CPU threads. Results repeat bit for bit only under the same number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    steps: int = Field(ge=1)
    num_identities: int = Field(ge=2)
    num_instances: int = Field(ge=1)
    aligned_fraction: float = Field(default=1.0, ge=0, le=1)
    image_size: tuple[Side, Side] | None = None
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(gt=0)
    lr_multipliers: dict[str, PositiveFloat] = {}
    weight_decay: float = Field(default=0.0, ge=0)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    milestones: tuple[float, ...] = ()
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    loss_weights: dict[str, NonNegativeFloat] = {}
    augment: Annotated[
        Annotated[SpectrumSettings, Tag("spectra")] | Annotated[ImageSettings, Tag("images")],
        Discriminator(_kind),
    ] = SpectrumSettings()
    model: dict[str, JsonValue] = {}
    precision: Literal["no", "bf16", "fp16"] = "no"
    grad_accumulation: int = Field(default=1, ge=1)
    compile: bool = False
    cuda_graph: bool = False
    log_every: int = Field(default=20, ge=1)
    checkpoint_every: int = Field(default=100, ge=1)
    threads: int = Field(default=1, ge=1)

    @field_validator("num_instances")
    @classmethod
    def _batch(cls, num_instances: int, info: ValidationInfo) -> int:
        size = num_instances * info.data.get("num_identities", 1)
        if size > LARGEST_BATCH:
            raise ValueError(
                f"num_identities x num_instances is {size:,} samples a step in each modality, {LARGEST_BATCH:,} are "
                "the most; take fewer"
            )
        return num_instances

    @field_validator("milestones")
    @classmethod
    def _shares(cls, milestones: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < share < 1 for share in milestones):
            raise ValueError(
                f"these are shares of the steps, between 0 and 1, not steps or epochs; got {milestones}"
            )
        return milestones

    @field_validator("model")
    @classmethod
    def _options(cls, model: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if given := {"dims", "num_classes"} & model.keys():
            raise ValueError(f"the data decide {' and '.join(sorted(given))}; leave it out")
        for name, value in model.items():
            if isinstance(value, int) and value > LARGEST:
                raise ValueError(f"{name}={value} is more than {LARGEST}, the largest size of a layer")
        return model

    def lr_at(self, step: int) -> float:
        """Return the learning rate of a step (counted from 0): warm-up, then milestones or half a cosine to 0."""
        warm = self.warmup * self.steps
        if step < warm:
            return self.lr * (step + 1) / (warm + 1)
        if self.milestones:
            return self.lr * 0.1 ** sum(step >= share * self.steps for share in self.milestones)
        done = (step - warm) / (self.steps - warm)
        return self.lr * 0.5 * (1 + math.cos(math.pi * done))


class ClassicalRecipe(BaseModel):
    """Settings of a method that is fitted in closed form.

    Attributes
    ----------
    options : dict
        Keyword arguments of the method's class in `xmodal_lite.models.classical`.
    threads : int
        CPU threads.
    image_size : tuple of int, optional
        Height and width of images; None for spectra.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    options: dict[str, JsonValue] = {}
    threads: int = Field(default=1, ge=1)
    image_size: tuple[Side, Side] | None = None
