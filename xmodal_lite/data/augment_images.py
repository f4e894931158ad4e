"""Augmentation of images: whole-batch tensor code on uint8, one draw per sample, on the samples' own device."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_lite.colour import LUMA
from xmodal_lite.data.augmentation import ImageSettings
from xmodal_lite.data.corruption import corrupt_images

MEAN_COLOUR = (124, 116, 104)  # of ImageNet, 0..255
SHAPES = 10 / 3  # an erased rectangle is at most so many times as high as wide, or as wide as high
SOURCES = {  # where the three channels come from, one row for each equally likely outcome; 3 is grey
    "grey": ((0, 1, 2), (3, 3, 3)),
    "exchange": ((0, 1, 2), (3, 3, 3), (0, 0, 0), (1, 1, 1), (2, 2, 2)),
}


class ImageAugmentation(ImageSettings):
    """Changes a batch of training images by the strengths of its settings.

    Call it with the v (visible) and r (infrared) samples of a batch. Every image has draws of its own, from torch's
    global generator of its device; nothing waits for the device, but for the corruption, which works on the processor.
    """

    def __call__(self, v: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
        """Return changed copies of the samples of a batch, or the samples themselves where nothing is switched on.

        Parameters
        ----------
        v, r : Tensor
            (N, 3, H, W) uint8 images of modality v and of modality r.

        Raises
        ------
        ValueError
            The samples are not uint8 images of three channels, there are none, or the shapes differ.
        """
        for x in (v, r):
            if x.dtype != torch.uint8 or x.ndim != 4 or x.shape[1] != 3 or x.shape != v.shape or not len(x):
                shapes = f"{tuple(v.shape)} {v.dtype} and {tuple(r.shape)} {r.dtype}"
                raise ValueError(f"need one or more v and r, (N, 3, H, W) uint8, got {shapes}")
        v = self._corrupt(v)
        if self.same_on_pair:
            pair = torch.cat([self._relight(self._recolour(v)), self._relight(r)], dim=1)  # (N, 6, H, W)
            v, r = self._move(pair).chunk(2, dim=1)
            return self._erase(v), self._erase(r)
        return self._change(self._recolour(v)), self._change(r)

    def _corrupt(self, x: Tensor) -> Tensor:
        if not self.corruption:
            return x
        chosen = torch.rand(len(x), device=x.device).cpu().numpy() < self.corruption
        seed = int(torch.randint(2**32, (), device=x.device))
        rows = np.flatnonzero(chosen)
        changed = x.cpu().numpy().copy()
        changed[rows] = corrupt_images(changed[rows], rows, seed)
        return torch.from_numpy(changed).to(x.device)

    def _recolour(self, x: Tensor) -> Tensor:
        if self.colour == "none":
            return x
        sources = _sources(self.colour, x.device)
        drawn = sources[torch.randint(len(sources), (len(x),), device=x.device)]  # (N, 3)
        channels = torch.cat([x, grey(x)], dim=1).flatten(0, 1)  # (4 N, H, W)
        return channels.index_select(0, (4 * _numbers(x)[:, None] + drawn).flatten()).view_as(x)

    def _change(self, x: Tensor) -> Tensor:
        return self._erase(self._move(self._relight(x)))

    def _move(self, x: Tensor) -> Tensor:
        if self.affine:
            x = self._warp(x)
        if self.pad:
            x = self._crop(x)
        if self.flip:
            mirrored = torch.rand(len(x), device=x.device) < self.flip
            x = torch.cat([x, x.flip(3)]).index_select(0, _numbers(x) + len(x) * mirrored)
        return x

    def _erase(self, x: Tensor) -> Tensor:
        if not self.erase:
            return x
        erased = self._erased(x)
        return (x * ~erased).add_(_mean_colour(x.device) * erased)  # on a CPU much quicker than torch.where

    def _warp(self, x: Tensor) -> Tensor:
        moved = torch.eye(2, 3, device=x.device) + self.affine * torch.randn(len(x), 2, 3, device=x.device)
        grid = functional.affine_grid(moved, list(x.shape), align_corners=False)  # (N, H, W, 2)
        sampled = functional.grid_sample(x.float(), grid, padding_mode="border", align_corners=False)
        return sampled.round_().to(torch.uint8)

    def _relight(self, x: Tensor) -> Tensor:
        if not self.brightness_contrast:
            return x
        brightness, contrast = torch.exp(
            self.brightness_contrast * torch.randn(2, len(x), 1, 1, 1, device=x.device)
        )
        mean = x.float().mean(dim=(1, 2, 3), keepdim=True)
        gain, offset = brightness * contrast, brightness * (1 - contrast) * mean  # (N, 1, 1, 1) each
        return x.float().mul_(gain).add_(offset).round_().clamp_(0, 255).to(torch.uint8)

    def _crop(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        padded = functional.pad(x, [self.pad] * 4)
        top, left = torch.randint(2 * self.pad + 1, (2, count, 1, 1), device=x.device)
        plane = torch.arange(count * channels, device=x.device).view(count, channels, 1)
        row = (
            plane * padded.shape[2] + top + torch.arange(height, device=x.device)
        )  # (N, 3, H), of all padded rows
        first = row * padded.shape[3] + left  # pixel of all padded pixels
        stretches = padded.flatten().unfold(0, width, 1)  # the W pixels from each pixel on, a view
        return stretches.index_select(0, first.flatten()).view_as(x)

    def _erased(self, x: Tensor) -> Tensor:
        """Draw where to erase, (N, 1, H, W) bool."""
        least, largest = self.erase_area
        share, shape, top, left = torch.rand(4, len(x), 1, 1, device=x.device)
        area = least + (largest - least) * share
        aspect = torch.exp((2 * shape - 1) * math.log(SHAPES))  # height over width
        height, width = x.shape[2:]
        side = (area * height * width).sqrt()
        rows = _inside(height, side * aspect.sqrt(), top)[:, :, :, None]
        columns = _inside(width, side / aspect.sqrt(), left)[:, :, None]
        return rows & columns & _chance(x, self.erase)


def grey(x: Tensor) -> Tensor:
    """Return the luma of images (N, 3, H, W) uint8 as (N, 1, H, W) uint8."""
    red, green, blue = x.split(1, dim=1)
    luma = red.float().mul_(LUMA[0])
    luma.add_(green.float(), alpha=LUMA[1]).add_(blue.float(), alpha=LUMA[2])
    return luma.round_().to(torch.uint8)


def _inside(size: int, side: Tensor, place: Tensor) -> Tensor:
    """Mark a stretch of `side` (N, 1, 1) pixels at the place 0..1 that is drawn for it, (N, 1, size) bool."""
    side = side.round().clamp(1, size)
    first = (place * (size - side + 1)).floor()
    pixel = torch.arange(size, device=side.device)
    return (pixel >= first) & (pixel < first + side)


def _chance(x: Tensor, share: float) -> Tensor:
    """Return True for a share of the samples, (N, 1, 1, 1)."""
    return torch.rand(len(x), 1, 1, 1, device=x.device) < share


def _numbers(x: Tensor) -> Tensor:
    return torch.arange(len(x), device=x.device)


@cache
def _sources(colour: str, device: torch.device) -> Tensor:
    return torch.tensor(SOURCES[colour], device=device)


@cache
def _mean_colour(device: torch.device) -> Tensor:
    return torch.tensor(MEAN_COLOUR, dtype=torch.uint8, device=device)[:, None, None]
