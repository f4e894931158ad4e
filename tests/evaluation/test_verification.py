"""Verification against scikit-learn's curve, and against counting pair by pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from xmodal_lite.evaluation import verification_metrics

scores = st.lists(st.integers(-3, 3), min_size=1, max_size=30)  # few values, so many ties


def sides(seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    genuine, impostor = rng.normal(1, 1, 300), rng.normal(0, 1, 2000)
    return (genuine.round(1), impostor.round(1)) if ties else (genuine, impostor)


@pytest.mark.parametrize("ties", [False, True])
def test_equal_to_scikit_learn(ties: bool) -> None:
    genuine, impostor = sides(0, ties)
    truth = np.repeat([1, 0], [len(genuine), len(impostor)])
    together = np.concatenate([genuine, impostor])
    fpr, tpr, thresholds = roc_curve(truth, together, drop_intermediate=False)
    found = verification_metrics(genuine, impostor)
    np.testing.assert_array_equal(found.roc.fpr, fpr)
    np.testing.assert_array_equal(found.roc.tpr, tpr)
    np.testing.assert_array_equal(found.roc.thresholds, thresholds)
    assert found.auc == pytest.approx(roc_auc_score(truth, together))
    for far in (0, 1e-4, 5e-4, 1e-3, 0.01, 0.1, 0.5, 1):
        assert found.tpr_at_far(far) == tpr[fpr <= far].max()


def test_det_by_hand() -> None:
    """One impostor lies above the lower genuine pair; from "accept nothing" to "accept all"."""
    det = verification_metrics([1.0, 3.0], [0.0, 2.0]).det
    assert det.far.tolist() == [0, 0, 0.5, 0.5, 1]
    assert det.frr.tolist() == [1, 0.5, 0.5, 0, 0]
    assert det.thresholds.tolist() == [np.inf, 3, 2, 1, 0]


@given(scores, scores)
def test_counts_pair_by_pair(genuine: list[int], impostor: list[int]) -> None:
    found = verification_metrics(genuine, impostor)
    pairs = [(g > i) + 0.5 * (g == i) for g in genuine for i in impostor]
    assert found.auc == pytest.approx(np.mean(pairs))
    for far in (0, 0.25, 1):
        accepted = [
            sum(g >= threshold for g in genuine) / len(genuine)
            for threshold in (*genuine, *impostor, np.inf)
            if sum(i >= threshold for i in impostor) <= far * len(impostor)
        ]
        assert found.tpr_at_far(far) == pytest.approx(max(accepted))
    assert 0 <= found.eer <= 1


def test_one_impostor_in_a_thousand_is_a_far_of_a_thousandth() -> None:
    """Exactly: 1 - 0.999 would be more."""
    found = verification_metrics([5.0, 0.5], [1.0, *np.zeros(999)])
    assert found.tpr_at_far(0.001) == 1
    assert found.tpr_at_far(0.0009) == 0.5


@pytest.mark.parametrize(
    ("genuine", "impostor", "eer"),
    [
        ([2, 3], [0, 1], 0),
        ([0, 1], [2, 3], 1),
        ([1], [1], 0.5),
        ([1, 3], [0, 2], 0.5),
        ([0, 0, 3, 4], [1, 0, 0, 0], 0.4),
    ],
)
def test_equal_error_by_hand(genuine: list[float], impostor: list[float], eer: float) -> None:
    assert verification_metrics(genuine, impostor).eer == pytest.approx(eer)


@pytest.mark.parametrize(
    ("genuine", "impostor", "words"),
    [
        ([], [1.0], "no genuine pair"),
        ([1.0], [], "no impostor pair"),
        ([1.0], [np.nan, 0], "impostor holds NaN.* 1 of 2"),
    ],
)
def test_nothing_to_measure(genuine: list[float], impostor: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        verification_metrics(genuine, impostor)


def test_a_rate_is_a_fraction() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        verification_metrics([1], [0]).tpr_at_far(5)
