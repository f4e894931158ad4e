"""Models: tensors in, embeddings and losses out."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from xmodal_lite._lazy import lazy_names

if TYPE_CHECKING:
    from xmodal_lite.models.matcher import Matcher

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
    "classical_names",
    "make_backbone",
    "model_names",
]

_MODELS = {  # class of each model and of its extractor of spectra
    "contrastive": ("Contrastive", "TwoBranches"),
    "two-stream": ("TwoStream", "TwoBranches"),
    "marrnet": ("MarrNet", "TwoBranches"),
    "mun": ("MUN", "SpectrumBackbone"),
    "enhancing": ("Enhancing", "SpectrumBackbone"),
}
_CLASSICAL = ("cosine", "cca", "kernel-ridge")  # classes in xmodal_lite.models.classical

__getattr__ = lazy_names(  # torch is loaded with the first of these
    __name__,
    {
        "backbone": "Backbone ImageBackbone Neck ResNet1d SharedExtractor SpectrumBackbone TwoBranches make_backbone",
        "cmunet": "CrossModalityUNet",
        "contrastive": "Contrastive",
        "enhancing": "Enhancing",
        "marrnet": "MarrNet",
        "matcher": "Batch Matcher",
        "mun": "MUN",
        "two_stream": "TwoStream",
    },
)


def model_names() -> tuple[str, ...]:
    """Return the names that `build` knows."""
    return tuple(_MODELS)


def classical_names() -> tuple[str, ...]:
    """Return the names that `xmodal_lite.models.classical.build_classical` knows."""
    return _CLASSICAL


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
    own, of_spectra = _MODELS[name]
    parts = ("ImageBackbone",) if dims == 2 else (of_spectra, "ResNet1d")
    model, *extractor = map(__getattr__, (own, *parts))
    known = _options(model, *extractor)
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
