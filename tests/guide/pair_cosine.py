"""The two-stream network with one more loss: the two embeddings of a pair point the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn import functional

from xmodal_lite.models.two_stream import Embeddings, Setup, TwoStream

LOSSES = ("id", "tri", "cos")


class PairCosine(TwoStream):
    """Two-stream network that also pulls the two samples of each pair together.

    Parameters
    ----------
    setup : Setup
        See `TwoStream`.
    losses : sequence of str
        Which losses are computed, of "id", "tri", "cos".
    """

    loss_names = LOSSES

    def __init__(self, setup: Setup, *, losses: Sequence[str] = LOSSES) -> None:
        super().__init__(setup, losses=losses)

    def embedding_losses(self) -> dict[str, Callable[[Embeddings], Tensor]]:
        """Return those of `TwoStream`, and `cos`: 1 minus the mean cosine of the pairs."""
        return super().embedding_losses() | {"cos": self._cosine}

    def _cosine(self, e: Embeddings) -> Tensor:
        g_v, g_r = e.g.split(e.pairs)  # (N, D) each; row i of both is one identity
        return 1 - functional.cosine_similarity(g_v, g_r).mean()
