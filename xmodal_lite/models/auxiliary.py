"""Auxiliary modalities: one sample between each pair of v and r, as a map of features or as an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.colour import LUMA
from xmodal_lite.models.backbone import unit_range
from xmodal_lite.models.distributed import global_batch_size, local_rows
from xmodal_lite.models.layers import CONVOLUTION, CONVOLVE, MEAN_POOL, WINDOW_MEAN
from xmodal_lite.models.options import check_choice, check_names

KERNELS = (3, 5, 7)  # of the intra-modality learners
# cells an axis of the cross-modality learner's levels, each a refinement of the one before
PYRAMID = (1, 2, 4)
Learner = Literal["intra", "cross"]
LEARNERS: tuple[Learner, ...] = get_args(Learner)
Auxiliary = Literal["unify", "none", "mixup", "grey", "x", "middle"]


class IntraLearner(nn.Module):
    """Intra-modality learner: PW(sum_k DW_k(z)), depth-wise convolutions of three sizes and a point-wise one.

    MUN (Yu et al., ICCV 2023), second hand: depth-wise convolutions of different sizes. Ours: the sizes, the sum and
    the point-wise convolution. A sum of convolutions is a convolution with the sum of their kernels, so the three are
    one in the computation.

    Parameters
    ----------
    dims : int
        1 for spectra, 2 for images.
    channels : int
        C, of the map.
    """

    def __init__(self, dims: int, channels: int) -> None:
        super().__init__()
        self.dims = dims
        self.depthwise = nn.ModuleList(
            CONVOLUTION[dims](channels, channels, size, groups=channels, bias=False) for size in KERNELS
        )
        self.pointwise = CONVOLUTION[dims](channels, channels, 1, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        """Take (B, C, ...), return the same shape."""
        half = KERNELS[-1] // 2
        kernel = torch.stack([self._padded(layer) for layer in self.depthwise]).sum(dim=0)
        return self.pointwise(CONVOLVE[self.dims](z, kernel, padding=half, groups=z.shape[1]))

    def _padded(self, layer: nn.Module) -> Tensor:
        """Return a convolution's kernel with zeros around, in the size of the largest one."""
        kernel = layer.get_parameter("weight")
        return functional.pad(kernel, [(KERNELS[-1] - kernel.shape[-1]) // 2] * 2 * self.dims)


class CrossLearner(nn.Module):
    """Cross-modality learner: both maps mixed, then seen at several scales by spatial pyramid pooling.

    With u = PW([z^v; z^r]) it is PW([u; up(SPP_1(u)); up(SPP_2(u)); up(SPP_4(u))]), where SPP_s averages over s cells
    an axis and `up` repeats each cell. Every cell of a level lies in one of the level before. So each level has its own
    part of the last point-wise convolution before it is repeated, where it is small, and one repetition serves all.

    MUN, second hand: spatial pyramid pooling and fusion. Ours: the point-wise convolutions and the levels.

    Parameters
    ----------
    dims : int
        1 for spectra, 2 for images.
    channels : int
        C, of the map.
    """

    def __init__(self, dims: int, channels: int) -> None:
        super().__init__()
        self.pool = MEAN_POOL[dims]
        self.mix = CONVOLUTION[dims](2 * channels, channels, 1, bias=False)
        self.fuse = CONVOLUTION[dims](channels, channels, 1, bias=False)
        self.levels = nn.ModuleList(CONVOLUTION[dims](channels, channels, 1, bias=False) for _ in PYRAMID)

    def forward(self, z_v: Tensor, z_r: Tensor) -> Tensor:
        """Take two maps (B, C, ...), return one of the same shape."""
        u = self.mix(torch.cat([z_v, z_r], dim=1))
        means = [level(self.pool(u, cells)) for level, cells in zip(self.levels, PYRAMID, strict=True)]
        pyramid = means[0]
        for finer in means[1:]:
            pyramid = finer + functional.interpolate(pyramid, size=finer.shape[2:])  # (B, C, cells, ...)
        return self.fuse(u) + functional.interpolate(pyramid, size=u.shape[2:])


class Unify(nn.Module):
    """MUN's auxiliary modality: the mean of a pair's maps, and what the learners add to it.

    z^a = (z^v + z^r) / 2 + up(alpha (IML_v(y^v) + IML_r(y^r)) / 2 + beta CML(y^v, y^r)), alpha and beta for each
    channel, where y are the maps z at half their size, and `up` gives them back their size.

    MUN, known: intra-modality learners and a cross-modality learner make the auxiliary modality. Second hand: a learned
    layer scale sets their ratio. Ours: the sum, the mean of the pair in it, the start at 0.1, and the half size,
    without which the depth-wise kernels' gradients alone take a tenth of a small network's step.

    Parameters
    ----------
    dims : int
        1 for spectra, 2 for images.
    channels : int
        C, of the stem's map.
    learners : sequence of str
        Which of "intra" and "cross" are there; without any, z^a is the mean of the pair.
    """

    def __init__(self, dims: int, channels: int, learners: Sequence[Learner] = LEARNERS) -> None:
        super().__init__()
        check_names("learners", learners, LEARNERS)
        self.dims, self.spread = dims, [-1] + [1] * dims  # the latter: (C,) against (B, C, ...)
        self.intra: nn.ModuleList | None = None
        self.cross: CrossLearner | None = None
        if "intra" in learners:
            self.intra = nn.ModuleList(IntraLearner(dims, channels) for _ in range(2))
            self.alpha = nn.Parameter(torch.full((channels,), 0.1))
        if "cross" in learners:
            self.cross = CrossLearner(dims, channels)
            self.beta = nn.Parameter(torch.full((channels,), 0.1))

    def forward(self, z_v: Tensor, z_r: Tensor) -> Tensor:
        """Take the stem's maps of N pairs, (N, C, ...) each, return z^a of the same shape."""
        y_v, y_r = (WINDOW_MEAN[self.dims](z, 2, ceil_mode=True) for z in (z_v, z_r))
        added = []
        if self.intra is not None:
            added.append(self.alpha.view(self.spread) * (self.intra[0](y_v) + self.intra[1](y_r)) / 2)
        if self.cross is not None:
            added.append(self.beta.view(self.spread) * self.cross(y_v, y_r))
        middle = (z_v + z_r) / 2
        return middle + functional.interpolate(sum(added), size=middle.shape[2:]) if added else middle

    def ratio(self) -> Tensor | None:
        """Return mean |alpha| over mean |beta|: above 1 the modalities' own patterns weigh more; None without both."""
        if self.intra is None or self.cross is None:
            return None
        return self.alpha.detach().abs().mean() / self.beta.detach().abs().mean()


class Mixup(nn.Module):
    """The pair's maps, mixed at random: lambda z^v + (1 - lambda) z^r, lambda uniform on 0..1 for each pair.

    Ours, after mixup (Zhang et al., ICLR 2018), which mixes samples of different labels; here both are of one identity.
    """

    def forward(self, z_v: Tensor, z_r: Tensor) -> Tensor:
        """Take the stem's maps of N pairs, (N, C, ...) each, return a map of the same shape."""
        whole = global_batch_size(len(z_v))
        share = torch.rand(whole, *[1] * (z_v.ndim - 1), device=z_v.device, dtype=z_v.dtype)
        return torch.lerp(z_r, z_v, local_rows(share))


class Recolour(nn.Module):
    """Two 1 x 1 convolutions with a ReLU between, three channels to one to three; at the start they make grey.

    The generator of the X modality (Li et al., AAAI 2020); the start, so that it is never stuck at 0, is ours.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Conv2d(3, 1, 1), nn.Conv2d(1, 3, 1)
        with torch.no_grad():
            self.encode.weight.copy_(torch.tensor(LUMA).view(1, 3, 1, 1))
            self.decode.weight.fill_(1)
            for layer in (self.encode, self.decode):
                layer.get_parameter("bias").zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Take images (B, 3, H, W), return images."""
        return self.decode(functional.relu(self.encode(unit_range(x))))


class Grey(nn.Module):
    """The visible image without its colours, as in homogeneous augmentation (Ye et al., TIFS 2021)."""

    luma: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("luma", torch.tensor(LUMA).view(3, 1, 1), persistent=False)

    def forward(self, v: Tensor, r: Tensor) -> Tensor:
        """Take the images of N pairs (N, 3, H, W), return images (N, 3, H, W) from 0 to 1."""
        return (unit_range(v) * self.luma).sum(dim=1, keepdim=True).expand(-1, 3, -1, -1)


class XImage(nn.Module):
    """The visible image, recoloured by a light-weight network (X modality: Li et al., AAAI 2020)."""

    def __init__(self) -> None:
        super().__init__()
        self.recolour = Recolour()

    def forward(self, v: Tensor, r: Tensor) -> Tensor:
        """Take the images of N pairs (N, 3, H, W), return images (N, 3, H, W)."""
        return self.recolour(v)


class MiddleImage(nn.Module):
    """Images of both modalities, each recoloured by its own encoder and one decoder (Zhang et al., ACM MM 2021).

    The paper makes a middle image of every sample. Ours, so that every auxiliary modality has one sample a pair: pairs
    take turns, the even ones give their v and the odd ones their r.
    """

    def __init__(self) -> None:
        super().__init__()
        self.recolour = nn.ModuleList(Recolour() for _ in range(2))
        self.recolour[1].decode = self.recolour[0].decode

    def forward(self, v: Tensor, r: Tensor) -> Tensor:
        """Take the images of N pairs (N, 3, H, W), return images (N, 3, H, W)."""
        number = local_rows(torch.arange(global_batch_size(len(v)), device=v.device))
        even = (number % 2 == 0).view(-1, 1, 1, 1)
        return torch.where(even, self.recolour[0](v), self.recolour[1](r))


IMAGES: dict[str, type[nn.Module]] = {"grey": Grey, "x": XImage, "middle": MiddleImage}


def make_auxiliary(
    name: Auxiliary, dims: int, channels: int, learners: Sequence[Learner] = LEARNERS
) -> nn.Module | None:
    """Return what makes an auxiliary modality, or None for "none".

    Parameters
    ----------
    name : {"unify", "none", "mixup", "grey", "x", "middle"}
        The last three make images from images, the others maps from maps.
    dims : int
        1 for spectra, 2 for images.
    channels : int
        C, of the stem's map.
    learners : sequence of str
        See `Unify`.

    Raises
    ------
    ValueError
        The name or a learner is unknown, or the name makes images and samples are spectra.
    """
    check_choice("auxiliary", name, Auxiliary)
    if name in IMAGES and dims != 2:
        spectra = ", ".join(other for other in get_args(Auxiliary) if other not in IMAGES)
        raise ValueError(f"auxiliary '{name}' recolours images, and spectra have no colours; use {spectra}")
    if name == "unify":
        return Unify(dims, channels, learners)
    if name == "mixup":
        return Mixup()
    return IMAGES[name]() if name in IMAGES else None
