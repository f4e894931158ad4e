"""Extractors: samples of either modality in, embeddings out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.models.backbone import Backbone
from xmodal_lite.models.resnet1d import ResNet1d

PERCEPTUAL_GRID = (4, 4)  # rows and columns of cells that a perceptual loss distinguishes


class Neck(nn.BatchNorm1d):
    """Batch normalisation without an offset, g = BN(f) (BNNeck: Luo et al., CVPR Workshops 2019, section 3.5)."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.bias.requires_grad_(False)


class TwoBranches(nn.Module):
    """A `ResNet1d` and a batch-normalisation neck for each modality: g = BN(f). Ours.

    A triplet loss takes g, where each modality's mean offset is gone.

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
        self.features = features
        self.branches = nn.ModuleList(ResNet1d(channels, features=features, **options) for _ in range(2))
        if shared:
            self.branches[1].stages = self.branches[0].stages
        self.necks = nn.ModuleList(nn.BatchNorm1d(features) for _ in range(2))

    def forward(self, x: Tensor, modality: int) -> Tensor:
        """Take samples (B, C, L) of one modality (0 or 1), return g (B, D)."""
        return self.necks[modality](self.branches[modality](x))

    def perceptual_features(self, x: Tensor) -> Tensor:
        """Take samples (B, C, L) in the space of v, return what a perceptual loss compares: g (B, D)."""
        return self(x, 0)

    def forward_pair(self, v: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
        """Take N samples of each modality, return what a triplet loss and what a classifier takes: g twice, (2N, D)."""
        each = [branch(x) for branch, x in zip(self.branches, (v, r), strict=True)]  # (N, D) each
        g = torch.cat([neck(f) for neck, f in zip(self.necks, each, strict=True)])
        return g, g


class SharedExtractor(nn.Module):
    """A backbone and one neck for both modalities. A triplet loss takes f, before the neck.

    Parameters
    ----------
    backbone : Backbone
        From `make_backbone`.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone, self.neck = backbone, Neck(backbone.features)
        self.features = backbone.features

    def forward(self, x: Tensor, modality: int) -> Tensor:
        """Take samples of one modality (0 or 1), return g (B, D)."""
        return self.neck(self.backbone(self.backbone.stem(x, modality)))

    def perceptual_features(self, x: Tensor) -> Tensor:
        """Take images (B, 3, H, W) in the space of v, return what a perceptual loss compares, (B, D).

        These are the maps of the first stage, averaged over each cell of a 4 x 4 grid: early enough to say how an
        image looks rather than who it shows, and cheap. Ours.
        """
        z = self.backbone.trunk[0](self.backbone.stem(x, 0))  # (B, C, H / 4, W / 4)
        return functional.adaptive_avg_pool2d(z, PERCEPTUAL_GRID).flatten(1).float()

    def forward_pair(self, v: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
        """Take N samples of each modality, return what a triplet loss (f) and a classifier (g) takes, (2N, D) each."""
        f = self.backbone(torch.cat([self.backbone.stem(v, 0), self.backbone.stem(r, 1)]))
        return f, self.neck(f)


Extractor = TwoBranches | SharedExtractor
