"""The rules that decide what a query is compared with, against plain loops and Python's own generator."""

import random

import numpy as np

from xmodal_lite.evaluation import (
    group_by_identity_and_camera,
    rank_metrics,
    same_view_excluded,
    sample_gallery,
    sysu_excluded,
)


def test_camera_3_ignores_every_identity_of_camera_2() -> None:
    mask = sysu_excluded([3, 6, 3], [1, 2, 4, 5, 2])
    assert mask.dtype == bool
    assert mask.tolist() == [
        [False, True, False, False, True],
        [False] * 5,
        [False, True, False, False, True],
    ]


def test_the_rule_of_market_would_be_another_one() -> None:
    """The nearest image is of another identity in camera 2: ignored, although the cameras differ."""
    distances = np.array([[0.1, 0.2]])
    scores = rank_metrics(distances, [7], [8, 7], sysu_excluded([3], [2, 1]), "identities")
    assert scores.rank(1) == 1
    assert rank_metrics(distances, [7], [8, 7], sysu_excluded([6], [2, 1]), "identities").rank(1) == 0


def test_an_identity_in_camera_2_only_is_left_out_for_camera_3() -> None:
    distances = np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]])
    excluded = sysu_excluded([3, 6], [2, 1, 4])
    assert rank_metrics(distances, [5, 5], [5, 6, 7], excluded, "identities").valid_queries == 1


def test_llcm_ignores_the_own_identity_in_the_own_camera_alone() -> None:
    mask = same_view_excluded([1, 1, 2], [3, 4, 3], [1, 2, 1], [3, 3, 4])
    assert mask.tolist() == [[True, False, False], [False, False, True], [False, True, False]]


def test_views_are_in_the_order_of_identity_then_camera_then_file() -> None:
    rows = np.array([0, 2, 3, 4, 5, 6])
    identity = np.array([1, 0, 1, 0, 1, 0, 1])
    camera = np.array([5, 1, 1, 2, 1, 2, 5])
    assert [view.tolist() for view in group_by_identity_and_camera(rows, identity, camera)] == [
        [3, 5],
        [2, 4],
        [0, 6],
    ]
    assert group_by_identity_and_camera(rows[:0], identity, camera) == []


def test_the_draw_is_the_one_of_the_agw_line() -> None:
    """One seeding a trial, then one choice for each folder in turn."""
    folders = [[f"{folder}/{k}" for k in range(3 + folder % 5)] for folder in range(40)]
    names = [name for folder in folders for name in folder]
    rows = iter(range(len(names)))
    seen = [np.array([next(rows) for _ in folder]) for folder in folders]
    for trial in range(10):
        random.seed(trial)
        expected = [random.choice(folder) for folder in folders]
        assert [names[row] for row in sample_gallery(seen, trial, 1)] == expected


def test_several_shots_do_not_repeat_an_image_and_take_all_of_a_small_view() -> None:
    seen = [np.arange(20), np.arange(20, 24)]
    drawn = sample_gallery(seen, 3, 10)
    assert len(set(drawn.tolist())) == 14
    assert set(drawn[10:].tolist()) == {20, 21, 22, 23}
    random.seed(3)
    assert drawn[:10].tolist() == random.sample(range(20), 10)


def test_a_draw_leaves_pythons_own_generator_alone() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    sample_gallery([np.arange(9)], 0, 1)
    assert random.random() == expected
