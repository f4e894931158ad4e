"""The contrastive baseline: an encoder for each modality, symmetric InfoNCE, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from xmodal_lite.losses import info_nce
from xmodal_lite.models.options import require_spectra
from xmodal_lite.models.two_stream import Embeddings, Setup, TwoStream


class Contrastive(TwoStream):
    """Two encoders whose embeddings of one identity are pulled together (Radford et al., ICML 2021, section 2.3).

    Parameters
    ----------
    setup : Setup
        See `TwoStream`; of spectra only, and without use for the number of identities, as there is no classifier.
    temperature : float
        Of InfoNCE.
    """

    loss_names = discriminative = ("nce",)

    def __init__(self, setup: Setup, *, temperature: float = 0.07) -> None:
        require_spectra("the contrastive pair", setup.dims)
        super().__init__(setup, losses=self.loss_names)
        self.temperature = temperature

    def embedding_losses(self) -> dict[str, Callable[[Embeddings], Tensor]]:
        """Return `nce`."""
        return {"nce": self._contrast}

    def _contrast(self, e: Embeddings) -> Tensor:
        g_v, g_r = e.g.chunk(2)  # (N, D) each
        return info_nce(g_v, g_r, e.labels[: e.pairs], self.temperature)
