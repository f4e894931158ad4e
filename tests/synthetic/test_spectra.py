"""The procedural minerals: line shapes, selection rules, what `gap` changes and what it leaves alone."""

import numpy as np
import pytest
from scipy.special import voigt_profile

from xmodal_lite.synthetic.spectra import (
    FAMILY_SIZE,
    INFRARED,
    RAMAN,
    blend_activities,
    draw_mineral,
    draw_specimen,
    exclude,
    spectrum,
    turn_crystal,
    voigt_sum,
)


def test_lines_are_voigt_lines_to_a_thousandth_of_their_peak():
    x = np.linspace(400, 4000, 1869)
    position, area = np.array([700.0, 1000.0, 3400.0]), np.array([1.0, 2.0, 30.0])
    sigma, gamma = np.array([2.0, 10.0, 37.0]), np.array([1.5, 20.0, 64.0])
    exact = (area[:, None] * voigt_profile(x - position[:, None], sigma[:, None], gamma[:, None])).sum(0)
    np.testing.assert_allclose(voigt_sum(x, position, area, sigma, gamma), exact, atol=1e-3 * exact.max())


def test_blend_runs_from_shared_to_own():
    rng = np.random.default_rng(0)
    common, own = rng.normal(size=5), rng.normal(size=(2, 5))
    both = blend_activities(common, own, 0.0)
    np.testing.assert_array_equal(np.broadcast_to(both, (2, 5)), np.exp([common, common]))
    np.testing.assert_array_equal(blend_activities(common, own, 1.0), np.exp(own))


def test_mutual_exclusion_leaves_a_mode_to_one_modality():
    activity = np.ones((2, 3))
    seen = exclude(activity, np.array([True, False, True]), np.array([True, True, False]))
    np.testing.assert_array_equal(seen, [[1, 0, 1], [0, 1, 1]])


@pytest.mark.parametrize("number", range(12))
def test_gap_changes_activities_and_nothing_else(number):
    shared, apart = draw_mineral(3, number, 0.0), draw_mineral(3, number, 1.0)
    assert shared.name == apart.name
    np.testing.assert_array_equal(shared.position, apart.position)
    np.testing.assert_array_equal(shared.gamma, apart.gamma)
    height = shared.strength / shared.gamma
    np.testing.assert_allclose(height[RAMAN], height[INFRARED])
    assert not np.allclose(*(apart.strength / apart.gamma))


def test_exclusion_grows_with_gap():
    silent = [
        np.mean([(draw_mineral(0, n, gap).strength == 0).mean() for n in range(80)]) for gap in (0, 0.5, 1)
    ]
    assert silent[0] == 0
    assert 0 < silent[1] < silent[2] == 0.5  # at gap 1 a mode is seen by one of the two, as its parity says
    assert all(
        (draw_mineral(0, n, 1.0).strength > 0).any(0).all() for n in range(80)
    )  # seen by one of the two


def test_minerals_of_one_family_are_nearer_than_strangers():
    minerals = [draw_mineral(0, n, 0.5) for n in range(10 * FAMILY_SIZE)]
    x = np.arange(100.0, 1300.0, 4.0)
    spectra = np.array([spectrum(mineral, RAMAN, x) for mineral in minerals])
    spectra /= np.linalg.norm(spectra, axis=1, keepdims=True)
    family = np.arange(len(minerals)) // FAMILY_SIZE
    alike = spectra @ spectra.T
    related = (family[:, None] == family) & ~np.eye(len(minerals), dtype=bool)
    assert alike[related].mean() > alike[family[:, None] != family].mean() + 0.1
    assert alike[related].max() < 0.995  # and yet no two minerals are one


def test_specimens_differ_a_little():
    mineral, rng = draw_mineral(0, 0, 0.5), np.random.default_rng(0)
    one, two = draw_specimen(mineral, rng), draw_specimen(mineral, rng)
    drift = np.abs(one.position - two.position)
    assert 0 < drift.max() < 20
    np.testing.assert_array_equal(one.strength == 0, mineral.strength == 0)


def test_a_turned_crystal_scatters_otherwise_and_absorbs_alike():
    specimen = draw_mineral(0, 0, 0.5)
    turned = turn_crystal(specimen, np.random.default_rng(0))
    assert not np.allclose(turned.strength[RAMAN], specimen.strength[RAMAN])
    np.testing.assert_array_equal(turned.strength[INFRARED], specimen.strength[INFRARED])
    np.testing.assert_array_equal(turned.position, specimen.position)
