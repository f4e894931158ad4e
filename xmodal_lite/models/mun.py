"""MUN, the modality unifying network: a third, auxiliary modality stands between v and r during training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.losses import identity_alignment, modality_alignment, update_prototype, weighted_triplet
from xmodal_lite.models.auxiliary import IMAGES, LEARNERS, Unify, make_auxiliary
from xmodal_lite.models.backbone import SharedExtractor, make_backbone
from xmodal_lite.models.distributed import all_gather
from xmodal_lite.models.matcher import Batch, Matcher, check_batch, full_precision, refuse_unknown_losses

LOSSES = ("id", "ia", "ma", "tri")
DISCRIMINATIVE_LOSSES = ("id", "ia", "tri")


class MUN(Matcher):
    """Modality unifying network (Yu et al., ICCV 2023).

    An auxiliary sample is made of each pair, goes through all shared stages beside v and r, and is dropped at test: the
    embedding is that of the two-stream network. Known: the auxiliary modality, and both alignment losses. Ours: the
    generator's form and its place behind the stems, what the losses compare, and "tri", the baseline's triplet loss
    over all three modalities; see the fidelity ledger.

    Parameters
    ----------
    dims : int
        1 for spectra, 2 for images.
    num_classes : int
        Identities of the training set.
    auxiliary : {"unify", "none", "mixup", "grey", "x", "middle"}
        What makes the auxiliary modality, see `make_auxiliary`. Auxiliary images pass the stem of r. Without an
        auxiliary modality, v and r together are the prototype that each of them is aligned to.
    learners : sequence of str
        Which of "intra" and "cross" the auxiliary modality "unify" has.
    losses : sequence of str
        Which losses are computed, of "id", "ia", "ma", "tri". Others cost nothing.
    **options
        See `SpectrumBackbone` and `ResNet1d` (spectra) or `ImageBackbone` (images).

    Raises
    ------
    ValueError
        A name is unknown, is not offered for spectra, or no loss tells identities apart.
    """

    loss_names = LOSSES
    extractor: SharedExtractor
    prototype_mean: Tensor
    prototype_std: Tensor

    def __init__(
        self,
        *,
        dims: int,
        num_classes: int,
        auxiliary: str = "unify",
        learners: Sequence[str] = LEARNERS,
        losses: Sequence[str] = LOSSES,
        **options: Any,
    ) -> None:
        super().__init__()
        _check(losses)
        self.active = frozenset(losses)
        self.extractor = SharedExtractor(make_backbone(dims, **options))
        self.auxiliary = make_auxiliary(auxiliary, dims, self.extractor.backbone.stem_channels, learners)
        self.from_images = auxiliary in IMAGES
        features = self.extractor.features
        self.classifier = nn.Linear(features, num_classes, bias=False) if "id" in self.active else None
        for name in ("prototype_mean", "prototype_std") if "ma" in self.active else ():
            self.register_buffer(name, torch.full((features,), torch.nan))  # the first batch sets them

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return those that are switched on: `id`, `ia`, `ma`, `tri`."""
        check_batch(batch)
        f = self.features(batch)  # (3N, D), or (2N, D) without an auxiliary modality
        modalities = len(f) // len(batch.labels)
        f, g = all_gather(f, modalities), all_gather(self.extractor.neck(f), modalities)
        pairs = len(f) // modalities
        modality = torch.arange(len(f), device=f.device) // pairs  # 0 v, 1 r, 2 auxiliary
        labels = all_gather(batch.labels).repeat(modalities)
        losses = {}
        with full_precision(f.device):
            if self.classifier is not None:
                losses["id"] = functional.cross_entropy(self.classifier(g.float()), labels)
            if "ia" in self.active:
                losses["ia"] = identity_alignment(f, labels, modality)
            if "ma" in self.active:
                losses["ma"] = self._align(functional.normalize(f, dim=1), pairs)
            if "tri" in self.active:
                losses["tri"] = weighted_triplet(f, labels)
        return losses

    def features(self, batch: Batch) -> Tensor:
        """Return f of all v, then all r, then all auxiliary samples, (3N, D)."""
        backbone = self.extractor.backbone
        z = [backbone.stem(batch.v, 0), backbone.stem(batch.r, 1)]  # (N, C, ...) each
        if self.from_images and self.auxiliary is not None:
            z.append(backbone.stem(self.auxiliary(batch.v, batch.r), 1))
        elif self.auxiliary is not None:
            z.append(self.auxiliary(*z))
        return backbone(torch.cat(z))

    def diagnostics(self) -> dict[str, Tensor]:
        """Return `ratio` of the layer scale, where both learners are there; see `Unify.ratio`."""
        ratio = self.auxiliary.ratio() if isinstance(self.auxiliary, Unify) else None
        return {} if ratio is None else {"ratio": ratio}

    def _align(self, f: Tensor, pairs: int) -> Tensor:
        """Follow the prototype, then return the modality alignment loss of features (3N, D) of unit length."""
        bridge = f if self.auxiliary is None else f[2 * pairs :]
        if self.training:
            update_prototype(self.prototype_mean, self.prototype_std, bridge)
        return modality_alignment(f[:pairs], f[pairs : 2 * pairs], self.prototype_mean, self.prototype_std)


def _check(losses: Sequence[str]) -> None:
    refuse_unknown_losses(losses, LOSSES)
    if not set(losses) & set(DISCRIMINATIVE_LOSSES):
        raise ValueError(f"nothing would tell identities apart: switch on {', '.join(DISCRIMINATIVE_LOSSES)}")
