"""Which samples a training step sees: P identities with K pairs each, one sample of a pair from each modality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Epoch:
    """The index arrays of one epoch, a row for each step; N = P * K.

    Attributes
    ----------
    v, r : numpy.ndarray
        (steps, N) int64, positions in the lists of v samples and of r samples.
    labels : numpy.ndarray
        (steps, N) int64, identity of both samples of a pair, 0..identities-1.
    aligned : numpy.ndarray
        (steps, N) bool, True where both show the very same specimen.
    """

    v: np.ndarray
    r: np.ndarray
    labels: np.ndarray
    aligned: np.ndarray


class PairSampler:
    """Draws P x K batches of both modalities; an epoch visits every identity.

    An epoch deals the identities out in a random order, P to a step, and starts again at the first one where the last
    step lacks some. Each identity shows K of its samples an epoch, and all m of them in a round of ceil(m / K) epochs;
    none repeats in an epoch while the identity has K of them. Where m is more than K, each round has an order of its
    own, drawn from (seed, round), so that over the rounds every two samples of an identity share a step. Then, in the
    share of pairs that `aligned` gives, the v sample is exchanged for one of the same specimen as the r sample. An
    epoch follows from (seed, number) alone, so it can be drawn again after an interruption. Ours.

    Parameters
    ----------
    v_identity, r_identity : numpy.ndarray
        (n_v,), (n_r,) identity of each sample. Both modalities must show the same identities.
    v_pair, r_pair : numpy.ndarray
        (n_v,), (n_r,) specimen number of each sample; -1 where nothing is aligned.
    identities, samples : int
        P and K. P is lowered to the number of identities where there are fewer.
    aligned : float
        Share of the pairs, 0..1, that are taken from one specimen where the identity has such a pair.
    seed : int
        Seeds every epoch.

    Raises
    ------
    ValueError
        A modality lacks an identity that the other one has, or there are fewer than two identities.
    """

    def __init__(
        self,
        v_identity: np.ndarray,
        r_identity: np.ndarray,
        v_pair: np.ndarray,
        r_pair: np.ndarray,
        *,
        identities: int,
        samples: int,
        aligned: float = 1.0,
        seed: int = 0,
    ) -> None:
        names, v_label = np.unique(v_identity, return_inverse=True)
        alone = np.setxor1d(names, r_identity)
        if len(alone):
            raise ValueError(
                f"identities {alone[:5].tolist()} are seen in one modality only; train on the others"
            )
        if len(names) < 2:
            raise ValueError("training needs samples of two identities or more")
        r_label = np.searchsorted(names, r_identity)
        self.num_identities = len(names)
        self.identities = min(identities, len(names))
        self.samples = samples
        self.steps_per_epoch = -(-len(names) // self.identities)
        rng = np.random.default_rng(seed)
        self._v, self._r = (
            _Rounds(label, samples, rng, (seed, side))
            for side, label in enumerate((v_label, r_label), start=1)
        )
        self._v_pair, self._r_pair = v_pair, r_pair
        self._partners = _Partners(v_pair, r_pair) if (r_pair >= 0).any() else None
        self._aligned, self._seed = aligned, seed

    def epoch(self, number: int) -> Epoch:
        """Draw one epoch.

        Parameters
        ----------
        number : int
            Counted from 0.

        Returns
        -------
        Epoch
            Index arrays of `steps_per_epoch` steps.
        """
        rng = np.random.default_rng((self._seed, number))
        order = rng.permutation(self.num_identities)
        dealt = np.resize(order, self.steps_per_epoch * self.identities)  # (steps * P,)
        labels = np.repeat(dealt, self.samples)  # (steps * P * K,)
        r, v = self._r.take(dealt, number), self._v.take(dealt, number)
        if self._partners is not None:
            v = self._partners.exchange(v, r, self._aligned, rng)
        aligned = (self._v_pair[v] == self._r_pair[r]) & (self._r_pair[r] >= 0)
        shape = (self.steps_per_epoch, self.identities * self.samples)
        return Epoch(v.reshape(shape), r.reshape(shape), labels.reshape(shape), aligned.reshape(shape))


class _Partners:
    """The v samples of the specimen that each r sample shows."""

    def __init__(self, v_pair: np.ndarray, r_pair: np.ndarray) -> None:
        self._by_specimen = np.argsort(v_pair, kind="stable")  # v samples, specimen by specimen
        ordered = v_pair[self._by_specimen]
        first = np.searchsorted(ordered, r_pair)
        self._count = np.where(r_pair >= 0, np.searchsorted(ordered, r_pair, side="right") - first, 0)
        self._first = np.where(self._count > 0, first, 0)  # of no use without a count, but a valid position

    def exchange(self, v: np.ndarray, r: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        """Exchange v samples, in the share asked for, for a random one of the specimen that r shows."""
        count = self._count[r]
        partner = self._by_specimen[self._first[r] + (rng.random(len(r)) * count).astype(np.int64)]
        return np.where((count > 0) & (rng.random(len(r)) < share), partner, v)


class _Rounds:
    """The samples of each identity, K an epoch, in a random order that is another one each time round."""

    def __init__(
        self, label: np.ndarray, samples: int, rng: np.random.Generator, seed: tuple[int, int]
    ) -> None:
        self._samples, self._seed = samples, seed
        self._first_order = np.lexsort((rng.random(len(label)), label))  # by identity, then at random
        self._order, self._label = self._first_order.copy(), label[self._first_order]
        self._count = np.bincount(label)
        self._first = np.cumsum(self._count) - self._count
        # epochs of a round; K samples or fewer share every step, and a single one shares none: they keep their order
        several = (self._count > samples) & (samples > 1)
        self._epochs = np.where(several, -(-self._count // samples), np.iinfo(np.int64).max)
        self._round = np.zeros(len(self._count), dtype=np.int64)  # of each identity, that `_order` holds

    def take(self, dealt: np.ndarray, number: int) -> np.ndarray:
        """Return K samples of each identity dealt (n,) in an epoch, (n * K,)."""
        rounds, epoch = np.divmod(number, self._epochs)  # (identities,) each
        self._draw(rounds)
        turn = epoch[dealt, None] * self._samples + np.arange(self._samples)  # (n, K)
        return self._order[self._first[dealt, None] + turn % self._count[dealt, None]].ravel()

    def _draw(self, rounds: np.ndarray) -> None:
        """Bring the identities whose round changed into the order of the new one."""
        changed = rounds != self._round
        for number in np.unique(rounds[changed]):
            places = np.flatnonzero((changed & (rounds == number))[self._label])
            if number > 0:
                draws = np.random.default_rng((*self._seed, number)).random(len(self._label))[places]
                # halves, so that no sum reaches the next identity; much faster than to sort by two keys
                moved = places[np.argsort(self._label[places] + draws / 2, kind="stable")]
                self._order[places] = self._first_order[moved]
            else:
                self._order[places] = self._first_order[places]
        self._round = rounds
