"""Ours: cmUNet in front of MUN, with the enhancing network's Wasserstein consistency; each part has a switch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from xmodal_lite.losses import reconstruction, transformation
from xmodal_lite.models.auxiliary import LEARNERS, Auxiliary, Learner
from xmodal_lite.models.backbone import unit_range
from xmodal_lite.models.cmunet import CrossModalityUNet
from xmodal_lite.models.distributed import all_gather
from xmodal_lite.models.layers import CHANNELS
from xmodal_lite.models.matcher import Batch, Matcher, check_batch
from xmodal_lite.models.mun import LOSSES as MUN_LOSSES
from xmodal_lite.models.mun import MUN
from xmodal_lite.models.translation import Translator
from xmodal_lite.models.two_stream import Setup

LOSSES = (*MUN_LOSSES, "w2", "rec", "tra")


class Combined(Translator, MUN):
    """The three papers' ideas in one network. Ours; no paper proposes it.

    CmUNet translates both samples (Niu et al. 2024), MUN's auxiliary modality is made of the translations and aligned
    with them (Yu et al. 2023), and the distributions of the embeddings are brought together by the squared
    2-Wasserstein distance (Zhang et al. 2025). At test the embedding is F(U(x)).

    Parameters
    ----------
    setup : Setup
        See `TwoStream`.
    unet : bool
        False leaves cmUNet and its losses out.
    auxiliary, learners
        See `MUN`; "none" leaves the auxiliary modality out.
    losses : sequence of str
        Which losses are computed, of "id", "ia", "ma", "tri", "w2", "rec", "tra". Others cost nothing. "tra" compares
        aligned pairs point by point.
    unet_width, unet_widest, unet_downscale : int
        See `MarrNet`.

    Raises
    ------
    ValueError
        A name is unknown, is not offered for spectra, or no loss tells identities apart.
    """

    loss_names = LOSSES
    lr_groups = Matcher.lr_groups | {"unet": ("unet",)}

    def __init__(
        self,
        setup: Setup,
        *,
        unet: bool = True,
        auxiliary: Auxiliary = "unify",
        learners: Sequence[Learner] = LEARNERS,
        losses: Sequence[str] = LOSSES,
        unet_width: int = 16,
        unet_widest: int = 32,
        unet_downscale: int = 1,
    ) -> None:
        translator: nn.Module | None = None
        if unet:
            translator = CrossModalityUNet(
                setup.dims,
                channels=CHANNELS[setup.dims],
                width=unet_width,
                widest=unet_widest,
                downscale=unet_downscale,
            )
        super().__init__(setup, auxiliary=auxiliary, learners=learners, losses=losses)
        self.unet = translator
        self.active -= frozenset() if unet else frozenset(("rec", "tra"))
        self.needs_aligned_pairs = "tra" in self.active

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return those that are switched on: of `MUN` on the translations, `w2`, `rec` and `tra`."""
        check_batch(batch)
        u_v, u_r = self.translate(batch.v, 0), self.translate(batch.r, 1)  # (N, C, ...)
        losses = super().losses(replace(batch, v=u_v, r=u_r))
        target = unit_range(batch.v)
        measured = self.measured(target)
        if "rec" in self.active:
            losses["rec"] = reconstruction(u_v.float(), target, measured)
        if "tra" in self.active:
            drawn, wanted, aligned = all_gather(u_r.float()), all_gather(target), all_gather(batch.aligned)
            losses["tra"] = transformation(drawn, wanted, aligned, measured)
        return losses
