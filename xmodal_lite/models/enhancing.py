"""The enhancing-invariance network: a branch for each modality sharpens the shared stages, a loss aligns the two."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.losses import batch_hard_triplet, gaussian_consistency, mmd
from xmodal_lite.models.backbone import Backbone, SpectrumBackbone
from xmodal_lite.models.distributed import all_gather
from xmodal_lite.models.extractor import Neck, SharedExtractor
from xmodal_lite.models.matcher import Batch, check_batch, full_precision
from xmodal_lite.models.options import check_choice
from xmodal_lite.models.two_stream import Embeddings, Setup, TwoStream, unit_embeddings

LOSSES = ("id", "tri", "dc", "intra")
Consistency = Literal["w2", "mean", "kl", "mmd", "per-identity"]


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


class Enhancing(TwoStream):
    """Network that enhances what each modality knows and aligns the two (Zhang et al., IJMLC 16(1), 2025).

    The shared part is the two-stream network. Known: a branch for each modality makes identities compact and distinct
    within it; a consistency loss aligns the two distributions, taken as Gaussian, in the shared space. Ours: where the
    branches start, their losses and the form of the Gaussians; see the fidelity ledger. The branches learn on the
    shared trunk's map, reach it through the gradient alone, and are dropped at test.

    Parameters
    ----------
    setup : Setup
        See `TwoStream`.
    losses : sequence of str
        Which losses are computed, of "id", "tri", "dc", "intra". Others cost nothing.
    consistency : {"w2", "mean", "kl", "mmd", "per-identity"}
        What "dc" is: a distance of `gaussian_consistency`, `mmd`, or the first distance for each identity by itself.
        It acts on the embeddings that are compared at test; as they have unit length, shrinking them does not help.
        "kl" is the mean over the channels, which brings it to the size of the others.
    pooled : bool
        Let the branches work on 2 x 2 means of an image's map; see `Branch`.

    Raises
    ------
    ValueError
        A loss or a consistency is unknown, or no loss would tell identities apart.
    """

    loss_names = LOSSES
    training_only = ("classifier", "branches")
    spectrum_extractor = SpectrumBackbone
    extractor: SharedExtractor

    def __init__(
        self,
        setup: Setup,
        *,
        losses: Sequence[str] = LOSSES,
        consistency: Consistency = "w2",
        pooled: bool = True,
    ) -> None:
        check_choice("consistency", consistency, Consistency)
        super().__init__(setup, losses=losses)
        self.consistency = consistency
        backbone, count = self.extractor.backbone, 2 if "intra" in self.active else 0
        self.branches = nn.ModuleList(Branch(backbone, setup.num_classes, pooled) for _ in range(count))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return those that are switched on: `id`, `tri` (weighted triplet), `dc`, `intra` of both branches."""
        check_batch(batch)
        backbone = self.extractor.backbone
        z = backbone.trunk(torch.cat([backbone.stem(batch.v, 0), backbone.stem(batch.r, 1)]))  # (2N, C, ...)
        f = backbone.pool(backbone.last(z))  # (2N, D)
        losses = self.compare(f, self.extractor.neck(f), batch.labels)
        if "intra" in self.active:
            labels, halves = all_gather(batch.labels), z.chunk(2)
            of_v, of_r = (
                branch(half, labels, backbone.pool)
                for branch, half in zip(self.branches, halves, strict=True)
            )
            losses["intra"] = of_v + of_r
        return losses

    def embedding_losses(self) -> dict[str, Callable[[Embeddings], Tensor]]:
        """Return those of `TwoStream`, and the distance of the two distributions."""
        return super().embedding_losses() | {"dc": self._distance}

    def _distance(self, e: Embeddings) -> Tensor:
        """Return the distance between the distributions of v and r, of embeddings of unit length."""
        v, r = unit_embeddings(e)  # (N, D) each
        labels = e.labels[: e.pairs]
        if self.consistency == "mmd":
            return mmd(v, r)
        if self.consistency == "per-identity":
            return gaussian_consistency(v, r, "w2", labels=(labels, labels))
        distance = gaussian_consistency(v, r, self.consistency)
        # of unit length, channels share one unit between them; the divergence counts each in units of its own spread
        return distance / v.shape[1] if self.consistency == "kl" else distance
