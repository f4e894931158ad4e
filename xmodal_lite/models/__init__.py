"""Models: tensors in, embeddings and losses out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xmodal_lite._lazy import lazy_names

if TYPE_CHECKING:
    from xmodal_lite.models.matcher import Matcher

__all__ = [
    "MUN",
    "Backbone",
    "Batch",
    "Combined",
    "Contrastive",
    "CrossModalityUNet",
    "Enhancing",
    "ImageBackbone",
    "LineageUNet",
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

_MODELS = {  # the registry: module and class of each method that is trained
    "contrastive": "contrastive.Contrastive",
    "two-stream": "two_stream.TwoStream",
    "marrnet": "marrnet.MarrNet",
    "mun": "mun.MUN",
    "enhancing": "enhancing.Enhancing",
    "combined": "combined.Combined",
}
_CLASSICAL = ("cosine", "cca", "kernel-ridge", "pls", "mean")  # classes in xmodal_lite.models.classical

__getattr__ = lazy_names(  # torch is loaded with the first of these
    __name__,
    {
        "backbone": "Backbone ImageBackbone SpectrumBackbone make_backbone",
        "cmunet": "CrossModalityUNet",
        "combined": "Combined",
        "contrastive": "Contrastive",
        "enhancing": "Enhancing",
        "extractor": "Neck SharedExtractor TwoBranches",
        "lineage_unet": "LineageUNet",
        "marrnet": "MarrNet",
        "matcher": "Batch Matcher",
        "mun": "MUN",
        "resnet1d": "ResNet1d",
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
    from xmodal_lite.models.assemble import assemble

    module, own = _MODELS[name].split(".")
    model = getattr(import_module(f"{__name__}.{module}"), own)
    return assemble(name, model, dims, num_classes, options)
