"""Models: tensors in, embeddings and losses out."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any

from torch import nn

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

_MODELS: dict[str, tuple[type[Matcher], type[nn.Module]]] = {  # each with its extractor of spectra
    "contrastive": (Contrastive, TwoBranches),
    "two-stream": (TwoStream, TwoBranches),
    "marrnet": (MarrNet, TwoBranches),
    "mun": (MUN, SpectrumBackbone),
    "enhancing": (Enhancing, SpectrumBackbone),
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
        Identities of the training set, 1 or more.
    **options
        See the model's class; for its extractor `ImageBackbone` (images), or `ResNet1d` and that one of `TwoBranches`
        and `SpectrumBackbone` which the model uses (spectra).

    Returns
    -------
    Matcher
        In training mode.

    Raises
    ------
    ValueError
        The name, or an option of this model, is unknown (the known ones are listed), or a value is not allowed.
    """
    if name not in _MODELS:
        raise ValueError(f"unknown model '{name}'; known: {', '.join(_MODELS)}")
    if num_classes < 1:
        raise ValueError(f"need one identity or more to train on, got num_classes={num_classes}")
    model, of_spectra = _MODELS[name]
    known = _options(model, *((ImageBackbone,) if dims == 2 else (of_spectra, ResNet1d)))
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"model '{name}' has no option {', '.join(unknown)}; known: {', '.join(known)}")
    for option, value in options.items():
        if needed := _needed(value, known[option]):
            raise ValueError(
                f"model '{name}' does not take {option}={value!r}; it needs {needed}, such as {known[option]!r}"
            )
    return model(dims=dims, num_classes=num_classes, **options)


def _options(*classes: type) -> dict[str, Any]:
    """Return the keyword arguments of some constructors, with their defaults."""
    own = ("self", "dims", "num_classes", "channels", "pictures", "options")
    arguments = (item for cls in classes for item in inspect.signature(cls).parameters.items())
    return {name: argument.default for name, argument in arguments if name not in own}


def _needed(value: Any, default: Any) -> str:
    """Return in words what an option with such a default takes; nothing where the value is that."""
    match default:
        case bool():
            fits, words = isinstance(value, bool), "true or false"
        case int():
            fits, words = type(value) is int and value >= 1, "a whole number of 1 or more"
        case float():
            fits, words = type(value) in (int, float), "a number"
        case str():
            fits, words = isinstance(value, str), "a name"
        case _:
            fits, words = isinstance(value, Collection) and not isinstance(value, str), "a list of names"
    return "" if fits else words
