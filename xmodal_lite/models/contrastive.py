"""The contrastive baseline: an encoder for each modality, symmetric InfoNCE, and nothing else."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from xmodal_lite.losses import info_nce
from xmodal_lite.models.backbone import TwoBranches
from xmodal_lite.models.distributed import all_gather
from xmodal_lite.models.matcher import Batch, Matcher, check_batch, full_precision, require_spectra


class Contrastive(Matcher):
    """Two encoders whose embeddings of one identity are pulled together (Radford et al., ICML 2021, section 2.3).

    Parameters
    ----------
    dims : int
        1: spectra only.
    num_classes : int
        Unused: the loss compares pairs and has no classifier.
    temperature : float
        Of InfoNCE.
    **options
        See `TwoBranches` and `ResNet1d`.
    """

    loss_names = ("nce",)

    def __init__(self, *, dims: int, num_classes: int, temperature: float = 0.07, **options: Any) -> None:
        super().__init__()
        require_spectra("the contrastive pair", dims)
        self.temperature = temperature
        self.extractor = TwoBranches(**options)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return `nce`."""
        check_batch(batch)
        g_v, g_r = all_gather(self.extractor(batch.v, 0)), all_gather(self.extractor(batch.r, 1))  # (N, D)
        labels = all_gather(batch.labels)
        with full_precision(g_v.device):
            return {"nce": info_nce(g_v.float(), g_r.float(), labels, self.temperature)}
