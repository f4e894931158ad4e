"""A small residual network for spectra."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.models.distributed import Dropout


class ResidualBlock(nn.Module):
    """Two convolutions with batch normalisation and a way shortcut them.

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
        self.conv1 = nn.Conv1d(inputs, outputs, kernel, stride, half, bias=False)
        self.bn1 = nn.BatchNorm1d(outputs)
        self.conv2 = nn.Conv1d(outputs, outputs, kernel, 1, half, bias=False)
        self.bn2 = nn.BatchNorm1d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv1d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm1d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, inputs, L), return (B, outputs, ceil(L / stride))."""
        z = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(z)) + self.shortcut(x))


class ResNet1d(nn.Module):
    """Extractor for spectra: stem, residual blocks, means over segments, linear map.

    Pooling over the whole axis, as for photographs, would throw away at which wavenumber a line stands, which is what
    tells minerals apart. So the features are averaged within `segments` stretches of the axis, and the linear map
    sees every stretch by itself. Ours.

    Parameters
    ----------
    channels : int
        Of a sample (1 for a spectrum).
    width : int
        Channels of the stem and the first block; all further blocks have twice as many.
    blocks : int
        Residual blocks, 2 or more; the second halves the length.
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
        blocks: int = 2,
        features: int = 128,
        segments: int = 64,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(channels, width, 5, 2, 2, bias=False), nn.BatchNorm1d(width), nn.ReLU()
        )
        further = [ResidualBlock(2 * width, 2 * width, 1, 5) for _ in range(blocks - 2)]
        self.stages = nn.Sequential(
            ResidualBlock(width, width, 1, 5), ResidualBlock(width, 2 * width, 2, 5), *further
        )
        self.pool = nn.AdaptiveAvgPool1d(segments)
        self.dropout = Dropout(dropout)
        self.project = nn.Linear(2 * width * segments, features, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Take samples (B, C, L), return pooled embeddings f (B, D)."""
        z = self.stages(self.stem(x))  # (B, 2 * width, L / 4)
        z = self.pool(z).flatten(1)  # (B, 2 * width * segments)
        return self.project(self.dropout(z))
