"""The two-stream baseline: two stems, one classifier over both modalities, cross-entropy and triplet loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.losses import gaussian_consistency, mmd, weighted_triplet
from xmodal_lite.models.backbone import SpectrumBackbone
from xmodal_lite.models.distributed import all_gather
from xmodal_lite.models.extractor import Extractor, TwoBranches
from xmodal_lite.models.matcher import Batch, Matcher, check_batch, full_precision
from xmodal_lite.models.options import check_losses

ALIGNMENT_LOSSES = ("mmd", "w2")  # distances of the two modalities' distributions, in feature space


@dataclass(frozen=True)
class Setup:
    """What is fixed before a method is made; `build` makes one.

    Attributes
    ----------
    dims : int
        1 for spectra, 2 for images.
    num_classes : int
        Identities of the training set.
    make_extractor : callable
        Makes the extractor; takes `channels` of a sample where they are not those of the data.
    """

    dims: int
    num_classes: int
    make_extractor: Callable[..., Extractor]


@dataclass(frozen=True)
class Embeddings:
    """What the losses of a step compare: m modalities of N pairs, one modality behind the other, of all processes.

    Attributes
    ----------
    f, g : Tensor
        (mN, D) float32, what a triplet loss takes and what a classifier takes.
    labels : Tensor
        (mN,) int64 identities.
    pairs : int
        N.
    """

    f: Tensor
    g: Tensor
    labels: Tensor
    pairs: int


class TwoStream(Matcher):
    """Two-stream network of the AGW family, and the base of every other trained method.

    Ye et al., TPAMI 2022, section 4, for images: the stem is each modality's own, all later stages are shared, and the
    triplet loss acts on f. Ours, for spectra: the two branches (`TwoBranches`), and that the triplet loss acts on g,
    where each modality's mean offset is gone.

    A method overrides `losses`, which embeds a batch and hands f and g to `compare`, and adds to `embedding_losses`.

    Parameters
    ----------
    setup : Setup
        Kind of samples, number of identities and extractor.
    losses : sequence of str
        Which losses are computed, of `loss_names`. Others cost nothing. "mmd" and "w2" align the distributions of both
        modalities' embeddings, of unit length: `mmd`, and the squared 2-Wasserstein distance of
        `gaussian_consistency`.
    label_smoothing : float
        Share of the target of "id", from 0 to 1, that is spread evenly over all identities.

    Attributes
    ----------
    discriminative : tuple of str
        The losses that tell identities apart; one of them is needed.
    spectrum_extractor : type
        What `build` makes the extractor of spectra of.

    Raises
    ------
    ValueError
        A loss is unknown, no loss would tell identities apart, or `label_smoothing` is not from 0 to 1.
    """

    loss_names: tuple[str, ...] = ("id", "tri", *ALIGNMENT_LOSSES)
    discriminative: tuple[str, ...] = ("id", "tri")
    training_only: tuple[str, ...] = ("classifier",)
    spectrum_extractor: type[TwoBranches] | type[SpectrumBackbone] = TwoBranches

    def __init__(
        self, setup: Setup, *, losses: Sequence[str] = ("id", "tri"), label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        check_losses(losses, self.loss_names, self.discriminative)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing must be from 0 to 1, not {label_smoothing}")
        self.dims, self.active, self.label_smoothing = setup.dims, frozenset(losses), label_smoothing
        self.extractor: Extractor = setup.make_extractor()
        self.classifier: nn.Linear | None = None
        if "id" in self.active:
            self.classifier = nn.Linear(self.extractor.features, setup.num_classes, bias=False)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return those that are switched on: `id` (cross-entropy) and `tri` (weighted regularised triplet)."""
        check_batch(batch)
        return self.compare(*self.extractor.forward_pair(batch.v, batch.r), batch.labels)

    def compare(self, f: Tensor, g: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the losses of `embedding_losses` that are switched on, in full precision, over all processes.

        Parameters
        ----------
        f, g : Tensor
            (mN, D) of this process's N pairs, all of v first, then all of r, then a third modality if there is one.
        labels : Tensor
            (N,) identities of the pairs.
        """
        modalities = len(f) // len(labels)
        f, g, labels = all_gather(f, modalities), all_gather(g, modalities), all_gather(labels)
        with full_precision(f.device):
            e = Embeddings(f.float(), g.float(), labels.repeat(modalities), len(labels))
            terms = self.embedding_losses()
            return {name: terms[name](e) for name in self.loss_names if name in terms and name in self.active}

    def embedding_losses(self) -> dict[str, Callable[[Embeddings], Tensor]]:
        """Return the losses of embeddings by name; `compare` computes them in the order of `loss_names`."""
        return {
            "id": self._identity,
            "tri": self._triplet,
            "mmd": lambda e: mmd(*unit_embeddings(e)),
            "w2": lambda e: gaussian_consistency(*unit_embeddings(e), "w2"),
        }

    def _identity(self, e: Embeddings) -> Tensor:
        assert self.classifier is not None  # there wherever "id" is switched on
        return functional.cross_entropy(self.classifier(e.g), e.labels, label_smoothing=self.label_smoothing)

    def _triplet(self, e: Embeddings) -> Tensor:
        return weighted_triplet(e.f, e.labels)


def unit_embeddings(e: Embeddings) -> tuple[Tensor, Tensor]:
    """Return g of v and of r, (N, D) each, of unit length, so that shrinking the features aligns nothing."""
    v, r, *_ = functional.normalize(e.g, dim=1).split(e.pairs)
    return v, r
