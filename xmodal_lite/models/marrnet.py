"""MarrNet: cmUNet translates both modalities into one sample space, an extractor embeds the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from xmodal_lite.losses import (
    adversarial,
    info_nce,
    perceptual,
    perceptual_transformation,
    reconstruction,
    reverse_gradient,
    transformation,
)
from xmodal_lite.models.backbone import unit_range
from xmodal_lite.models.cmunet import CrossModalityUNet
from xmodal_lite.models.discriminator import PatchDiscriminator
from xmodal_lite.models.distributed import all_gather
from xmodal_lite.models.layers import CHANNELS
from xmodal_lite.models.lineage_unet import LineageUNet
from xmodal_lite.models.matcher import Batch, Matcher, check_batch
from xmodal_lite.models.options import check_choice
from xmodal_lite.models.translation import Translator
from xmodal_lite.models.two_stream import ALIGNMENT_LOSSES, Embeddings, Setup, TwoStream

CMUNET_LOSSES = ("rec", "tra", "adv", "per")
LOSSES = ("id", "tri", *CMUNET_LOSSES)
Triplet = Literal["info-nce", "weighted"]
Transform = Literal["pixel", "perceptual"]
Target = Literal["v", "both"]
Form = Literal["residual", "lineage"]
Adversary = Literal["reversal", "non_saturating"]


class MarrNet(Translator, TwoStream):
    """CmUNet followed by an extractor, trained end to end.

    Niu et al., IEEE TIP 2024, for the chain of the two and for the four tasks of cmUNet; their form is ours, see the
    fidelity ledger. Ours too: InfoNCE may replace the triplet loss. The extractor is that of the two-stream
    network, so that only cmUNet and its losses set the two apart.

    Parameters
    ----------
    setup : Setup
        See `TwoStream`.
    unet : bool
        False leaves the extractor alone, and the losses of cmUNet out.
    losses : sequence of str
        Which losses are computed, of "id", "tri", "mmd", "w2", "rec", "tra", "adv", "per". Others cost nothing. "mmd"
        and "w2" are those of `TwoStream`, which the paper argues against.
    triplet : {"info-nce", "weighted"}
        What "tri" is.
    transform : {"pixel", "perceptual"}
        What "tra" compares: aligned pairs point by point, or what an extractor sees of an identity, on average, which
        needs no aligned pairs.
    target : {"v", "both"}
        Space of cmUNet's output: that of v, or both, stacked on the channels.
    adversary : {"reversal", "non_saturating"}
        The form of "adv". One cross-entropy whose gradient is reversed on its way into cmUNet (Ganin et al., JMLR
        2016); or two: the discriminator's, which leaves cmUNet alone, and cmUNet's with the labels exchanged, which
        leaves the discriminator alone (Goodfellow et al., NeurIPS 2014, section 3, but both in one step). "adv" is then
        their sum, 2 log 2 where the discriminator can only guess.
    temperature : float
        Of InfoNCE.
    unet_form : {"residual", "lineage"}
        `CrossModalityUNet`, or for spectra `LineageUNet`, whose size is fixed.
    unet_width, unet_widest : int
        Channels of cmUNet's first level, and at most.
    unet_downscale : int
        See `CrossModalityUNet`.
    label_smoothing : float
        See `TwoStream`.
    """

    loss_names = ("id", "tri", *ALIGNMENT_LOSSES, *CMUNET_LOSSES)
    training_only = ("classifier", "discriminator")
    lr_groups = Matcher.lr_groups | {"unet": ("unet",)}

    def __init__(
        self,
        setup: Setup,
        *,
        unet: bool = True,
        losses: Sequence[str] = LOSSES,
        triplet: Triplet = "info-nce",
        transform: Transform = "pixel",
        target: Target = "v",
        adversary: Adversary = "reversal",
        temperature: float = 0.07,
        unet_form: Form = "residual",
        unet_width: int = 16,
        unet_widest: int = 32,
        unet_downscale: int = 1,
        label_smoothing: float = 0.0,
    ) -> None:
        check_choice("triplet", triplet, Triplet)
        check_choice("transform", transform, Transform)
        check_choice("target", target, Target)
        check_choice("adversary", adversary, Adversary)
        check_choice("unet_form", unet_form, Form)
        dims, channels, targets = setup.dims, CHANNELS[setup.dims], 2 if unet and target == "both" else 1
        # first cmUNet: in another order, a seed would draw other weights
        translator: nn.Module | None = None
        if unet and unet_form == "lineage":
            translator = LineageUNet(dims, channels=channels, targets=targets)
        elif unet:
            translator = CrossModalityUNet(
                dims,
                channels=channels,
                width=unet_width,
                widest=unet_widest,
                downscale=unet_downscale,
                targets=targets,
            )
        make_extractor = partial(setup.make_extractor, channels=channels * targets)
        super().__init__(
            replace(setup, make_extractor=make_extractor), losses=losses, label_smoothing=label_smoothing
        )
        self.unet, self.targets = translator, targets
        self.triplet, self.transform, self.adversary = triplet, transform, adversary
        self.temperature = temperature
        self.active -= frozenset() if unet else frozenset(CMUNET_LOSSES)
        self.needs_aligned_pairs = "tra" in self.active and transform == "pixel"
        self.discriminator = (
            PatchDiscriminator(dims, channels=channels * targets) if "adv" in self.active else None
        )

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses that are switched on, by the names of the table's rows."""
        check_batch(batch)
        u_v, u_r = self.translate(batch.v, 0), self.translate(batch.r, 1)  # (N, C * targets, ...)
        losses = self.compare(*self.extractor.forward_pair(u_v, u_r), batch.labels)
        return losses | (self._unet_losses(u_v, u_r, batch) if self.unet is not None else {})

    def _triplet(self, e: Embeddings) -> Tensor:
        if self.triplet == "weighted":
            return super()._triplet(e)
        g_v, g_r = e.g.chunk(2)  # (N, D) each
        return info_nce(g_v, g_r, e.labels[: e.pairs], self.temperature)

    def _unet_losses(self, u_v: Tensor, u_r: Tensor, batch: Batch) -> dict[str, Tensor]:
        losses = {}
        samples = (unit_range(batch.v), unit_range(batch.r))
        # heads[t][m]: samples of modality m in the space of modality t
        heads = list(zip(u_v.chunk(self.targets, dim=1), u_r.chunk(self.targets, dim=1), strict=True))
        if "rec" in self.active:
            each = [
                reconstruction(drawn[t].float(), samples[t], self.measured(samples[t]))
                for t, drawn in enumerate(heads)
            ]
            losses["rec"] = torch.stack(each).mean()
        if "tra" in self.active and self.transform == "pixel":
            crossed = [
                (all_gather(drawn[1 - t].float()), all_gather(samples[t])) for t, drawn in enumerate(heads)
            ]
            each = [
                transformation(drawn, sample, all_gather(batch.aligned), self.measured(sample))
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
            # in each space, the sample itself where it is of that modality, else its translation
            both_v = torch.cat([samples[0], *(drawn[0] for drawn in heads[1:])], dim=1)
            if self.targets == 2 or "per" not in self.active:  # else it is what was seen above
                seen_r = self._perceptual_features(
                    torch.cat([heads[0][1], *samples[1 : self.targets]], dim=1)
                )
            seen = all_gather(seen_r), all_gather(self._perceptual_features(both_v))  # (N, D) each
            losses["tra"] = perceptual_transformation(*seen, all_gather(batch.labels))
        return losses

    def _adversarial_loss(self, discriminator: PatchDiscriminator, u: Tensor) -> Tensor:
        """Return the adversarial loss of translated samples (2N, C, ...), first those of v."""
        if self.adversary == "reversal":
            return adversarial(*discriminator(reverse_gradient(u)).float().chunk(2))
        discriminator_loss = adversarial(*discriminator(u.detach()).float().chunk(2))
        with _frozen(discriminator):
            scores_v, scores_r = discriminator(u).float().chunk(2)
        return discriminator_loss + adversarial(scores_r, scores_v)

    def _perceptual_features(self, u: Tensor) -> Tensor:
        """Return what the extractor sees of translated samples, (N, D); its weights take no gradient."""
        with _frozen(self.extractor):
            return self.extractor.perceptual_features(u).float()


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
