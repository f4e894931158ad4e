"""What the methods with cmUNet in front of the extractor share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xmodal_lite.models.backbone import unit_range
from xmodal_lite.models.cmunet import check_size
from xmodal_lite.models.matcher import Matcher, check_modality


class Translator(Matcher):
    """Embeds translations u = U(x) instead of the samples. It stands before the method that embeds.

    Attributes
    ----------
    dims : int
        1 for spectra, 2 for images.
    unet : nn.Module or None
        cmUNet; without it a sample is its own translation.
    """

    dims: int
    unet: nn.Module | None

    def translate(self, x: Tensor, modality: int) -> Tensor:
        """Return the modality-agnostic representation u = U(x), (B, C, ...) or (B, 2C, ...) for both targets."""
        check_modality(modality)
        if self.unet is None:
            return x
        check_size(x.shape[2:])
        return self.unet(unit_range(x), modality)

    def embed(self, x: Tensor, modality: int) -> Tensor:
        """See `Matcher.embed`: F(U(x)), of unit length."""
        return super().embed(self.translate(x, modality), modality)

    def measured(self, samples: Tensor) -> Tensor | None:
        """Return which points set a target: black is a colour, while a spectrum is 0 where nothing was measured."""
        return None if self.dims == 1 else torch.ones_like(samples[:1, :1], dtype=torch.bool)
