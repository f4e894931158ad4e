"""The U-Net of the same authors' earlier work, as a second form of cmUNet for spectra."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xmodal_lite.models.options import require_spectra

KERNEL = 9
CONVOLUTIONS = 3  # of a level


class LineageUNet(nn.Module):
    """One-dimensional U-Net in the form of TeaNet (Niu et al., TPAMI 2024), which has cmUNet's first author.

    Lineage, not the paper: five levels of 16 to 256 channels and a bottom of 512, three convolutions of width 9 with
    batch normalisation a level, maximum pooling down, transposed convolutions up, concatenated skips, a linear output.
    TeaNet reads one modality. Ours: both modalities pass the same weights, and nothing tells them apart but the
    samples; the output replaces the sample and is not added to it.

    Parameters
    ----------
    dims : int
        1: it is built for spectra.
    channels : int
        Channels of a sample.
    width : int
        Channels of the first level; each further one doubles them.
    depth : int
        Number of halvings; a sample needs 2**depth points or more.
    targets : int
        See `CrossModalityUNet`.

    Raises
    ------
    ValueError
        `dims` is not 1.
    """

    def __init__(
        self, dims: int = 1, *, channels: int = 1, width: int = 16, depth: int = 5, targets: int = 1
    ) -> None:
        super().__init__()
        require_spectra("the U-Net of the lineage", dims)
        widths = [width * 2**level for level in range(depth + 1)]
        self.encoder = nn.ModuleList(_level(a, b) for a, b in zip([channels, *widths], widths, strict=False))
        self.up = nn.ModuleList(nn.ConvTranspose1d(2 * w, w, 2, 2) for w in reversed(widths[:-1]))
        self.decoder = nn.ModuleList(_level(2 * w, w) for w in reversed(widths[:-1]))
        self.head = nn.Conv1d(width, channels * targets, 1)

    def forward(self, x: Tensor, modality: int) -> Tensor:
        """Translate samples (B, C, L) to (B, C * targets, L); `modality` is not used."""
        levels = [self.encoder[0](x)]  # (B, width, L)
        for level in self.encoder[1:]:
            levels.append(
                level(nn.functional.max_pool1d(levels[-1], 2))
            )  # half the length, twice the channels
        z = levels.pop()
        for up, level, skip in zip(self.up, self.decoder, reversed(levels), strict=True):
            z = level(torch.cat([skip, up(z, output_size=skip.shape[2:])], dim=1))
        return self.head(z)


def _level(inputs: int, outputs: int) -> nn.Sequential:
    """Return three times convolution, batch normalisation, ReLU."""
    layers: list[nn.Module] = []
    for channels in (inputs, *[outputs] * (CONVOLUTIONS - 1)):
        layers += [
            nn.Conv1d(channels, outputs, KERNEL, padding=KERNEL // 2, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)
