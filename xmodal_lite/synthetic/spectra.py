"""Procedural minerals: synthetic Raman and infrared spectra.

Each mineral is a set of vibrational modes, in even and odd copies. Both techniques see a mode at the same place; how
strongly each sees it is what ``gap`` changes: 0 gives one list of strengths to both, 1 gives each its own,
and leaves the even copy of a mode to Raman and the odd one to infrared. Positions follow the textbook ranges of the
structural groups (carbonate, sulphate, silicates, ...), so families of similar minerals exist. The draws do not
depend on ``gap``: the same seed at two gaps gives the same minerals, seen anew.

Every mineral is ours. The spreads of the draws are set so that whole sets resemble RRUFF's (see the constants): only
aggregates of measured spectra were used for that, and no mineral follows a measured one.

In order: ``draw_mineral``, ``draw_specimen``, ``turn_crystal`` (Raman), ``spectrum``, then an instrument of
``rruff.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import voigt_profile

RAMAN, INFRARED = 0, 1
FAMILY_SIZE = 4  # neighbours in number share a structure type, as calcite and rhodochrosite do

# Vibrations of each structural group, one row a band: centre in cm-1, spread of the centre between
# structure types, pairs of copies the crystal splits it into, typical Raman and infrared activity, width in cm-1.
# Round figures of ours, in the ranges that any textbook of vibrational spectroscopy gives.
# fmt: off
Bands = tuple[tuple[float, float, int, float, float, float], ...]
GROUPS: dict[str, Bands] = {
    "Carbonate": (
        (1088, 8, 2, 1.0, 0.05, 2), (868, 9, 2, 0.03, 0.4, 5),
        (1430, 22, 3, 0.06, 1.0, 26), (718, 14, 3, 0.2, 0.2, 4),
    ),
    "Sulphate": (
        (1000, 14, 2, 1.0, 0.10, 3), (455, 18, 3, 0.35, 0.1, 6),
        (1120, 25, 4, 0.15, 1.0, 18), (620, 20, 4, 0.2, 0.5, 6),
    ),
    "Phosphate": (
        (965, 16, 2, 1.0, 0.15, 4), (430, 25, 3, 0.3, 0.15, 7),
        (1050, 30, 4, 0.3, 1.0, 18), (575, 25, 4, 0.25, 0.5, 9),
    ),
    "Arsenate": (
        (850, 18, 2, 1.0, 0.2, 6), (350, 25, 4, 0.4, 0.2, 8),
        (815, 25, 3, 0.5, 1.0, 16), (440, 20, 3, 0.3, 0.5, 9),
    ),
    "Orthosilicate": (
        (860, 30, 3, 1.0, 0.2, 6), (940, 30, 4, 0.3, 1.0, 16),
        (540, 30, 4, 0.3, 0.5, 9), (400, 30, 4, 0.4, 0.5, 9),
    ),
    "Chainsilicate": (
        (670, 15, 3, 1.0, 0.2, 6), (1000, 28, 5, 0.5, 1.0, 16),
        (520, 30, 4, 0.25, 0.6, 11), (390, 30, 4, 0.4, 0.4, 9),
    ),
    "Sheetsilicate": (
        (690, 20, 3, 1.0, 0.1, 7), (1000, 22, 4, 0.15, 1.0, 24),
        (530, 22, 3, 0.2, 0.5, 14), (460, 15, 3, 0.2, 0.6, 11),
    ),
    "Framework": (
        (490, 22, 3, 1.0, 0.2, 7), (1060, 32, 4, 0.12, 1.0, 26),
        (780, 18, 3, 0.15, 0.3, 8), (590, 30, 4, 0.2, 0.3, 9),
    ),
    "Borate": (
        (900, 32, 3, 1.0, 0.5, 7), (1330, 40, 4, 0.1, 1.0, 24),
        (650, 28, 4, 0.3, 0.4, 8), (480, 30, 3, 0.4, 0.3, 8),
    ),
}
LATTICE: Bands = (
    (130, 40, 4, 0.25, 0.2, 5), (220, 50, 5, 0.3, 0.3, 6), (330, 50, 4, 0.2, 0.35, 9),
    (440, 40, 4, 0.1, 0.4, 13),
)
HYDROXYL: Bands = ((3580, 60, 3, 0.6, 0.3, 7), (880, 60, 2, 0.08, 0.25, 12))
WATER: Bands = ((3380, 90, 4, 0.4, 0.25, 70), (1640, 12, 2, 0.05, 0.12, 14), (600, 60, 2, 0.1, 0.2, 35))
# fmt: on

# Spreads of the draws. Pairs are (Raman, infrared) where nothing else is said.
#
# Set on statistics of RRUFF's training minerals (protocol A, seed 0); the measured value follows the semicolon,
# ranges are the tenth to the ninetieth percentile:
CONTRAST = (1.2, 0.9)  # exponent on the tables' activities; 4-14 and 2-13 lines a spectrum
WIDTH = (0.55, 0.5)  # half width over the tables' (plus 1); strongest line 17 and 106 cm-1 wide, medians
SHAPE = (0.8, 2.0)  # Gaussian deviation over Lorentzian half width; by eye, how steeply bands end
SPREAD = (0.25, 0.5)  # of the log-width between modes; all lines 9-39 and 9-135 cm-1 wide
BROADENING = 0.3  # power of the activity in an infrared width; strongest bands 4 times as wide as all
DISORDER = (0.5, 0.3)  # of the log-width between minerals; strongest line 10-37 and 39-205 cm-1 wide
HAZE = (0.09, 1.4)  # median and log-spread of the absorption between bands; 0.02-0.54 of the strongest
COMPOSITION = 0.0015  # relative, by which a specimen's modes move together; 1 line in 4 moves over 3 cm-1
STRAIN = 1.2  # cm-1 by which each moves in addition; median 1 cm-1
GRAIN = 0.2  # log-activity of a specimen; heights differ between specimens by 0.18 (infrared, log)
ORIENTATION = 0.5  # log-activity of one Raman measurement; by 0.61 between specimens (Raman, log)
#
# Set so that the rows of the table of spectra have the level that they have on RRUFF (cosine, CCA, kernel ridge and
# two-stream, both protocols). On the training minerals, to compare: 16 % of Raman lines have an infrared band within
# 6 cm-1 (7 % by chance), and the nearest other mineral is at a cosine of 0.89 and 0.98.
SPLITTING = (70.0, 6.0)  # cm-1 between copies, one draw a group and one a structure type
LAW = (1.3, 0.8)  # log-activity, one draw a group: the rule that can be learned and holds for unseen minerals
COORDINATES = 2  # of composition that a mineral has, and
MIXING = (1.2, 0.8)  # log-activity along them, by a rule of the group
FAMILY = (0.9, 0.5)  # log-activity, one draw a structure type
OWN = (0.6, 0.3)  # log-activity of the mineral alone
CHEMISTRY, MASS = 7.0, 0.004  # cm-1 and relative, by which a mineral's modes move one by one and together


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
    haze : float
        What the powder absorbs and scatters at 4000 cm-1, in parts of its strongest infrared band.
    """

    name: str
    position: np.ndarray
    strength: np.ndarray
    sigma: np.ndarray
    gamma: np.ndarray
    haze: float = 0.0


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
        64 to 90 modes, half of them even.
    """
    kind = np.random.default_rng(seed).permutation(len(GROUPS))[
        number // FAMILY_SIZE % len(GROUPS)
    ]  # in turn
    law = np.random.default_rng([seed, 3, kind])  # what all minerals of the group have in common
    family = np.random.default_rng([seed, 0, number // FAMILY_SIZE])  # what the structure type decides
    own = np.random.default_rng([seed, 1, number])  # what this mineral's chemistry decides
    group = list(GROUPS)[kind]
    bands = np.array(GROUPS[group] + LATTICE + WATER + HYDROXYL)  # (B, 6)
    band = np.repeat(
        np.arange(len(bands)), 2 * bands[:, 2].astype(int)
    )  # (M,) an even and an odd copy in turn
    centre, _, _, raman, infrared, width = bands[band].T
    m = len(band)

    position = centre + family.normal(0, bands[:, 1])[band] + own.normal(0, CHEMISTRY, m)
    position += law.normal(0, SPLITTING[0], m) + family.normal(0, SPLITTING[1], m)
    position *= 1 + own.normal(0, MASS)  # heavier cations lower every mode alike

    typical = _column(CONTRAST) * np.log(np.stack([raman, infrared]))  # (2, M)
    each = typical + _column(LAW) * law.normal(size=(2, m)) + _column(FAMILY) * family.normal(size=(2, m))
    each += _column(OWN) * own.normal(size=(2, m))
    composition = 0.55 * family.normal(size=COORDINATES) + 0.84 * own.normal(
        size=COORDINATES
    )  # unit variance
    each += (
        _column(MIXING)
        * np.tensordot(composition, law.normal(size=(COORDINATES, 2, m)), 1)
        / COORDINATES**0.5
    )
    common = typical.mean(0) + family.normal(0, 0.7, m) + own.normal(0, 0.3, m)
    gerade = np.arange(m) % 2 == 0
    strength = exclude(blend_activities(common, each, gap), gerade, family.random(m) < gap)

    broad = _column(SPREAD) * family.normal(size=(2, m)) + own.normal(0, 0.1, (2, m))
    broad[INFRARED] += BROADENING * (each[INFRARED] - each[INFRARED].mean())
    broad += _column(DISORDER) * (0.8 * family.normal() + 0.6 * own.normal())
    gamma = _column(WIDTH) * (1 + width) * np.exp(broad)
    haze = HAZE[0] * np.exp(HAZE[1] * (0.8 * family.normal() + 0.6 * own.normal()))

    there = np.repeat([True, *(family.random(2) < (0.3, 0.35))], [len(bands) - 5, len(WATER), len(HYDROXYL)])[
        band
    ]
    gamma, strength = gamma[:, there], strength[:, there]
    return Mineral(
        f"{group}-{number:03d}", position[there], strength * gamma, _column(SHAPE) * gamma, gamma, haze
    )


def _column(pair: tuple[float, float]) -> np.ndarray:
    """Return a value for each modality as a column (2, 1)."""
    return np.array(pair)[:, None]


def draw_specimen(mineral: Mineral, rng: np.random.Generator) -> Mineral:
    """Draw a specimen: composition moves all modes together, strain and grain each a little."""
    m = len(mineral.position)
    position = mineral.position * (1 + COMPOSITION * rng.standard_t(2)) + rng.normal(0, STRAIN, m)
    strength = mineral.strength * np.exp(rng.normal(0, GRAIN, (2, m)))
    gamma = mineral.gamma * np.exp(rng.normal(0, 0.12))
    haze = mineral.haze * np.exp(rng.normal(0, 0.5))
    return replace(mineral, position=position, strength=strength, gamma=gamma, haze=haze)


def turn_crystal(specimen: Mineral, rng: np.random.Generator) -> Mineral:
    """Turn a specimen under the laser: each mode scatters as much as its symmetry lets it in that direction."""
    strength = specimen.strength.copy()
    strength[RAMAN] *= np.exp(rng.normal(0, ORIENTATION, strength.shape[1]))
    return replace(specimen, strength=strength)
