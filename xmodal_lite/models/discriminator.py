"""A discriminator that classifies each patch of a sample by itself."""

from __future__ import annotations

from torch import Tensor, nn

from xmodal_lite.models.layers import CONVOLUTION


class PatchDiscriminator(nn.Module):
    """Three strided convolutions: a logit per patch, high for "this was made from v".

    Ours; the shape follows the patch discriminator of Isola et al., CVPR 2017, section 3.2.2.

    Parameters
    ----------
    dims : int
        1 for spectra, 2 for images.
    channels : int
        Channels of the input.
    width : int
        Channels of the first layer; the second has twice as many.
    """

    def __init__(self, dims: int = 1, *, channels: int = 1, width: int = 8) -> None:
        super().__init__()
        convolution = CONVOLUTION[dims]
        self.layers = nn.Sequential(
            convolution(channels, width, 4, 4),
            nn.LeakyReLU(0.2),
            convolution(width, 2 * width, 4, 4),
            nn.LeakyReLU(0.2),
            convolution(2 * width, 1, 3, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, C, ...), 16 points or more along every axis; return logits (B, 1, ...), a sixteenth of the size."""
        return self.layers(x)
