"""The contrastive baseline: an encoder for each modality, symmetric InfoNCE, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from xmodal_lite.losses import info_nce
from xmodal_lite.models.extractor import Extractor
from xmodal_lite.models.options import require_spectra
from xmodal_lite.models.two_stream import Embeddings, TwoStream


class Contrastive(TwoStream):
    """Two encoders whose embeddings of one identity are pulled together (Radford et al., ICML 2021, section 2.3).

    Parameters
    ----------
    dims : int
        1: spectra only.
    num_classes : int
        Unused: the loss compares pairs and has no classifier.
    make_extractor : callable
        See `TwoStream`.
    temperature : float
        Of InfoNCE.
    """

    loss_names = discriminative = ("nce",)

    def __init__(
        self,
        *,
        dims: int,
        num_classes: int,
        make_extractor: Callable[..., Extractor],
        temperature: float = 0.07,
    ) -> None:
        require_spectra("the contrastive pair", dims)
        super().__init__(
            dims=dims, num_classes=num_classes, make_extractor=make_extractor, losses=self.loss_names
        )
        self.temperature = temperature

    def embedding_losses(self) -> dict[str, Callable[[Embeddings], Tensor]]:
        """Return `nce`."""
        return {"nce": self._contrast}

    def _contrast(self, e: Embeddings) -> Tensor:
        g_v, g_r = e.g.chunk(2)  # (N, D) each
        return info_nce(g_v, g_r, e.labels[: e.pairs], self.temperature)
