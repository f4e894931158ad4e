"""What every method is to the rest of the package: something that embeds samples and names its losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.models.distributed import all_gather


@dataclass
class Batch:
    """N pairs of samples, one of each modality; row i of `v` and row i of `r` are of one identity.

    Attributes
    ----------
    v, r : Tensor
        (N, C, ...) samples of modality 0 and of modality 1.
    labels : Tensor
        (N,) int64, identity of both samples of a pair, 0..classes-1; the K pairs of one identity lie together.
    aligned : Tensor
        (N,) bool, True where both samples show the same specimen or image content, point by point.
    """

    v: Tensor
    r: Tensor
    labels: Tensor
    aligned: Tensor

    def columns(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the four tensors in the order in which a batch takes them."""
        return self.v, self.r, self.labels, self.aligned


class Matcher(nn.Module, ABC):
    """A model that matches samples of two modalities by the cosine of their embeddings.

    Attributes
    ----------
    loss_names : tuple of str
        The names that `losses` can return, whatever is switched on; a recipe's weights are held against them. Where a
        class gives none, any weight is taken.
    lr_groups : dict of str to tuple of str
        Parts of the model whose learning rate a recipe can multiply: a name, and the attribute names of its modules.
    training_only : tuple of str
        Attribute names of modules and buffers that `embed` does not use, such as classifiers; they are not exported.
    needs_aligned_pairs : bool
        Whether a loss compares the two samples of a pair point by point, so that some pairs have to be aligned.
    extractor : nn.Module
        What the default `embed` calls, with samples and their modality.
    """

    loss_names: tuple[str, ...] = ()
    lr_groups: ClassVar[dict[str, tuple[str, ...]]] = {
        "head": ("neck", "necks", "classifier", "discriminator")
    }
    training_only: tuple[str, ...] = ()
    needs_aligned_pairs: bool = False
    extractor: nn.Module

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
            (B, D) float32, of unit length.

        Raises
        ------
        ValueError
            The modality is neither 0 nor 1.
        """
        check_modality(modality)
        return functional.normalize(self.extractor(x, modality).float(), dim=1)

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of a batch by name: scalars, not yet weighted."""

    def diagnostics(self) -> dict[str, Tensor]:
        """Return scalars that are worth watching in training and are no losses; by default none."""
        return {}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return `losses(batch)`: wrappers for several devices see a model's `forward` only."""
        return self.losses(batch)


def full_precision(device: torch.device) -> torch.autocast:
    """Return a context without automatic mixed precision: distances lose too many digits in 16 bits."""
    kind = "cpu" if device.type == "meta" else device.type  # autocast does not know the meta device
    return torch.autocast(kind, enabled=False)


def check_batch(batch: Batch) -> None:
    """Refuse a batch that no loss across modalities is defined on.

    Raises
    ------
    ValueError
        It is empty, lacks a modality, has unequally many samples of the two, or shows one identity alone. The last is
        not looked for on a GPU, where the losses that need a second identity are 0 for such a batch.
    """
    sizes = {"v": len(batch.v), "r": len(batch.r), "labels": len(batch.labels)}
    if not any(sizes.values()):
        raise ValueError("the batch is empty; a step needs samples of two identities or more")
    for name, size in sizes.items():
        if size == 0:
            raise ValueError(
                f"the batch has no {name}; a step needs samples of both modalities and their labels"
            )
    if len(set(sizes.values())) > 1:
        counts = ", ".join(f"{size} of {name}" for name, size in sizes.items())
        raise ValueError(f"row i of v, r and labels belong together, but there are {counts}")
    on_host = batch.labels.device.type == "cpu"  # asking a GPU would make every step wait for it
    labels = all_gather(batch.labels) if on_host else batch.labels
    if on_host and bool((labels == labels[0]).all()):
        raise ValueError(
            "the batch shows one identity alone; no loss can compare it with another; raise num_identities (P)"
        )


def check_modality(modality: int) -> None:
    """Refuse what is no modality: as an index, -1 and True would pass for r.

    Raises
    ------
    ValueError
        It is neither 0 nor 1.
    """
    if isinstance(modality, bool) or modality not in (0, 1):
        raise ValueError(f"the modality is 0 (v) or 1 (r), got {modality}")
