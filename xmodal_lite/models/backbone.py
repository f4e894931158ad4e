"""Backbones: a stem for each modality, shared stages; for images the networks of torchvision."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from http.client import HTTPException
from pickle import UnpicklingError
from typing import Any, Literal

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock, ResNet

from xmodal_lite.models.options import check_choice, check_dims
from xmodal_lite.models.resnet1d import ResidualBlock, ResNet1d

WEIGHTS = "IMAGENET1K_V1"  # those that the AGW line starts from
MEAN, SPREAD = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # of ImageNet's colours, which those weights expect
ImageNetwork = Literal["resnet10", "resnet18", "resnet50"]
Pooling = Literal["gem", "grid"]
WIDTH = 64  # channels of the stem of torchvision's networks


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
    last stage keeps its resolution (stride 1), and generalised-mean pooling with p = 3 ends it. Ours: `width`, and the
    pooling over a grid.

    Parameters
    ----------
    backbone : {"resnet18", "resnet50", "resnet10"}
        The last is torchvision's network with one block in each stage, for processors.
    pretrained : bool
        Start from torchvision's ImageNet weights, which are downloaded once.
    channels : int
        Three for each image that is stacked into a sample; the first convolution adds up what it sees in them.
    width : int
        Channels of the stem; each stage after the first doubles them. Only "resnet10" has a choice.
    pooling : {"gem", "grid"}
        Generalised means over the whole map; or means over each cell of a grid and a linear map of all cells, where
        the position of a part counts.
    grid : int
        Rows, and columns, of the grid.
    embedding : int
        Length D of the embedding that the linear map of the grid makes.

    Raises
    ------
    ValueError
        A name is unknown, the network has no choice of width, or the weights cannot be had.
    """

    dims = 2
    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        *,
        backbone: ImageNetwork = "resnet18",
        pretrained: bool = False,
        channels: int = 3,
        width: int = WIDTH,
        pooling: Pooling = "gem",
        grid: int = 4,
        embedding: int = 256,
    ) -> None:
        super().__init__()
        check_choice("backbone", backbone, ImageNetwork)
        check_choice("pooling", pooling, Pooling)
        network, images = _resnet(backbone, pretrained, width), channels // 3
        if images > 1:
            network.conv1 = _widened(network.conv1, images)
        stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        self.stems = nn.ModuleList([stem, copy.deepcopy(stem)])
        self.trunk = nn.Sequential(network.layer1, network.layer2, network.layer3)
        self.last = network.layer4
        self.stem_channels, self.features, self.grid = width, network.fc.in_features, grid
        self.project: nn.Linear | None = None
        if pooling == "grid":
            self.project = nn.Linear(self.features * grid**2, embedding, bias=False)
            self.features = embedding
        for name, values in (("mean", MEAN), ("spread", SPREAD)):
            self.register_buffer(name, torch.tensor(values * images).view(-1, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def stem(self, x: Tensor, modality: int) -> Tensor:
        """Take images (B, 3, H, W), uint8 or from 0 to 1, return z (B, width, H / 4, W / 4)."""
        x = unit_range(x.contiguous(memory_format=torch.channels_last))
        return self.stems[modality]((x - self.mean) / self.spread)

    def pool(self, z: Tensor) -> Tensor:
        """Take (B, C, H / 16, W / 16), return f (B, D): generalised means, or the linear map of the grid's means."""
        if self.project is not None:
            cells = functional.adaptive_avg_pool2d(z, self.grid)  # (B, C, grid, grid)
            return self.project(cells.flatten(1)).float()
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
    check_dims(dims)
    return SpectrumBackbone(**options) if dims == 1 else ImageBackbone(**options)


def unit_range(x: Tensor) -> Tensor:
    """Return uint8 images as float32 from 0 to 1, and anything else as it is."""
    return x.float() / 255 if x.dtype == torch.uint8 else x


def _widened(convolution: nn.Conv2d, images: int) -> nn.Conv2d:
    """Return a first convolution for stacked images, which makes of equal ones what the given one makes of one."""
    wide = nn.Conv2d(3 * images, convolution.out_channels, 7, 2, 3, bias=False)
    with torch.no_grad():
        wide.weight.copy_(convolution.weight.repeat(1, images, 1, 1) / images)
    return wide


class _NarrowResNet(ResNet):
    """Torchvision's network with one block in each stage and another number of channels in its stem."""

    def __init__(self, width: int) -> None:
        super().__init__(BasicBlock, [1, 1, 1, 1])
        if width == WIDTH:
            return
        self.inplanes = width
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = self._make_layer(BasicBlock, width, 1)
        self.layer2 = self._make_layer(BasicBlock, 2 * width, 1, stride=2)
        self.layer3 = self._make_layer(BasicBlock, 4 * width, 1, stride=2)
        self.layer4 = self._make_layer(BasicBlock, 8 * width, 1, stride=2)
        self.fc = nn.Linear(self.inplanes, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # as torchvision starts its own
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _resnet(name: str, pretrained: bool, width: int) -> ResNet:
    """Return a network of torchvision whose last stage keeps the resolution."""
    if name != "resnet10" and width != WIDTH:
        raise ValueError(f"{name} has {WIDTH} channels in its stem; leave model.width out, or use resnet10")
    if name == "resnet10":
        if pretrained:
            raise ValueError("there are no ImageNet weights for resnet10; set pretrained to false")
        network: ResNet = _NarrowResNet(width)
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
