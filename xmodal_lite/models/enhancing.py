"""The enhancing-invariance network: a branch for each modality sharpens the shared stages, a loss aligns the two."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.losses import batch_hard_triplet, gaussian_consistency, mmd, weighted_triplet
from xmodal_lite.models.backbone import Backbone, Neck, SharedExtractor, make_backbone
from xmodal_lite.models.distributed import all_gather
from xmodal_lite.models.matcher import Batch, Matcher, check_batch, full_precision, refuse_unknown_losses

LOSSES = ("id", "tri", "intra", "dc")
DISCRIMINATIVE_LOSSES = ("id", "tri")
Consistency = Literal["w2", "mean", "kl", "mmd", "per-identity"]
CONSISTENCIES = ("w2", "mean", "kl", "mmd", "per-identity")


class Branch(nn.Module):
    """What one modality has to itself during training: a last stage, a neck and a classifier.

    Ours: the stage starts as a copy of the shared one. On images it works on 2 x 2 means of the map, at a quarter of
    the cost; the shared stage keeps its resolution.

    Parameters
    ----------
    backbone : Backbone
        Whose last stage is copied.
    num_classes : int
        Identities of the training set.
    pooled : bool
        Take the 2 x 2 means; spectra never do.
    """

    def __init__(self, backbone: Backbone, num_classes: int, pooled: bool) -> None:
        super().__init__()
        halve = pooled and backbone.dims == 2
        self.shrink = nn.AvgPool2d(2, ceil_mode=True) if halve else nn.Identity()
        self.last = copy.deepcopy(backbone.last)
        self.neck = Neck(backbone.features)
        self.classifier = nn.Linear(backbone.features, num_classes, bias=False)

    def forward(self, z: Tensor, labels: Tensor, pool: Callable[[Tensor], Tensor]) -> Tensor:
        """Take the trunk's map of this modality (N, C, ...), return cross-entropy plus batch-hard triplet loss."""
        f = pool(self.last(self.shrink(z)))  # (N, D)
        with full_precision(f.device):
            scores = self.classifier(all_gather(self.neck(f)))  # (N, num_classes)
            return functional.cross_entropy(scores, labels) + batch_hard_triplet(all_gather(f), labels)


class Enhancing(Matcher):
    """Network that enhances what each modality knows and aligns the two (Zhang et al., IJMLC 16(1), 2025).

    The shared part is the two-stream network. Known: a branch for each modality makes identities compact and distinct
    within it; a consistency loss aligns the two distributions, taken as Gaussian, in the shared space. Ours: where the
    branches start, their losses and the form of the Gaussians; see the fidelity ledger. The branches learn on the
    shared trunk's map, reach it through the gradient alone, and are dropped at test.

    Parameters
    ----------
    dims : int
        1 for spectra, 2 for images.
    num_classes : int
        Identities of the training set.
    losses : sequence of str
        Which losses are computed, of "id", "tri", "intra", "dc". Others cost nothing.
    consistency : {"w2", "mean", "kl", "mmd", "per-identity"}
        What "dc" is: a distance of `gaussian_consistency`, `mmd`, or the first distance for each identity by itself.
        It acts on the embeddings that are compared at test; as they have unit length, shrinking them does not help.
        "kl" is the mean over the channels, which brings it to the size of the others.
    pooled : bool
        Let the branches work on 2 x 2 means of an image's map; see `Branch`.
    **options
        See `SpectrumBackbone` and `ResNet1d` (spectra) or `ImageBackbone` (images).

    Raises
    ------
    ValueError
        A loss or a consistency is unknown, or nothing would train what is tested to tell identities apart.
    """

    loss_names = LOSSES
    extractor: SharedExtractor

    def __init__(
        self,
        *,
        dims: int,
        num_classes: int,
        losses: Sequence[str] = LOSSES,
        consistency: Consistency = "w2",
        pooled: bool = True,
        **options: Any,
    ) -> None:
        super().__init__()
        _check(losses, consistency)
        self.active, self.consistency = frozenset(losses), consistency
        self.extractor = SharedExtractor(make_backbone(dims, **options))
        backbone = self.extractor.backbone
        self.classifier = (
            nn.Linear(backbone.features, num_classes, bias=False) if "id" in self.active else None
        )
        count = 2 if "intra" in self.active else 0
        self.branches = nn.ModuleList(Branch(backbone, num_classes, pooled) for _ in range(count))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return those that are switched on: `id`, `tri` (weighted triplet), `intra` of both branches, `dc`."""
        check_batch(batch)
        backbone, labels = self.extractor.backbone, all_gather(batch.labels)
        z = backbone.trunk(torch.cat([backbone.stem(batch.v, 0), backbone.stem(batch.r, 1)]))  # (2N, C, ...)
        f = backbone.pool(backbone.last(z))  # (2N, D)
        f, g = all_gather(f, 2), all_gather(self.extractor.neck(f), 2)
        both, losses = labels.repeat(2), {}
        with full_precision(f.device):
            if self.classifier is not None:
                losses["id"] = functional.cross_entropy(self.classifier(g.float()), both)
            if "tri" in self.active:
                losses["tri"] = weighted_triplet(f, both)
            if "dc" in self.active:
                losses["dc"] = self._apart(functional.normalize(g.float(), dim=1), labels)
        if "intra" in self.active:
            of_v, of_r = (
                branch(part, labels, backbone.pool)
                for branch, part in zip(self.branches, z.chunk(2), strict=True)
            )
            losses["intra"] = of_v + of_r
        return losses

    def _apart(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return how far apart the distributions of v and r are, of embeddings (2N, D) of unit length, v first."""
        v, r = embeddings[: len(labels)], embeddings[len(labels) :]
        if self.consistency == "mmd":
            return mmd(v, r)
        if self.consistency == "per-identity":
            return gaussian_consistency(v, r, "w2", labels=(labels, labels))
        distance = gaussian_consistency(v, r, self.consistency)
        # of unit length, channels share one unit between them; the divergence counts each in units of its own spread
        return distance / v.shape[1] if self.consistency == "kl" else distance


def _check(losses: Sequence[str], consistency: str) -> None:
    refuse_unknown_losses(losses, LOSSES)
    if not set(losses) & set(DISCRIMINATIVE_LOSSES):
        raise ValueError(
            f"nothing would train what is tested: switch on {' or '.join(DISCRIMINATIVE_LOSSES)}"
        )
    if consistency not in CONSISTENCIES:
        raise ValueError(f"unknown consistency '{consistency}'; known: {', '.join(CONSISTENCIES)}")
