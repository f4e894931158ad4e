import json

import numpy as np
import pytest

from xmodal_lite.evaluation import Report, nearest_sample_report

NAME = "RRUFF, protocol A: unseen minerals, seed 0, best spectrum, ties against the query"


def aligned(n: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two Raman spectra and one infrared spectrum of each mineral, embedded at the same point."""
    identity = np.tile(np.arange(n), 3)
    return np.eye(n)[identity], identity, np.repeat([0, 0, 1], n)


def test_perfect_features_reach_one_everywhere() -> None:
    report = nearest_sample_report(*aligned(), NAME)
    assert list(report.metrics) == [
        *("v2r/rank1", "v2r/rank5", "v2r/rank10", "v2r/mrr"),
        *("r2v/rank1", "r2v/rank5", "r2v/rank10", "r2v/mrr"),
    ]
    assert all(value == pytest.approx(1) for value in report.metrics.values())
    assert report.trials == (report.metrics,)


def test_directions_are_not_swapped() -> None:
    """One infrared spectrum points at the wrong mineral: all its own queries miss, and it draws others."""
    features, identity, modality = aligned()
    features[24] = features[1]  # infrared of mineral 0 lies on Raman of mineral 1
    report = nearest_sample_report(features, identity, modality, NAME)
    # Raman queries: mineral 0 finds nothing near, mineral 1 ties with the stray spectrum of mineral 0
    assert report.metrics["v2r/rank1"] == pytest.approx(10 / 12)
    assert report.metrics["r2v/rank1"] == pytest.approx(11 / 12)


@pytest.mark.parametrize("seed", range(5))
def test_a_constant_embedding_scores_nothing_however_its_products_round(seed: int) -> None:
    rng = np.random.default_rng(seed)
    _, identity, modality = aligned(40)
    features = np.tile(rng.normal(size=(1, 333)).astype(np.float32), (len(identity), 1))
    report = nearest_sample_report(features, identity, modality, NAME)
    assert report.metrics["v2r/rank10"] == report.metrics["r2v/rank10"] == 0


def test_zero_features_score_nothing() -> None:
    features, identity, modality = aligned()
    report = nearest_sample_report(0 * features, identity, modality, NAME)
    assert report.metrics["v2r/rank10"] == 0


def test_chance_is_one_over_the_number_of_minerals() -> None:
    rng = np.random.default_rng(0)
    _, identity, modality = aligned(146)
    runs = [nearest_sample_report(rng.normal(size=(438, 8)), identity, modality, NAME) for _ in range(40)]
    for direction in ("v2r", "r2v"):
        assert np.mean([run.metrics[f"{direction}/rank10"] for run in runs]) == pytest.approx(
            10 / 146, abs=0.01
        )


def test_a_small_gallery_has_rank_ten_one() -> None:
    assert nearest_sample_report(*aligned(4), NAME).metrics["v2r/rank10"] == pytest.approx(1)


def test_print_names_the_protocol_beside_percentages() -> None:
    text = str(Report.of_trials(NAME, [{"v2r/rank1": 0.2134, "v2r/mrr": 0.3, "r2v/rank1": 1.0}]))
    assert text.splitlines() == [f"{NAME} (%)", "  v2r  rank1  21.3  mrr  30.0", "  r2v  rank1 100.0"]


def test_trials_are_averaged_and_said_so() -> None:
    report = Report.of_trials("SYSU", [{"all/rank1": 0.4}, {"all/rank1": 0.6}])
    assert report.metrics == {"all/rank1": pytest.approx(0.5)}
    assert len(report.trials) == 2
    assert "mean of 2 trials" in str(report)


def test_the_way_to_json_and_back_loses_nothing() -> None:
    report = nearest_sample_report(*aligned(), NAME)
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report


@pytest.mark.parametrize("trials", [[], [{"a/b": 1.0}, {"a/c": 1.0}]])
def test_trials_that_cannot_be_averaged_are_refused(trials: list[dict[str, float]]) -> None:
    with pytest.raises(ValueError, match="trial"):
        Report.of_trials("SYSU", trials)


def test_bad_input_is_named() -> None:
    features, identity, modality = aligned()
    with pytest.raises(ValueError, match="features, identities and modality must have shapes"):
        nearest_sample_report(features[:-1], identity, modality, NAME)
    with pytest.raises(ValueError, match="modality must hold both 0 and 1"):
        nearest_sample_report(features, identity, np.zeros_like(modality), NAME)
    with pytest.raises(ValueError, match="features hold NaN or infinite values in 1 of 36 rows"):
        nearest_sample_report(
            np.where(np.arange(36)[:, None] == 3, np.nan, features), identity, modality, NAME
        )
    with pytest.raises(ValueError, match="no query has a match"):
        nearest_sample_report(features, np.arange(36), modality, NAME)
