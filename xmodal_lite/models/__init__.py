"""Models: tensors in, embeddings and losses out."""

from __future__ import annotations

from typing import Any

from xmodal_lite.models.backbone import Backbone, ImageBackbone, SpectrumBackbone, make_backbone
from xmodal_lite.models.cmunet import CrossModalityUNet
from xmodal_lite.models.contrastive import Contrastive
from xmodal_lite.models.enhancing import Enhancing
from xmodal_lite.models.extractor import Extractor, Neck, SharedExtractor, TwoBranches
from xmodal_lite.models.marrnet import MarrNet
from xmodal_lite.models.matcher import Batch, Matcher
from xmodal_lite.models.mun import MUN
from xmodal_lite.models.options import check_dims, check_options, option_defaults
from xmodal_lite.models.resnet1d import ResNet1d
from xmodal_lite.models.two_stream import Setup, TwoStream

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

_MODELS: dict[str, type[TwoStream]] = {
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
    check_dims(dims)
    model = _MODELS[name]
    network: type[TwoBranches] | type[Backbone] = ImageBackbone if dims == 2 else model.spectrum_extractor
    own = option_defaults(model)
    check_options(name, options, own | option_defaults(network, *([] if dims == 2 else [ResNet1d])))
    of_network = {option: value for option, value in options.items() if option not in own}

    def make_extractor(**channels: Any) -> Extractor:
        made = network(**channels, **of_network)
        return SharedExtractor(made) if isinstance(made, Backbone) else made

    options = {option: value for option, value in options.items() if option in own}
    return model(Setup(dims, num_classes, make_extractor), **options)
