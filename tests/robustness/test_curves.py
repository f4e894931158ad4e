"""Curves of a study and the area under them."""

import numpy as np
import pytest

from xmodal_lite.robustness.curves import relative_area


def test_the_area_of_a_straight_line_to_nothing_is_a_half_and_of_no_loss_is_one():
    levels = np.array([0.0, 0.1, 0.4, 0.7])
    assert relative_area(levels, 0.3 * (1 - levels / 0.7)) == pytest.approx(0.5)
    assert relative_area(levels, np.full(4, 0.3)) == pytest.approx(1)


def test_the_area_by_hand():
    # (0.4 + 0.2) / 2 * 0.2 + 0.2 * 0.5 = 0.16, relative to 0.4 * 0.7 = 0.28
    assert relative_area([0.0, 0.2, 0.7], [0.4, 0.2, 0.2]) == pytest.approx(0.16 / 0.28)


def test_a_method_that_never_hits_has_no_area():
    assert relative_area([0.0, 0.7], [0.0, 0.0]) == 0
