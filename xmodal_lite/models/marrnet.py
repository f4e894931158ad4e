"""MarrNet: cmUNet redraws both modalities in one sample space, an extractor embeds what it drew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.losses import (
    adversarial,
    info_nce,
    perceptual,
    reconstruction,
    reverse_gradient,
    transformation,
    weighted_triplet,
)
from xmodal_lite.models.backbone import TwoBranches
from xmodal_lite.models.cmunet import CrossModalityUNet
from xmodal_lite.models.discriminator import PatchDiscriminator
from xmodal_lite.models.matcher import Batch, Matcher, refuse_unknown_losses, require_spectra

EXTRACTOR_LOSSES = ("id", "tri")
CMUNET_LOSSES = ("rec", "tra", "adv", "per")


class MarrNet(Matcher):
    """CmUNet followed by an extractor, trained end to end.

    Niu et al., IEEE TIP 2024, for the chain of the two and for the four tasks of cmUNet; their form is ours, see the
    fidelity ledger. Ours too: InfoNCE may stand in for the triplet loss.

    Parameters
    ----------
    dims : int
        1; images come with a later task.
    num_classes : int
        Identities of the training set.
    unet : bool
        False leaves the extractor alone, and the losses of cmUNet out.
    losses : sequence of str
        Which losses are computed, of "id", "tri", "rec", "tra", "adv", "per". Others cost nothing.
    triplet : {"info-nce", "weighted"}
        What "tri" is.
    target : {"v", "both"}
        Space of cmUNet's output: that of v, or both, stacked on the channels.
    temperature : float
        Of InfoNCE.
    unet_width, unet_widest : int
        Channels of cmUNet's first level, and at most.
    features : int
        Length D of the embedding.
    **options
        See `TwoBranches` and `ResNet1d`.
    """

    def __init__(
        self,
        *,
        dims: int,
        num_classes: int,
        unet: bool = True,
        losses: Sequence[str] = EXTRACTOR_LOSSES + CMUNET_LOSSES,
        triplet: Literal["info-nce", "weighted"] = "info-nce",
        target: Literal["v", "both"] = "v",
        temperature: float = 0.07,
        unet_width: int = 16,
        unet_widest: int = 32,
        features: int = 128,
        **options: Any,
    ) -> None:
        super().__init__()
        _check(dims, losses, triplet, target)
        self.triplet, self.temperature = triplet, temperature
        self.active = frozenset(losses) - (frozenset() if unet else frozenset(CMUNET_LOSSES))
        targets = 2 if unet and target == "both" else 1
        self.unet = (
            CrossModalityUNet(dims, width=unet_width, widest=unet_widest, targets=targets) if unet else None
        )
        self.extractor = TwoBranches(targets, features=features, **options)
        self.classifier = nn.Linear(features, num_classes, bias=False) if "id" in self.active else None
        self.discriminator = PatchDiscriminator(dims, channels=targets) if "adv" in self.active else None

    def redraw(self, x: Tensor, modality: int) -> Tensor:
        """Return the modality-agnostic representation u = U(x), (B, C, ...) or (B, 2C, ...) for both targets."""
        return x if self.unet is None else self.unet(x, modality)

    def embed(self, x: Tensor, modality: int) -> Tensor:
        """See `Matcher.embed`: F(U(x)), of unit length."""
        return functional.normalize(self.extractor(self.redraw(x, modality), modality), dim=1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses that are switched on, by the names of the table's rows."""
        u_v, u_r = self.redraw(batch.v, 0), self.redraw(batch.r, 1)  # (N, C * targets, ...)
        g_v, g_r = self.extractor(u_v, 0), self.extractor(u_r, 1)  # (N, D)
        return self._of_extractor(g_v, g_r, batch.labels) | self._of_unet(u_v, u_r, batch)

    def _of_extractor(self, g_v: Tensor, g_r: Tensor, labels: Tensor) -> dict[str, Tensor]:
        losses = {}
        g, both = torch.cat([g_v, g_r]), labels.repeat(2)  # (2N, D), (2N,)
        if self.classifier is not None:
            losses["id"] = functional.cross_entropy(self.classifier(g), both)
        if "tri" in self.active:
            losses["tri"] = (
                info_nce(g_v, g_r, labels, self.temperature)
                if self.triplet == "info-nce"
                else weighted_triplet(g, both)
            )
        return losses

    def _of_unet(self, u_v: Tensor, u_r: Tensor, batch: Batch) -> dict[str, Tensor]:
        losses = {}
        samples = (batch.v, batch.r)
        # heads[t][m]: what was drawn of modality m in the space of modality t
        heads = list(zip(u_v.chunk(self.targets, dim=1), u_r.chunk(self.targets, dim=1), strict=True))
        if "rec" in self.active:
            each = [reconstruction(drawn[t], samples[t]) for t, drawn in enumerate(heads)]
            losses["rec"] = torch.stack(each).mean()
        if "tra" in self.active:
            each = [transformation(drawn[1 - t], samples[t], batch.aligned) for t, drawn in enumerate(heads)]
            losses["tra"] = torch.stack(each).mean()
        if self.discriminator is not None:
            scores = self.discriminator(reverse_gradient(torch.cat([u_v, u_r])))
            losses["adv"] = adversarial(*scores.chunk(2))
        if "per" in self.active:
            with _frozen(self.extractor):
                with torch.no_grad():
                    wanted = self.extractor(u_v, 0)
                losses["per"] = perceptual(self.extractor(u_r, 0), wanted)
        return losses

    @property
    def targets(self) -> int:
        """Number of sample spaces that cmUNet draws in."""
        return 1 if self.unet is None else self.unet.targets


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    """Let gradients pass through a module but not into its weights; no dropout, batch statistics untouched."""
    parameters, training = [p for p in module.parameters() if p.requires_grad], module.training
    for p in parameters:
        p.requires_grad_(False)
    module.eval()
    try:
        yield
    finally:
        module.train(training)
        for p in parameters:
            p.requires_grad_(True)


def _check(dims: int, losses: Sequence[str], triplet: str, target: str) -> None:
    require_spectra("MarrNet", dims)
    refuse_unknown_losses(losses, EXTRACTOR_LOSSES + CMUNET_LOSSES)
    if not set(losses) & set(EXTRACTOR_LOSSES):
        raise ValueError("nothing would train the extractor: switch on 'id' or 'tri'")
    if triplet not in ("info-nce", "weighted"):
        raise ValueError(f"unknown triplet '{triplet}'; known: info-nce, weighted")
    if target not in ("v", "both"):
        raise ValueError(f"unknown target '{target}'; known: v, both")
