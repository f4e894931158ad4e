"""The extractor: a small residual network that turns a spectrum into an embedding, and keeps track of where."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional


class ResidualBlock(nn.Module):
    """Two convolutions with batch normalisation and a way around them.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    stride : int
        Of the first convolution.
    kernel : int
        Width of both, odd.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, kernel: int) -> None:
        super().__init__()
        half = kernel // 2
        self.first = nn.Conv1d(inputs, outputs, kernel, stride, half, bias=False)
        self.first_norm = nn.BatchNorm1d(outputs)
        self.second = nn.Conv1d(outputs, outputs, kernel, 1, half, bias=False)
        self.second_norm = nn.BatchNorm1d(outputs)
        self.around: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.around = nn.Sequential(
                nn.Conv1d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm1d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, inputs, L), return (B, outputs, ceil(L / stride))."""
        z = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(z)) + self.around(x))


class ResNet1d(nn.Module):
    """Extractor for spectra: stem, two residual blocks, means over segments, linear map.

    Pooling over the whole axis, as for photographs, would throw away at which wavenumber a line stands, which is what
    tells minerals apart. So the features are averaged within `segments` stretches of the axis, and the linear map
    sees every stretch by itself. Ours.

    Parameters
    ----------
    channels : int
        Of a sample (1 for a spectrum).
    width : int
        Channels of the stem and the first block; the second block has twice as many.
    features : int
        Length D of the embedding.
    segments : int
        Stretches of the axis.
    dropout : float
        Share of the segment features left out in training.
    """

    def __init__(
        self,
        channels: int = 1,
        *,
        width: int = 16,
        features: int = 128,
        segments: int = 64,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(channels, width, 5, 2, 2, bias=False), nn.BatchNorm1d(width), nn.ReLU()
        )
        self.stages = nn.Sequential(ResidualBlock(width, width, 1, 5), ResidualBlock(width, 2 * width, 2, 5))
        self.pool = nn.AdaptiveAvgPool1d(segments)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(2 * width * segments, features, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Take samples (B, C, L), return pooled embeddings f (B, D)."""
        z = self.stages(self.stem(x))  # (B, 2 * width, L / 4)
        z = self.pool(z).flatten(1)  # (B, 2 * width * segments)
        return self.project(self.dropout(z))


class TwoBranches(nn.Module):
    """An extractor and a batch-normalisation neck for each modality: g = BN(f).

    Parameters
    ----------
    channels, width, features, segments, dropout
        See `ResNet1d`.
    shared : bool
        Let the residual blocks be the same for both modalities; the stem, the linear map and the neck never are.
    """

    def __init__(
        self, channels: int = 1, *, features: int = 128, shared: bool = False, **options: Any
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(ResNet1d(channels, features=features, **options) for _ in range(2))
        if shared:
            self.branches[1].stages = self.branches[0].stages
        self.necks = nn.ModuleList(nn.BatchNorm1d(features) for _ in range(2))

    def forward(self, x: Tensor, modality: int) -> Tensor:
        """Take samples (B, C, L) of one modality (0 or 1), return g (B, D)."""
        return self.necks[modality](self.branches[modality](x))
