"""Extractors: samples in, embeddings out; for spectra small residual networks, for images those of torchvision."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from http.client import HTTPException
from pickle import UnpicklingError
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock, ResNet

from xmodal_lite.models.distributed import Dropout

WEIGHTS = "IMAGENET1K_V1"  # those that the AGW line starts from
MEAN, SPREAD = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # of ImageNet's colours, which those weights expect
IMAGE_BACKBONES = ("resnet10", "resnet18", "resnet50")
PERCEPTUAL_GRID = (4, 4)  # rows and columns of a picture that a perceptual loss tells apart


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
        self.dropout = Dropout(dropout)
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
        """Take N samples of each modality, return f and g, (2N, D) each, v first."""
        each = [branch(x) for branch, x in zip(self.branches, (v, r), strict=True)]
        return torch.cat(each), torch.cat([neck(f) for neck, f in zip(self.necks, each, strict=True)])


class Backbone(nn.Module, ABC):
    """A network with a stem for each modality and shared stages, the same to a method in 1-D and in 2-D.

    Attributes
    ----------
    dims : int
        1 for spectra, 2 for images.
    features : int
        Length D of an embedding.
    stem_channels : int
        Channels C of the stem's map.
    trunk : nn.Sequential
        The shared stages but for the last one, map to map.
    last : nn.Module
        The last one, which stands apart: some methods branch before it.
    """

    dims: int
    features: int
    stem_channels: int
    trunk: nn.Sequential
    last: nn.Module

    @abstractmethod
    def stem(self, x: Tensor, modality: int) -> Tensor:
        """Take samples of a modality (0 or 1), return z (B, C, h, w) or (B, C, l)."""

    @abstractmethod
    def pool(self, z: Tensor) -> Tensor:
        """Take the map of the last stage, return f (B, D) in float32."""

    def forward(self, z: Tensor) -> Tensor:
        """Take the stem's map, return f (B, D)."""
        return self.pool(self.last(self.trunk(z)))


class ImageBackbone(Backbone):
    """A residual network of torchvision in the form of the AGW line (Ye et al., TPAMI 2022, section 4).

    The first convolution, its normalisation and pooling are there once for each modality, all later stages once. The
    last stage keeps its resolution (stride 1), and generalised-mean pooling with p = 3 ends it.

    Parameters
    ----------
    backbone : {"resnet18", "resnet50", "resnet10"}
        The last is torchvision's network with one block in each stage, for processors.
    pretrained : bool
        Start from torchvision's ImageNet weights, which are downloaded once.
    pictures : int
        Pictures of three channels each that make up a sample; the first convolution adds up what it sees in them.

    Raises
    ------
    ValueError
        The name is unknown, or the weights cannot be had.
    """

    dims = 2
    stem_channels = 64
    mean: Tensor
    spread: Tensor

    def __init__(self, *, backbone: str = "resnet18", pretrained: bool = False, pictures: int = 1) -> None:
        super().__init__()
        network = _resnet(backbone, pretrained)
        if pictures > 1:
            network.conv1 = _widened(network.conv1, pictures)
        stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        self.stems = nn.ModuleList([stem, copy.deepcopy(stem)])
        self.trunk = nn.Sequential(network.layer1, network.layer2, network.layer3)
        self.last = network.layer4
        self.features = network.fc.in_features
        for name, values in (("mean", MEAN), ("spread", SPREAD)):
            self.register_buffer(name, torch.tensor(values * pictures).view(-1, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def stem(self, x: Tensor, modality: int) -> Tensor:
        """Take images (B, 3, H, W), uint8 or from 0 to 1, return z (B, 64, H / 4, W / 4)."""
        x = unit_range(x.contiguous(memory_format=torch.channels_last))
        return self.stems[modality]((x - self.mean) / self.spread)

    def pool(self, z: Tensor) -> Tensor:
        """Take (B, D, H / 16, W / 16), return the generalised means f (B, D)."""
        # the map comes out of a ReLU, so only a mean of exactly 0 needs care: its cube root has no slope
        return z.float().pow(3).mean((2, 3)).clamp_min(1e-18).pow(1 / 3)


class SpectrumBackbone(Backbone):
    """The same parts for spectra: all that depends on where a line stands is the modality's own. Ours.

    A Raman line and an infrared line at one wavenumber mean different things. So the stem is a whole `ResNet1d`, whose
    linear map ends in a short sequence that both modalities share the meaning of, and the shared stage works on that.

    Parameters
    ----------
    features : int
        Length D of the embedding.
    latent, length : int
        Channels and length of the stem's map.
    **options
        See `ResNet1d`.
    """

    dims = 1

    def __init__(self, *, features: int = 128, latent: int = 32, length: int = 16, **options: Any) -> None:
        super().__init__()
        self.stems = nn.ModuleList(ResNet1d(features=latent * length, **options) for _ in range(2))
        self.stem_channels, self.features = latent, features
        self.trunk = nn.Sequential(nn.BatchNorm1d(latent), nn.ReLU())
        self.last = ResidualBlock(latent, 2 * latent, 1, 3)
        self.project = nn.Linear(2 * latent * length, features, bias=False)

    def stem(self, x: Tensor, modality: int) -> Tensor:
        """Take spectra (B, 1, L), return z (B, latent, length)."""
        return self.stems[modality](x).unflatten(1, (self.stem_channels, -1))

    def pool(self, z: Tensor) -> Tensor:
        """Take (B, 2 * latent, length), return f (B, D)."""
        return self.project(z.flatten(1)).float()


class Neck(nn.BatchNorm1d):
    """Batch normalisation without an offset, g = BN(f) (BNNeck: Luo et al., CVPR Workshops 2019, section 3.5)."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.bias.requires_grad_(False)


class SharedExtractor(nn.Module):
    """A backbone and one neck for both modalities.

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

        These are the maps of the first stage, averaged over each of 4 x 4 fields: early enough to say how something
        looks rather than who it is, and cheap. Ours.
        """
        z = self.backbone.trunk[0](self.backbone.stem(x, 0))  # (B, C, H / 4, W / 4)
        return functional.adaptive_avg_pool2d(z, PERCEPTUAL_GRID).flatten(1).float()

    def forward_pair(self, v: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
        """Take N samples of each modality, return f and g, (2N, D) each, v first."""
        f = self.backbone(torch.cat([self.backbone.stem(v, 0), self.backbone.stem(r, 1)]))
        return f, self.neck(f)


def make_backbone(dims: int, **options: Any) -> Backbone:
    """Return a backbone with fresh weights for spectra (dims=1) or for images (dims=2).

    Parameters
    ----------
    dims : int
        1 or 2.
    **options
        See `SpectrumBackbone` and `ImageBackbone`.

    Raises
    ------
    ValueError
        Neither 1 nor 2, or a backbone's name is unknown or its weights cannot be had.
    """
    if dims not in (1, 2):
        raise ValueError(f"samples have 1 dimension (spectra) or 2 (images), not {dims}")
    return SpectrumBackbone(**options) if dims == 1 else ImageBackbone(**options)


def unit_range(x: Tensor) -> Tensor:
    """Return uint8 images as float32 from 0 to 1, and anything else as it is."""
    return x.float() / 255 if x.dtype == torch.uint8 else x


def _widened(convolution: nn.Conv2d, pictures: int) -> nn.Conv2d:
    """Return a first convolution for several pictures stacked on the channels: of equal ones it makes what it made."""
    wide = nn.Conv2d(3 * pictures, convolution.out_channels, 7, 2, 3, bias=False)
    with torch.no_grad():
        wide.weight.copy_(convolution.weight.repeat(1, pictures, 1, 1) / pictures)
    return wide


def _resnet(name: str, pretrained: bool) -> ResNet:
    """Return a network of torchvision whose last stage keeps the resolution."""
    if name not in IMAGE_BACKBONES:
        raise ValueError(f"unknown backbone '{name}'; known: {', '.join(IMAGE_BACKBONES)}")
    if name == "resnet10":
        if pretrained:
            raise ValueError("there are no ImageNet weights for resnet10; set pretrained to false")
        network = ResNet(BasicBlock, [1, 1, 1, 1])
    else:
        network = _download(name) if pretrained else torchvision.models.get_model(name)
    first = network.layer4[0]
    for convolution in (first.conv1, first.conv2, first.downsample[0]):
        convolution.stride = (1, 1)
    return network


def _download(name: str) -> ResNet:
    """Return a network with torchvision's ImageNet weights, from torch's cache if they are there."""
    network = torchvision.models.get_model(name)
    weights = torchvision.models.get_weight(f"{name.replace('resnet', 'ResNet')}_Weights.{WEIGHTS}")
    try:
        network.load_state_dict(weights.get_state_dict(check_hash=True, weights_only=True))
    except (OSError, HTTPException, EOFError, UnpicklingError, RuntimeError) as error:  # absent or damaged
        file, folder = weights.url.rpartition("/")[2], f"{torch.hub.get_dir()}/checkpoints"
        raise ValueError(
            f"the ImageNet weights of {name} cannot be had ({error}). Put a whole {file} into {folder} yourself, or "
            "set model.pretrained to false"
        ) from error
    return network
