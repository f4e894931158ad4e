"""MUN, the modality unifying network: a third, auxiliary modality stands between v and r during training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from xmodal_lite.losses import identity_alignment, modality_alignment
from xmodal_lite.models.auxiliary import IMAGES, LEARNERS, Auxiliary, Learner, Unify, make_auxiliary
from xmodal_lite.models.backbone import SpectrumBackbone
from xmodal_lite.models.extractor import SharedExtractor
from xmodal_lite.models.matcher import Batch, check_batch
from xmodal_lite.models.prototype import update_prototype
from xmodal_lite.models.two_stream import Embeddings, Setup, TwoStream

LOSSES = ("id", "ia", "ma", "tri")


class MUN(TwoStream):
    """Modality unifying network (Yu et al., ICCV 2023).

    An auxiliary sample is made of each pair, goes through all shared stages beside v and r, and is dropped at test: the
    embedding is that of the two-stream network. Known: the auxiliary modality, and both alignment losses. Ours: the
    generator's form and its place behind the stems, what the losses compare, and "tri", the baseline's triplet loss
    over all three modalities; see the fidelity ledger.

    Parameters
    ----------
    setup : Setup
        See `TwoStream`.
    auxiliary : {"unify", "none", "mixup", "grey", "x", "middle"}
        What makes the auxiliary modality, see `make_auxiliary`. Auxiliary images pass the stem of r. Without an
        auxiliary modality, v and r together are the prototype that each of them is aligned to.
    learners : sequence of str
        Which of "intra" and "cross" the auxiliary modality "unify" has.
    losses : sequence of str
        Which losses are computed, of "id", "ia", "ma", "tri". Others cost nothing.

    Raises
    ------
    ValueError
        A name is unknown, is not offered for spectra, or no loss tells identities apart.
    """

    loss_names: tuple[str, ...] = LOSSES
    discriminative = ("id", "ia", "tri")
    training_only = ("classifier", "auxiliary", "prototype_mean", "prototype_std")
    spectrum_extractor = SpectrumBackbone
    extractor: SharedExtractor
    prototype_mean: Tensor
    prototype_std: Tensor

    def __init__(
        self,
        setup: Setup,
        *,
        auxiliary: Auxiliary = "unify",
        learners: Sequence[Learner] = LEARNERS,
        losses: Sequence[str] = LOSSES,
    ) -> None:
        extractor = setup.make_extractor()
        assert isinstance(extractor, SharedExtractor)
        generator = make_auxiliary(auxiliary, setup.dims, extractor.backbone.stem_channels, learners)
        # last the classifier: in another order, a seed would draw other weights
        super().__init__(replace(setup, make_extractor=lambda: extractor), losses=losses)
        self.auxiliary = generator
        self.from_images = auxiliary in IMAGES
        for name in ("prototype_mean", "prototype_std") if "ma" in self.active else ():
            # the first batch sets them
            self.register_buffer(name, torch.full((self.extractor.features,), torch.nan))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return those that are switched on: `id`, `ia`, `ma`, `tri`."""
        check_batch(batch)
        f = self.features(batch)  # (3N, D), or (2N, D) without an auxiliary modality
        return self.compare(f, self.extractor.neck(f), batch.labels)

    def embedding_losses(self) -> dict[str, Callable[[Embeddings], Tensor]]:
        """Return those of `TwoStream`, and both alignment losses."""
        return super().embedding_losses() | {"ia": self._align_identities, "ma": self._align_modalities}

    def features(self, batch: Batch) -> Tensor:
        """Return f of all v, then all r, then all auxiliary samples, (3N, D)."""
        backbone = self.extractor.backbone
        z = [backbone.stem(batch.v, 0), backbone.stem(batch.r, 1)]  # (N, C, ...) each
        if self.from_images and self.auxiliary is not None:
            z.append(backbone.stem(self.auxiliary(batch.v, batch.r), 1))
        elif self.auxiliary is not None:
            z.append(self.auxiliary(*z))
        return backbone(torch.cat(z))

    def diagnostics(self) -> dict[str, Tensor]:
        """Return `ratio` of the layer scale, where both learners are there; see `Unify.ratio`."""
        ratio = self.auxiliary.ratio() if isinstance(self.auxiliary, Unify) else None
        return {} if ratio is None else {"ratio": ratio}

    def _align_identities(self, e: Embeddings) -> Tensor:
        modality = torch.arange(len(e.f), device=e.f.device) // e.pairs  # 0 v, 1 r, 2 auxiliary
        return identity_alignment(e.f, e.labels, modality)

    def _align_modalities(self, e: Embeddings) -> Tensor:
        """Update the prototype, then return the modality alignment loss of features of unit length."""
        h = functional.normalize(e.f, dim=1)
        f_v, f_r, *auxiliary = h.split(e.pairs)  # (N, D) each
        if self.training:
            bridge = auxiliary[0] if auxiliary else h
            update_prototype(self.prototype_mean, self.prototype_std, bridge)
        return modality_alignment(f_v, f_r, self.prototype_mean, self.prototype_std)
