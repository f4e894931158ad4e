"""Procedural minerals: synthetic Raman and infrared spectra.

Each mineral is a set of vibrational modes. A mode has the same wavenumber in both techniques. The parameter ``gap``
changes its strengths: 0 gives both techniques the same strengths, 1 draws them independently and lets modes vanish
from one of the two. Positions follow the textbook ranges of the structural groups (carbonate,
sulphate, silicates, ...), so families of similar minerals exist. The draws do not depend on ``gap``: the
same seed at two gaps gives the same minerals. The design is ours; nothing is fitted to real data.

In order: ``draw_mineral``, ``draw_specimen``, ``spectrum``, then an instrument of ``rruff.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import voigt_profile

RAMAN, INFRARED = 0, 1
FAMILY_SIZE = 4  # neighbours in number share a structure type, as calcite and rhodochrosite do

# Vibrations of each structural group, one row a band: centre in cm-1, spread of the centre between
# structure types, components the crystal splits it into, typical Raman and infrared activity, width in cm-1.
# Round figures of ours, in the ranges that any textbook of vibrational spectroscopy gives.
# fmt: off
Bands = tuple[tuple[float, float, int, float, float, float], ...]
GROUPS: dict[str, Bands] = {
    "Carbonate": (
        (1088, 8, 1, 1.0, 0.05, 2), (868, 9, 1, 0.03, 0.4, 5),
        (1430, 22, 2, 0.06, 1.0, 26), (718, 14, 2, 0.2, 0.2, 4),
    ),
    "Sulphate": (
        (1000, 14, 1, 1.0, 0.10, 3), (455, 18, 2, 0.35, 0.1, 6),
        (1120, 25, 3, 0.15, 1.0, 18), (620, 20, 3, 0.2, 0.5, 6),
    ),
    "Phosphate": (
        (965, 16, 1, 1.0, 0.15, 4), (430, 25, 2, 0.3, 0.15, 7),
        (1050, 30, 3, 0.3, 1.0, 18), (575, 25, 3, 0.25, 0.5, 9),
    ),
    "Arsenate": (
        (850, 18, 1, 1.0, 0.2, 6), (350, 25, 3, 0.4, 0.2, 8),
        (815, 25, 2, 0.5, 1.0, 16), (440, 20, 2, 0.3, 0.5, 9),
    ),
    "Orthosilicate": (
        (860, 30, 2, 1.0, 0.2, 6), (940, 30, 3, 0.3, 1.0, 16),
        (540, 30, 3, 0.3, 0.5, 9), (400, 30, 3, 0.4, 0.5, 9),
    ),
    "Chainsilicate": (
        (670, 15, 2, 1.0, 0.2, 6), (1000, 28, 4, 0.5, 1.0, 16),
        (520, 30, 3, 0.25, 0.6, 11), (390, 30, 3, 0.4, 0.4, 9),
    ),
    "Sheetsilicate": (
        (690, 20, 2, 1.0, 0.1, 7), (1000, 22, 3, 0.15, 1.0, 24),
        (530, 22, 2, 0.2, 0.5, 14), (460, 15, 2, 0.2, 0.6, 11),
    ),
    "Framework": (
        (490, 22, 2, 1.0, 0.2, 7), (1060, 32, 3, 0.12, 1.0, 26),
        (780, 18, 2, 0.15, 0.3, 8), (590, 30, 3, 0.2, 0.3, 9),
    ),
    "Borate": (
        (900, 32, 2, 1.0, 0.5, 7), (1330, 40, 3, 0.1, 1.0, 24),
        (650, 28, 3, 0.3, 0.4, 8), (480, 30, 2, 0.4, 0.3, 8),
    ),
}
LATTICE: Bands = (
    (130, 40, 3, 0.25, 0.2, 5), (220, 50, 4, 0.3, 0.3, 6), (330, 50, 3, 0.2, 0.35, 9),
    (440, 40, 3, 0.1, 0.4, 13),
)
HYDROXYL: Bands = ((3580, 60, 2, 0.6, 0.3, 7), (880, 60, 1, 0.08, 0.25, 12))
WATER: Bands = ((3380, 90, 3, 0.4, 0.25, 70), (1640, 12, 1, 0.05, 0.12, 14), (600, 60, 1, 0.1, 0.2, 35))
# fmt: on


@dataclass(frozen=True)
class Mineral:
    """A mineral, or one specimen of it, as M vibrational modes.

    Attributes
    ----------
    name : str
        Its name, which starts with its structural group.
    position : numpy.ndarray
        (M,) wavenumbers in cm-1, shared by both modalities.
    strength : numpy.ndarray
        (2, M) areas of the Raman and the infrared line, 0 where the mode is silent.
    sigma, gamma : numpy.ndarray
        (2, M) Gaussian standard deviation and Lorentzian half width of the lines, in cm-1.
    """

    name: str
    position: np.ndarray
    strength: np.ndarray
    sigma: np.ndarray
    gamma: np.ndarray


def blend_activities(common: np.ndarray, own: np.ndarray, gap: float) -> np.ndarray:
    """Blend shared and own log-activities: ``log a_m = (1 - gap) common + gap own_m``.

    Parameters
    ----------
    common : numpy.ndarray
        (M,) log-activities that the modalities share.
    own : numpy.ndarray
        (2, M) log-activities of each modality alone.
    gap : float
        0 takes the shared ones, 1 each modality's own.

    Returns
    -------
    numpy.ndarray
        (2, M) positive activities.
    """
    return np.exp((1 - gap) * common + gap * own)


def exclude(activity: np.ndarray, gerade: np.ndarray, centric: np.ndarray) -> np.ndarray:
    """Apply mutual exclusion: with a centre of symmetry, Raman sees even modes only and infrared odd ones.

    Parameters
    ----------
    activity : numpy.ndarray
        (2, M) activities, Raman first.
    gerade : numpy.ndarray
        (M,) bool, True where the mode keeps the centre of symmetry (even).
    centric : numpy.ndarray
        (M,) bool, True where the rule holds at all.

    Returns
    -------
    numpy.ndarray
        (2, M) activities, with zeros where the rule forbids them.
    """
    silent = centric & np.stack([~gerade, gerade])  # (2, M)
    return np.where(silent, 0.0, activity)


def voigt_sum(
    x: np.ndarray, position: np.ndarray, area: np.ndarray, sigma: np.ndarray, gamma: np.ndarray
) -> np.ndarray:
    """Add up Voigt lines: Lorentzians of half width ``gamma``, blurred by Gaussians of deviation ``sigma``.

    Beyond 12 ``sigma`` from its centre a Voigt line is its Lorentzian to 1e-3 of the peak, and only the core
    is computed in full.

    Parameters
    ----------
    x : numpy.ndarray
        (L,) wavenumbers in cm-1.
    position, area, sigma, gamma : numpy.ndarray
        (M,) centre, area, Gaussian deviation and Lorentzian half width of each line, in cm-1.

    Returns
    -------
    numpy.ndarray
        (L,) intensities.
    """
    away = x - position[:, None]  # (M, L)
    lines = (gamma / np.pi)[:, None] / (away**2 + gamma[:, None] ** 2)
    mode, point = np.nonzero(np.abs(away) < 12 * sigma[:, None])
    lines[mode, point] = voigt_profile(away[mode, point], sigma[mode], gamma[mode])
    return area @ lines


def spectrum(mineral: Mineral, modality: int, x: np.ndarray) -> np.ndarray:
    """Compute the noise-free spectrum of a mineral, scaled to a maximum of 1.

    Parameters
    ----------
    mineral : Mineral
        What is measured.
    modality : int
        0 for Raman, 1 for infrared.
    x : numpy.ndarray
        (L,) wavenumbers in cm-1, even spacing not needed.

    Returns
    -------
    numpy.ndarray
        (L,) intensities (Raman) or absorbances (infrared).
    """
    seen = mineral.strength[modality] > 0
    lines = (mineral.position, mineral.strength[modality], mineral.sigma[modality], mineral.gamma[modality])
    y = voigt_sum(x, *(values[seen] for values in lines))
    return y / y.max()


def draw_mineral(seed: int, number: int, gap: float) -> Mineral:
    """Draw mineral ``number`` of the data set ``seed``: the same modes at every ``gap``, with other activities.

    Parameters
    ----------
    seed, number : int
        Seed of the data set, and the mineral's number in it; ``FAMILY_SIZE`` neighbours share a structure type.
    gap : float
        0 (both modalities see the same strengths) to 1 (each its own, and mutual exclusion holds).

    Returns
    -------
    Mineral
        20 to 30 modes.
    """
    family = np.random.default_rng([seed, 0, number // FAMILY_SIZE])  # what the structure type decides
    own = np.random.default_rng([seed, 1, number])  # what this mineral's chemistry decides
    turn = np.random.default_rng(seed).permutation(
        len(GROUPS)
    )  # groups take turns, so a small data set has them all
    group = list(GROUPS)[turn[number // FAMILY_SIZE % len(GROUPS)]]
    water, hydroxyl = family.random(2) < (0.3, 0.35)
    more = (WATER if water else ()) + (HYDROXYL if hydroxyl else ())
    bands = np.array(GROUPS[group] + LATTICE + more)  # (B, 6)
    shift = family.normal(0, bands[:, 1])  # (B,)
    modes = np.repeat(np.column_stack([bands, shift]), bands[:, 2].astype(int), axis=0)  # (M, 7)
    centre, _, _, raman, infrared, width, shift = modes.T
    typical = np.log(np.stack([raman, infrared]))  # (2, M)
    m = len(centre)

    position = centre + shift + family.normal(0, 8 + 1.2 * width) + own.normal(0, 7, m)
    position *= 1 + own.normal(0, 0.012)  # heavier cations lower every mode alike
    common = typical.mean(0) + family.normal(0, 0.7, m) + own.normal(0, 0.3, m)
    each = typical + family.normal(0, 1.0, (2, m)) + own.normal(0, 0.3, (2, m))
    gerade = family.random(m) < raman / (raman + infrared)
    centric = (family.random() < 0.75) & (family.random(m) < gap)
    strength = exclude(blend_activities(common, each, gap), gerade, centric)
    width = width * np.exp(family.normal(0, 0.25, m) + own.normal(0, 0.1, m))
    gamma = np.stack([1.2 + 0.25 * width, 1 + 0.9 * width])  # infrared lines of powders are the broader ones
    sigma = np.stack([1.5 + 0.1 * width, 2 + 0.5 * width])
    return Mineral(f"{group}-{number:03d}", position, strength * gamma, sigma, gamma)


def draw_specimen(mineral: Mineral, rng: np.random.Generator) -> Mineral:
    """Draw a specimen: composition moves all modes together, strain and grain each a little."""
    m = len(mineral.position)
    position = mineral.position * (1 + rng.normal(0, 0.0008)) + rng.normal(0, 0.6, m)
    strength = mineral.strength * np.exp(rng.normal(0, 0.15, (2, m)))
    gamma = mineral.gamma * np.exp(rng.normal(0, 0.12))
    return replace(mineral, position=position, strength=strength, gamma=gamma)
