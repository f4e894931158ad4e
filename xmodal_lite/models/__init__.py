"""Models: tensors in, embeddings and losses out."""

from __future__ import annotations

import inspect
from typing import Any

from xmodal_lite.models.backbone import (
    Backbone,
    ImageBackbone,
    Neck,
    ResNet1d,
    SharedExtractor,
    SpectrumBackbone,
    TwoBranches,
    make_backbone,
)
from xmodal_lite.models.cmunet import CrossModalityUNet
from xmodal_lite.models.contrastive import Contrastive
from xmodal_lite.models.enhancing import Enhancing
from xmodal_lite.models.marrnet import MarrNet
from xmodal_lite.models.matcher import Batch, Matcher
from xmodal_lite.models.mun import MUN
from xmodal_lite.models.two_stream import TwoStream

__all__ = [
    "MUN",
    "Backbone",
    "Batch",
    "Contrastive",
    "CrossModalityUNet",
    "Enhancing",
    "ImageBackbone",
    "MarrNet",
    "Matcher",
    "Neck",
    "ResNet1d",
    "SharedExtractor",
    "SpectrumBackbone",
    "TwoBranches",
    "TwoStream",
    "build",
    "make_backbone",
    "model_names",
]

_MODELS: dict[str, type[Matcher]] = {
    "contrastive": Contrastive,
    "two-stream": TwoStream,
    "marrnet": MarrNet,
    "mun": MUN,
    "enhancing": Enhancing,
}


def model_names() -> tuple[str, ...]:
    """Return the names that `build` knows."""
    return tuple(_MODELS)


def build(name: str, *, dims: int, num_classes: int, **options: Any) -> Matcher:
    """Make a model with fresh weights, drawn from torch's global generator.

    Parameters
    ----------
    name : str
        One of `model_names()`.
    dims : int
        1 for spectra, 2 for images.
    num_classes : int
        Identities of the training set.
    **options
        See the model's class; for its extractor `TwoBranches`, `SpectrumBackbone` and `ResNet1d` (spectra) or
        `ImageBackbone` (images).

    Returns
    -------
    Matcher
        In training mode.

    Raises
    ------
    ValueError
        The name or an option is unknown (the known ones are listed), or a value is not allowed.
    """
    if name not in _MODELS:
        raise ValueError(f"unknown model '{name}'; known: {', '.join(_MODELS)}")
    model = _MODELS[name]
    extractors = (ImageBackbone,) if dims == 2 else (TwoBranches, SpectrumBackbone, ResNet1d)
    known = _options(model, *extractors)
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"model '{name}' has no option {', '.join(unknown)}; known: {', '.join(known)}")
    return model(dims=dims, num_classes=num_classes, **options)


def _options(*classes: type) -> list[str]:
    """Return the names of the keyword arguments of some constructors."""
    own = ("self", "dims", "num_classes", "channels", "pictures", "options")
    names = (name for cls in classes for name in inspect.signature(cls).parameters if name not in own)
    return list(dict.fromkeys(names))
