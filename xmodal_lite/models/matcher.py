"""What every method is to the rest of the package: something that embeds samples and names its losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass
class Batch:
    """N pairs of samples, one of each modality; row i of `v` and row i of `r` are of one identity.

    Attributes
    ----------
    v, r : Tensor
        (N, C, ...) samples of modality 0 and of modality 1.
    labels : Tensor
        (N,) int64, identity of both samples of a pair, 0..classes-1.
    aligned : Tensor
        (N,) bool, True where both samples show the very same thing, point by point.
    """

    v: Tensor
    r: Tensor
    labels: Tensor
    aligned: Tensor


class Matcher(nn.Module, ABC):
    """A model that matches samples of two modalities by the cosine of their embeddings."""

    @abstractmethod
    def embed(self, x: Tensor, modality: int) -> Tensor:
        """Return the embeddings that are compared at test.

        Parameters
        ----------
        x : Tensor
            (B, C, ...) samples.
        modality : int
            0 for v, 1 for r.

        Returns
        -------
        Tensor
            (B, D), of unit length.
        """

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of a batch by name: scalars, not yet weighted."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return `losses(batch)`: wrappers for several devices see a model's `forward` only."""
        return self.losses(batch)
