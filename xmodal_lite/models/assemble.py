"""Put a method together: its extractor for the kind of samples, and the options of both."""

from __future__ import annotations

from typing import Any

from xmodal_lite.models.backbone import Backbone, ImageBackbone
from xmodal_lite.models.extractor import Extractor, SharedExtractor, TwoBranches
from xmodal_lite.models.matcher import Matcher
from xmodal_lite.models.options import check_dims, check_options, option_defaults
from xmodal_lite.models.resnet1d import ResNet1d
from xmodal_lite.models.two_stream import Setup, TwoStream


def assemble(
    name: str, model: type[TwoStream], dims: int, num_classes: int, options: dict[str, Any]
) -> Matcher:
    """Make a method of a class; see `xmodal_lite.models.build`, which takes its name instead.

    Raises
    ------
    ValueError
        An option is unknown to the method and to its extractor, or a value is not allowed.
    """
    check_dims(dims)
    network: type[TwoBranches] | type[Backbone] = ImageBackbone if dims == 2 else model.spectrum_extractor
    own = option_defaults(model)
    check_options(name, options, own | option_defaults(network, *([] if dims == 2 else [ResNet1d])))
    of_network = {option: value for option, value in options.items() if option not in own}

    def make_extractor(**channels: Any) -> Extractor:
        made = network(**channels, **of_network)
        return SharedExtractor(made) if isinstance(made, Backbone) else made

    return model(
        Setup(dims, num_classes, make_extractor),
        **{option: value for option, value in options.items() if option in own},
    )
