"""The two-stream baseline: two stems, one classifier over both modalities, cross-entropy and triplet loss."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.losses import weighted_triplet
from xmodal_lite.models.backbone import SharedExtractor, TwoBranches, make_backbone
from xmodal_lite.models.distributed import all_gather
from xmodal_lite.models.matcher import Batch, Matcher, check_batch, full_precision


class TwoStream(Matcher):
    """Two-stream network of the AGW family.

    Ye et al., TPAMI 2022, section 4, for images: the stem is each modality's own, all later stages are shared, and the
    triplet loss acts on f. Ours, for spectra: the two branches (`TwoBranches`), and that the triplet loss acts on g,
    where each modality's mean offset is gone.

    Parameters
    ----------
    dims : int
        1 for spectra, 2 for images.
    num_classes : int
        Identities of the training set.
    **options
        For spectra see `TwoBranches` and `ResNet1d`, for images `ImageBackbone`.
    """

    loss_names = ("id", "tri")

    def __init__(self, *, dims: int, num_classes: int, **options: Any) -> None:
        super().__init__()
        self.dims = dims
        self.extractor: TwoBranches | SharedExtractor = (
            TwoBranches(**options) if dims == 1 else SharedExtractor(make_backbone(dims, **options))
        )
        self.classifier = nn.Linear(self.extractor.features, num_classes, bias=False)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return `id` (cross-entropy) and `tri` (weighted regularised triplet)."""
        check_batch(batch)
        f, g = (all_gather(x, 2) for x in self.extractor.forward_pair(batch.v, batch.r))  # (2N, D) each
        labels = all_gather(batch.labels).repeat(2)
        with full_precision(f.device):
            return {
                "id": functional.cross_entropy(self.classifier(g.float()), labels),
                "tri": weighted_triplet((g if self.dims == 1 else f).float(), labels),
            }
