"""Verification: is this pair one and the same? From the scores of pairs to TPR at a given FAR, EER and AUC.

A pair is accepted where its score reaches a threshold. TPR (true positive rate, also VR) is the share of genuine
pairs accepted, FAR (false acceptance rate, FPR) the share of impostor pairs accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class ROC(NamedTuple):
    """The curve, one point per threshold, from "accept nothing" to "accept all".

    Attributes
    ----------
    fpr, tpr : np.ndarray, shape (T,)
        Shares of impostor and of genuine pairs with a score of at least the threshold, ascending.
    thresholds : np.ndarray, shape (T,)
        Infinity, then every score that occurs, descending.
    """

    fpr: np.ndarray
    tpr: np.ndarray
    thresholds: np.ndarray


class DET(NamedTuple):
    """The same curve as errors: what is accepted wrongly against what is rejected wrongly.

    Attributes
    ----------
    far, frr : np.ndarray, shape (T,)
        Shares of impostor pairs accepted, ascending, and of genuine pairs rejected, descending.
    thresholds : np.ndarray, shape (T,)
        Infinity, then every score that occurs, descending.
    """

    far: np.ndarray
    frr: np.ndarray
    thresholds: np.ndarray


@dataclass(frozen=True, eq=False)
class VerificationMetrics:
    """What the scores of genuine and impostor pairs are worth.

    Attributes
    ----------
    roc : ROC
        The whole curve.
    auc : float
        Area below it: the chance that a genuine pair scores higher than an impostor pair, ties half.
    eer : float
        Error where false acceptances are as frequent as false rejections, on the straight line between the two
        points of the curve that enclose it.
    """

    roc: ROC
    auc: float
    eer: float

    @property
    def det(self) -> DET:
        """The curve as errors (detection error trade-off), for axes in logarithms or normal deviates."""
        return DET(self.roc.fpr, 1 - self.roc.tpr, self.roc.thresholds)

    def tpr_at_far(self, far: float) -> float:
        """Return the largest TPR with a FAR of at most `far`; nothing is interpolated.

        Parameters
        ----------
        far : float
            0 to 1; for example 0.001 for the VR@FAR=0.1% of face papers.

        Returns
        -------
        float
            A fraction. With fewer than 1 / far impostor pairs, not one of them is accepted.

        Raises
        ------
        ValueError
            If `far` is not within 0 to 1.
        """
        if not 0 <= far <= 1:
            raise ValueError(f"a false acceptance rate lies between 0 and 1, not at {far}")
        return float(self.roc.tpr[np.searchsorted(self.roc.fpr, far, side="right") - 1])


def verification_metrics(genuine: ArrayLike, impostor: ArrayLike) -> VerificationMetrics:
    """Measure how well a score tells genuine pairs from impostor pairs.

    Parameters
    ----------
    genuine : array_like, shape (n,)
        Scores of pairs of one identity; larger is more alike.
    impostor : array_like, shape (m,)
        Scores of pairs of two identities.

    Returns
    -------
    VerificationMetrics
        ``roc``, ``auc``, ``eer`` and ``tpr_at_far``; equal scores are accepted or refused together.

    Raises
    ------
    ValueError
        If one side has no score, or a score is NaN or infinite.
    """
    kinds = {"genuine": np.ravel(genuine), "impostor": np.ravel(impostor)}
    for kind, scores in kinds.items():
        if not len(scores):
            raise ValueError(f"there is no {kind} pair, so there is nothing to measure")
        if not np.isfinite(scores).all():
            bad = np.count_nonzero(~np.isfinite(scores))
            raise ValueError(f"{kind} holds NaN or infinity in {bad} of {len(scores)} scores")
    thresholds = np.unique(np.concatenate(list(kinds.values())))[::-1]  # (T - 1,), descending
    tpr, fpr = (_accepted(scores, thresholds) for scores in kinds.values())
    rejected = 1 - tpr  # falls from 1 to 0 while fpr rises from 0 to 1
    after = int(np.argmax(fpr >= rejected))  # at least 1, as the curve starts at (0, 0)
    gap = (rejected - fpr)[after - 1 : after + 1]  # positive, then at most 0
    share = gap[0] / (gap[0] - gap[1])
    return VerificationMetrics(
        roc=ROC(fpr, tpr, np.concatenate([[np.inf], thresholds])),
        auc=float(np.trapezoid(tpr, fpr)),
        eer=float(fpr[after - 1] + share * (fpr[after] - fpr[after - 1])),
    )


def _accepted(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Share of the scores at or above infinity and each threshold: (T,)."""
    below = np.searchsorted(np.sort(scores), thresholds, side="left")
    return np.concatenate([[0], len(scores) - below]) / len(scores)
