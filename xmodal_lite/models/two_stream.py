"""The two-stream baseline: a branch for each modality, one classifier over both, cross-entropy and triplet loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.losses import weighted_triplet
from xmodal_lite.models.backbone import TwoBranches
from xmodal_lite.models.matcher import Batch, Matcher


class TwoStream(Matcher):
    """Two-stream network of the AGW family, for spectra.

    Ye et al., TPAMI 2022, section 4. Ours: the branches for spectra (`ResNet1d`), how much of them is shared, and
    that the triplet loss acts on g, where each modality's mean offset is gone.

    Parameters
    ----------
    dims : int
        1; images come with a later task.
    num_classes : int
        Identities of the training set.
    shared : bool
        Share the residual blocks between the modalities.
    **options
        See `ResNet1d`.
    """

    def __init__(self, *, dims: int, num_classes: int, features: int = 128, **options: Any) -> None:
        super().__init__()
        _require_spectra(dims)
        self.extractor = TwoBranches(features=features, **options)
        self.classifier = nn.Linear(features, num_classes, bias=False)

    def embed(self, x: Tensor, modality: int) -> Tensor:
        """See `Matcher.embed`."""
        return functional.normalize(self.extractor(x, modality), dim=1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return `id` (cross-entropy) and `tri` (weighted regularised triplet)."""
        g = torch.cat([self.extractor(batch.v, 0), self.extractor(batch.r, 1)])  # (2N, D)
        labels = batch.labels.repeat(2)
        return {
            "id": functional.cross_entropy(self.classifier(g), labels),
            "tri": weighted_triplet(g, labels),
        }


def _require_spectra(dims: int) -> None:
    if dims != 1:
        raise ValueError(f"this model is built for spectra (dims=1) so far, not for dims={dims}")
