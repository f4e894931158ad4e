"""cmUNet: a small U-Net that translates samples of both modalities in the space of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.models.layers import CONTEXT, CONVOLUTION, LINEAR, MEAN_POOL, WINDOW_MEAN
from xmodal_lite.models.options import check_dims

SMALLEST = 16  # points along an axis: cmUNet halves them to one, and the discriminator sees one patch in them


class CrossModalityUNet(nn.Module):
    """Encoder and decoder with skip connections; one set of weights for both modalities.

    Each level of the encoder halves the sample and doubles the channels up to `widest`. At the bottom, a linear map
    over all positions connects every position of the input to every one of the output: a vibration's infrared and Raman
    lines can be hundreds of cm^-1 apart, and how a face is lit shows in all of it. A learned embedding of the modality,
    at the top and at the bottom, tells the weights which one they read. The output is the input plus a residual that
    starts at 0, so that an untrained cmUNet changes nothing.

    The paper states the encoder-decoder and the space of its output (Niu et al. 2024); everything else is ours.

    Parameters
    ----------
    dims : int
        1 for spectra, 2 for images.
    channels : int
        Channels of a sample: 1 of a spectrum, 3 of an image.
    width : int
        Channels of the first level.
    widest : int
        Largest number of channels.
    depth : int
        Number of halvings. Sizes need not be multiples of 2**depth, but one axis must be longer than that: of a
        single point at the bottom, instance normalisation would leave nothing.
    context : int, optional
        Positions per axis that the linear map at the bottom sees; larger bottoms are averaged down to it. By default
        32 of a spectrum and 4 x 4 of an image.
    downscale : int
        Points along each axis that are averaged before the first level; the correction is interpolated to the
        sample's size. It is then smooth at that scale and costs a downscale**dims-th.
    targets : int
        1: the output lives in the space of v; 2: in that of v and, stacked on the channels, in that of r.
    """

    def __init__(
        self,
        dims: int = 1,
        *,
        channels: int = 1,
        width: int = 16,
        widest: int = 32,
        depth: int = 4,
        context: int | None = None,
        downscale: int = 1,
        targets: int = 1,
    ) -> None:
        super().__init__()
        check_dims(dims)
        widths = [min(width * 2**level, widest) for level in range(depth + 1)]
        context = CONTEXT[dims] if context is None else context
        self.dims, self.targets, self.context, self.downscale = dims, targets, context, downscale
        self.encoder = nn.ModuleList(
            _layer(dims, inputs, outputs, stride=1 if level == 0 else 2)
            for level, (inputs, outputs) in enumerate(zip([channels, *widths[:-1]], widths, strict=True))
        )
        self.decoder = nn.ModuleList(_layer(dims, here + below, here) for here, below in pairwise(widths))
        self.modality_embedding = nn.Parameter(torch.zeros(2, widths[0], *[1] * dims))
        self.bottleneck_embedding = nn.Parameter(torch.zeros(2, widths[-1], *[context] * dims))
        self.bottleneck = nn.Linear(widths[-1] * context**dims, widths[-1] * context**dims)
        self.residual_head = CONVOLUTION[dims](widths[0], channels * targets, 1)
        for parameter in self.residual_head.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, modality: int) -> Tensor:
        """Translate samples.

        Parameters
        ----------
        x : Tensor
            (B, C, ...) samples of one modality.
        modality : int
            0 for v, 1 for r.

        Returns
        -------
        Tensor
            (B, C * targets, ...).
        """
        convolution, norm, relu = self.encoder[0].children()
        # before the ReLU: a constant behind it would be undone by the norm of every layer that reads it
        z = norm(convolution(self._downscaled(x)))
        # (B, width, ...); in 16 bits where z is
        levels = [relu(z + self.modality_embedding[modality].to(z.dtype))]
        for layer in self.encoder[1:]:
            levels.append(layer(levels[-1]))  # half the size each time
        z = levels.pop()
        z = z + self._everywhere(z, modality)
        for layer, skip in zip(reversed(self.decoder), reversed(levels), strict=True):
            z = layer(torch.cat([skip, functional.interpolate(z, size=skip.shape[2:])], dim=1))
        correction = self.residual_head(z)
        if self.downscale > 1:
            correction = functional.interpolate(correction, size=x.shape[2:], mode=LINEAR[self.dims])
        return torch.cat([x] * self.targets, dim=1) + correction

    def _downscaled(self, x: Tensor) -> Tensor:
        """Average `downscale` points along each axis; a shorter rest at the end makes a window of its own."""
        return x if self.downscale == 1 else WINDOW_MEAN[self.dims](x, self.downscale, ceil_mode=True)

    def _everywhere(self, z: Tensor, modality: int) -> Tensor:
        """Mix all positions (and channels) of the bottom linearly; (B, C, ...) to the same shape."""
        small = MEAN_POOL[self.dims](z, self.context) + self.bottleneck_embedding[modality]
        mixed = self.bottleneck(small.flatten(1)).view_as(small)
        return functional.interpolate(mixed, size=z.shape[2:])


def check_size(size: Sequence[int]) -> None:
    """Refuse samples that are too small to halve four times.

    Raises
    ------
    ValueError
        An axis is shorter than 16 points, or none is longer.
    """
    if min(size) < SMALLEST or max(size) == SMALLEST:
        raise ValueError(
            f"cmUNet and its discriminator need {SMALLEST} points or more along every axis, and more along one, got "
            f"{' x '.join(map(str, size))}; load larger samples, or set model.unet to false"
        )


def _layer(dims: int, inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Return convolution, instance normalisation (one group per channel), ReLU."""
    return nn.Sequential(
        CONVOLUTION[dims](inputs, outputs, 3, stride, 1, bias=False),
        nn.GroupNorm(outputs, outputs),
        nn.ReLU(),
    )
