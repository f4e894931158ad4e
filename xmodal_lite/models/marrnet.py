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
    perceptual_transformation,
    reconstruction,
    reverse_gradient,
    transformation,
    weighted_triplet,
)
from xmodal_lite.models.backbone import SharedExtractor, TwoBranches, make_backbone, unit_range
from xmodal_lite.models.cmunet import CrossModalityUNet
from xmodal_lite.models.discriminator import PatchDiscriminator
from xmodal_lite.models.distributed import all_gather
from xmodal_lite.models.matcher import (
    Batch,
    Matcher,
    check_batch,
    check_modality,
    full_precision,
    refuse_unknown_losses,
)

CHANNELS = {1: 1, 2: 3}  # of a sample, by dims
EXTRACTOR_LOSSES = ("id", "tri")
CMUNET_LOSSES = ("rec", "tra", "adv", "per")
LOSSES = EXTRACTOR_LOSSES + CMUNET_LOSSES
SMALLEST = 16  # points along an axis: cmUNet halves them to one, and the discriminator sees one patch in them
CHOICES = {  # by option, the default first
    "triplet": ("info-nce", "weighted"),
    "transform": ("pixel", "perceptual"),
    "target": ("v", "both"),
    "adversary": ("reversal", "non_saturating"),
}


class MarrNet(Matcher):
    """CmUNet followed by an extractor, trained end to end.

    Niu et al., IEEE TIP 2024, for the chain of the two and for the four tasks of cmUNet; their form is ours, see the
    fidelity ledger. Ours too: InfoNCE may stand in for the triplet loss. The extractor is that of the two-stream
    network, so that only cmUNet and its losses set the two apart.

    Parameters
    ----------
    dims : int
        1 for spectra, 2 for images.
    num_classes : int
        Identities of the training set.
    unet : bool
        False leaves the extractor alone, and the losses of cmUNet out.
    losses : sequence of str
        Which losses are computed, of "id", "tri", "rec", "tra", "adv", "per". Others cost nothing.
    triplet : {"info-nce", "weighted"}
        What "tri" is.
    transform : {"pixel", "perceptual"}
        What "tra" compares: aligned pairs point by point, or what an extractor sees of an identity, on average, where
        nothing lies on top of anything.
    target : {"v", "both"}
        Space of cmUNet's output: that of v, or both, stacked on the channels.
    adversary : {"reversal", "non_saturating"}
        How "adv" is played. One cross-entropy whose gradient is reversed on its way into cmUNet (Ganin et al., JMLR
        2016); or two: the discriminator's, which leaves cmUNet alone, and cmUNet's with the labels exchanged, which
        leaves the discriminator alone (Goodfellow et al., NeurIPS 2014, section 3, but both in one step). "adv" is then
        their sum, 2 log 2 where the discriminator can only guess.
    temperature : float
        Of InfoNCE.
    unet_width, unet_widest : int
        Channels of cmUNet's first level, and at most.
    **options
        For spectra see `TwoBranches` and `ResNet1d`, for images `ImageBackbone`.
    """

    loss_names = LOSSES
    lr_groups = Matcher.lr_groups | {"unet": ("unet",)}

    def __init__(
        self,
        *,
        dims: int,
        num_classes: int,
        unet: bool = True,
        losses: Sequence[str] = LOSSES,
        triplet: Literal["info-nce", "weighted"] = "info-nce",
        transform: Literal["pixel", "perceptual"] = "pixel",
        target: Literal["v", "both"] = "v",
        adversary: Literal["reversal", "non_saturating"] = "reversal",
        temperature: float = 0.07,
        unet_width: int = 16,
        unet_widest: int = 32,
        **options: Any,
    ) -> None:
        super().__init__()
        _check(losses, triplet=triplet, transform=transform, target=target, adversary=adversary)
        self.dims, self.triplet, self.transform, self.temperature = dims, triplet, transform, temperature
        self.adversary = adversary
        self.active = frozenset(losses) - (frozenset() if unet else frozenset(CMUNET_LOSSES))
        targets = 2 if unet and target == "both" else 1
        channels = CHANNELS.get(dims, 1)
        self.unet = (
            CrossModalityUNet(dims, channels=channels, width=unet_width, widest=unet_widest, targets=targets)
            if unet
            else None
        )
        self.extractor: TwoBranches | SharedExtractor = (
            TwoBranches(targets, **options)
            if dims == 1
            else SharedExtractor(make_backbone(dims, pictures=targets, **options))
        )
        features = self.extractor.features
        self.classifier = nn.Linear(features, num_classes, bias=False) if "id" in self.active else None
        self.discriminator = (
            PatchDiscriminator(dims, channels=channels * targets) if "adv" in self.active else None
        )

    def translate(self, x: Tensor, modality: int) -> Tensor:
        """Return the modality-agnostic representation u = U(x), (B, C, ...) or (B, 2C, ...) for both targets."""
        check_modality(modality)
        if self.unet is None:
            return x
        _check_size(x.shape[2:])
        return self.unet(unit_range(x), modality)

    def embed(self, x: Tensor, modality: int) -> Tensor:
        """See `Matcher.embed`: F(U(x)), of unit length."""
        return super().embed(self.translate(x, modality), modality)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses that are switched on, by the names of the table's rows."""
        check_batch(batch)
        u_v, u_r = self.translate(batch.v, 0), self.translate(batch.r, 1)  # (N, C * targets, ...)
        f, g = (all_gather(x, 2) for x in self.extractor.forward_pair(u_v, u_r))  # (2N, D) each
        with full_precision(f.device):
            losses = self._of_extractor(f.float(), g.float(), all_gather(batch.labels))
        return losses | self._of_unet(u_v, u_r, batch)

    def _of_extractor(self, f: Tensor, g: Tensor, labels: Tensor) -> dict[str, Tensor]:
        losses, both = {}, labels.repeat(2)  # (2N,)
        if self.classifier is not None:
            losses["id"] = functional.cross_entropy(self.classifier(g), both)
        if "tri" in self.active and self.triplet == "info-nce":
            g_v, g_r = g.chunk(2)
            losses["tri"] = info_nce(g_v, g_r, labels, self.temperature)
        elif "tri" in self.active:
            losses["tri"] = weighted_triplet(g if self.dims == 1 else f, both)
        return losses

    def _of_unet(self, u_v: Tensor, u_r: Tensor, batch: Batch) -> dict[str, Tensor]:
        if self.unet is None:
            return {}
        losses = {}
        samples = (unit_range(batch.v), unit_range(batch.r))
        # heads[t][m]: what was drawn of modality m in the space of modality t
        heads = list(zip(u_v.chunk(self.targets, dim=1), u_r.chunk(self.targets, dim=1), strict=True))
        if "rec" in self.active:
            each = [
                reconstruction(drawn[t].float(), samples[t], self._measured(samples[t]))
                for t, drawn in enumerate(heads)
            ]
            losses["rec"] = torch.stack(each).mean()
        if "tra" in self.active and self.transform == "pixel":
            crossed = [
                (all_gather(drawn[1 - t].float()), all_gather(samples[t])) for t, drawn in enumerate(heads)
            ]
            each = [
                transformation(drawn, sample, all_gather(batch.aligned), self._measured(sample))
                for drawn, sample in crossed
            ]
            losses["tra"] = torch.stack(each).mean()
        if self.discriminator is not None:
            losses["adv"] = self._adversarial_loss(self.discriminator, torch.cat([u_v, u_r]))
        if "per" in self.active:
            with torch.no_grad():
                wanted = self._perceptual_features(u_v)
            seen_r = self._perceptual_features(u_r)
            losses["per"] = perceptual(seen_r, wanted)
        if "tra" in self.active and self.transform == "perceptual":
            # in each space, the sample itself where it is of that modality, else what was drawn
            both_v = torch.cat([samples[0], *(drawn[0] for drawn in heads[1:])], dim=1)
            if self.targets == 2 or "per" not in self.active:  # else it is what was seen above
                seen_r = self._perceptual_features(
                    torch.cat([heads[0][1], *samples[1 : self.targets]], dim=1)
                )
            seen = all_gather(seen_r), all_gather(self._perceptual_features(both_v))  # (N, D) each
            losses["tra"] = perceptual_transformation(*seen, all_gather(batch.labels))
        return losses

    def _adversarial_loss(self, discriminator: PatchDiscriminator, u: Tensor) -> Tensor:
        """Return the adversarial loss of redrawn samples (2N, C, ...), first those of v."""
        if self.adversary == "reversal":
            return adversarial(*discriminator(reverse_gradient(u)).float().chunk(2))
        discriminator_loss = adversarial(*discriminator(u.detach()).float().chunk(2))
        with _frozen(discriminator):
            scores_v, scores_r = discriminator(u).float().chunk(2)
        return discriminator_loss + adversarial(scores_r, scores_v)

    def _perceptual_features(self, u: Tensor) -> Tensor:
        """Return what the extractor sees of redrawn samples, (N, D); its weights take no gradient."""
        with _frozen(self.extractor):
            return self.extractor.perceptual_features(u).float()

    def _measured(self, samples: Tensor) -> Tensor | None:
        """Return which points set a target: black is a colour, while a spectrum is 0 where nothing was measured."""
        return None if self.dims == 1 else torch.ones_like(samples[:1, :1], dtype=torch.bool)

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


def _check_size(size: Sequence[int]) -> None:
    if min(size) < SMALLEST or max(size) == SMALLEST:
        raise ValueError(
            f"cmUNet and its discriminator need {SMALLEST} points or more along every axis, and more along one, got "
            f"{' x '.join(map(str, size))}; load larger samples, or set model.unet to false"
        )


def _check(losses: Sequence[str], **chosen: str) -> None:
    refuse_unknown_losses(losses, LOSSES)
    if not set(losses) & set(EXTRACTOR_LOSSES):
        raise ValueError("nothing would train the extractor: switch on 'id' or 'tri'")
    for name, value in chosen.items():
        if value not in CHOICES[name]:
            raise ValueError(f"unknown {name} '{value}'; known: {', '.join(CHOICES[name])}")
