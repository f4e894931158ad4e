"""Augmentation of spectra: whole-batch tensor code, one random draw per sample, on the samples' own device."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from xmodal_lite.data.augmentation import SpectrumSettings
from xmodal_lite.data.spectra import Preparation

KNOTS = 12  # of the smooth random curves along the axis


class SpectrumAugmentation(SpectrumSettings):
    """Changes a batch of pairs of training spectra by the strengths of its settings.

    Call it with the v and r samples of a batch. Points that are exactly 0 (not measured) stay 0, unless the axis
    moves over them. Draws come from torch's global generator of the samples' device.
    """

    def __call__(self, v: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
        """Return changed copies of the samples of a batch.

        Parameters
        ----------
        v, r : Tensor
            (N, 1, L) samples of modality v and of modality r, on the axis of `Preparation`.

        Raises
        ------
        ValueError
            Something is to be changed, and the shapes differ or the samples are not on that axis.
        """
        if not any(self.model_dump().values()):
            return v, r
        if v.shape != r.shape or v.ndim != 3 or v.shape[1:] != (1, len(_axis(v.device))):
            raise ValueError(
                f"need v and r (N, 1, {len(_axis(v.device))}), got {tuple(v.shape)} and {tuple(r.shape)}"
            )
        shared = self.shared_stretch * torch.randn(len(v), 1, device=v.device)
        return self._change(v[:, 0], shared)[:, None], self._change(r[:, 0], shared)[:, None]

    def _change(self, x: Tensor, shared: Tensor) -> Tensor:
        """Change samples x (N, L), with the shared part (N, 1) of the stretch given."""
        x = self._move_axis(x, shared)
        x = self._blur(x)
        measured = x > 0
        x = self._scale(x)
        noise = self.noise * torch.rand(len(x), 1, device=x.device)
        x = x + noise * torch.randn_like(x)
        return x * measured * self._kept(x)

    def _move_axis(self, x: Tensor, shared: Tensor) -> Tensor:
        draw = torch.randn(2, len(x), 1, device=x.device)
        axis = _axis(x.device)
        source = axis * (1 + shared + self.stretch * draw[0]) + self.shift * draw[1]  # (N, L), cm^-1
        right = torch.searchsorted(axis, source.contiguous()).clamp(1, len(axis) - 1)
        left = right - 1
        part = ((source - axis[left]) / (axis[right] - axis[left])).clamp(0, 1)
        return x.gather(1, left) * (1 - part) + x.gather(1, right) * part

    def _blur(self, x: Tensor) -> Tensor:
        part = self.blur / 3 * torch.rand(len(x), 1, device=x.device)
        padded = functional.pad(x[:, None], (1, 1), mode="replicate")[:, 0]
        return x * (1 - 2 * part) + part * (padded[:, :-2] + padded[:, 2:])

    def _scale(self, x: Tensor) -> Tensor:
        exponent = torch.exp(self.intensity_exponent * torch.randn(len(x), 1, device=x.device))
        curves = self.baseline * torch.randn(2, len(x), KNOTS, device=x.device)
        gain, added = functional.interpolate(
            curves, x.shape[1], mode="linear", align_corners=True
        )  # (N, L) each
        return x.clamp_min(1e-6) ** exponent * torch.exp(2 * gain) + (added / 2).clamp_min(0)

    def _kept(self, x: Tensor) -> Tensor:
        centre, half, chance = torch.rand(3, len(x), 1, device=x.device)
        place = torch.linspace(0, 1, x.shape[1], device=x.device)
        return ((place - centre).abs() >= half / 10) | (chance >= self.mask_prob)


@cache
def _axis(device: torch.device) -> Tensor:
    """Return the axis of a sample, (L,) in cm^-1."""
    return torch.from_numpy(Preparation().axis().astype(np.float32)).to(device)
