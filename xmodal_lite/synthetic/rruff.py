"""Instruments and files: procedural minerals measured and written as the RRUFF site distributes its spectra.

Layout, names, headers and number formats are those of the site. A few files have its irregularities: RAW
duplicates, far-infrared, descending and uneven axes, repeated abscissae, minerals measured by one technique only.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np

from xmodal_lite.synthetic.spectra import (
    INFRARED,
    RAMAN,
    Mineral,
    draw_mineral,
    draw_specimen,
    spectrum,
    turn_crystal,
)

LASERS = {514: 0.2, 532: 0.8, 780: 0.5, 785: 0.2}  # nm: share of the specimens measured with it
GLOW = {514: 0.5, 532: 0.9, 780: 0.25, 785: 0.2}  # nm: fluorescence beside the strongest Raman peak, median
EXPOSURE = (3.4, 6.0)  # log10 of the counts in the strongest peak; noise of 1e-4 to 24e-4 of it, as in RRUFF
SEVERAL = 2  # of every five minerals, two have several specimens; 39 % of RRUFF's have
ONE_WAY = 10  # for every ten minerals measured both ways, one is measured one way only
ODD = 20  # one mineral in twenty has each irregularity
HEADER = """##NAMES={name}
##RRUFFID={rruff_id}
##IDEAL CHEMISTRY=none, a procedural synthetic
##LOCALITY=nowhere
##OWNER=xmodal-lite
##SOURCE=xmodal-lite synthetic generator
##DESCRIPTION=Procedural spectrum · not measured
##STATUS=No mineral was measured for this file
##URL=none
"""
AXES = {  # kind: where it may begin (cm-1), how a wavenumber is written, how an intensity and the line's end
    "grating": ((62.0, 110.0, 150.0), "%.3f, ", "%.3f\r\n"),
    "fine": ((92.0, 110.0, 130.0, 150.0, 190.0), "%#.7G, ", "%#.7G\r\n"),
    "mid": ((373.15, 399.1926), "%.6e, ", "%.6e\n"),
    "plain": ((373.15, 399.1926), "%.4f, ", "%.6f\n"),
    "far": ((50.14013,), "%.6e, ", "%.6e\n"),
    "descending": ((600.0,), "%d, ", "%.6f\n"),
    "coarse": ((374.0,), "%.2E, ", "%.2E\n"),  # so coarse that abscissae repeat
}


def axis(kind: str, first: float) -> np.ndarray:
    """Return the wavenumbers (L,) in cm-1 that an instrument reports; ``kind`` is a key of ``AXES``."""
    if kind == "grating":  # the step shrinks along the detector
        k = np.arange(round((1510 - first) / 1.33))
        return first + 1.392 * k - 5.5e-5 * k**2
    if kind == "fine":
        return np.arange(first, 1290, 0.48213)
    if kind == "descending":
        return np.arange(4000, first, -2.0)
    return np.arange(first, 700 if kind == "far" else 4000, 1.92846)


@lru_cache(maxsize=64)
def _template(kind: str, first: float) -> tuple[np.ndarray, str]:
    """Return an axis and its text with a slot for each intensity: only these are formatted per file."""
    x, (_, wavenumber, intensity) = axis(kind, first), AXES[kind]
    return x, "".join(wavenumber % value + intensity for value in x.tolist())


def _noise(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw noise (size,) of about unit variance, smooth over the few points a spectrometer resolves."""
    return np.convolve(rng.standard_normal(size + 3), [0.3, 0.6, 0.6, 0.3], "valid")


def raman_counts(
    specimen: Mineral, laser: int, x: np.ndarray, raw: bool, rng: np.random.Generator
) -> np.ndarray:
    """Measure Raman counts: peaks on a fluorescence hump with shot noise, and what processing leaves of them.

    The crystal lies as it happens to: how strongly each mode scatters differs from one measurement to the next.

    Parameters
    ----------
    specimen : Mineral
        What is measured.
    laser : int
        Wavelength in nm; green lasers excite more fluorescence than near-infrared ones.
    x : numpy.ndarray
        (L,) Raman shifts in cm-1.
    raw : bool
        True keeps the hump, False subtracts an imperfect estimate of it, as processed files have it.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        (L,) counts; a processed spectrum has no negative ones and is zero at both ends.
    """
    specimen = turn_crystal(specimen, rng)
    peak = 10 ** rng.uniform(*EXPOSURE)  # counts in the strongest peak
    glow = peak * GLOW[laser] * min(rng.lognormal(-0.7, 1.0), 3)
    hump = np.exp(-(((x - rng.uniform(-500, 2500)) / rng.uniform(900, 2000)) ** 2))
    counts = peak * spectrum(specimen, RAMAN, x) + glow * hump
    counts += np.sqrt(counts + 30) * _noise(len(x), rng)
    if raw:
        return counts
    error = 0.01 * glow * (1 + np.sin(x / rng.uniform(60, 250) + rng.uniform(0, 6)))  # of the baseline
    y = np.maximum(counts - glow * hump + error, 0)
    y[[0, -1]] = 0
    return y


def absorbance(specimen: Mineral, x: np.ndarray, raw: bool, rng: np.random.Generator) -> np.ndarray:
    """Measure the absorbance of a powder on a diamond: noisy where diamond absorbs, slanted by scattering.

    What the powder absorbs between its bands (`Mineral.haze`) rises towards high wavenumbers, as in opaque minerals.

    Parameters
    ----------
    specimen : Mineral
        What is measured.
    x : numpy.ndarray
        (L,) wavenumbers in cm-1.
    raw : bool
        True keeps the scattering background, False leaves a fifth of it.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        (L,) absorbances.
    """
    haze = specimen.haze * ((x - x.min()) / (4000 - x.min())) ** rng.uniform(0.4, 1.0)
    depth = 1000 / x  # light goes as deep into the powder as its wave is long
    y = spectrum(specimen, INFRARED, x) * depth**0.5
    y = y / y.max() + haze
    y *= 10 ** rng.uniform(-0.9, -0.15) / y.max()
    background = 0.04 * rng.normal() * (x - x.min()) / 3600 + rng.normal(0, 0.01)
    dim = 1 + 2 * np.exp(-(((x - 2100) / 150) ** 2)) + x / 2500
    return y + background * (1.0 if raw else 0.2) + 3e-4 * dim * _noise(len(x), rng)


def _plan(odd: int, ways: tuple[int, ...], rng: np.random.Generator) -> list[tuple[int, str, bool]]:
    """List laser (0 for infrared), kind of axis and whether RAW, for every file of one specimen."""
    plan = []
    if RAMAN in ways:
        lasers = [laser for laser, share in LASERS.items() if rng.random() < share] or [532]
        plan += [(laser, "grating" if laser == 514 else "fine", False) for laser in lasers]
        plan += [(lasers[-1], "fine", True)] * (odd == 15)
    if INFRARED in ways:
        usual = str(rng.choice(["mid", "plain"]))
        plan += [(0, "descending" if odd == 3 else usual, False)]
        plan += [(0, "coarse", True)] * (odd == 7) + [(0, "far", False)] * (odd == 11)
    return plan


def _measure(
    specimen: Mineral, laser: int, kind: str, raw: bool, rng: np.random.Generator
) -> tuple[str, str]:
    """Return the middle of the file's name and the text of its data lines."""
    processing = "RAW" if raw else "Processed"
    x, slots = _template(kind, float(rng.choice(AXES[kind][0])))
    if laser:
        text = slots % tuple(raman_counts(specimen, laser, x, raw, rng).tolist())
        return f"Raman__{laser}__0__unoriented__Raman_Data_{processing}", text
    text = slots % tuple(absorbance(specimen, x, raw, rng).tolist())
    if kind in ("mid", "far"):  # the site's three-digit exponents
        text = text.replace("e+", "e+0").replace("e-", "e-0")
    return f"Infrared__Infrared_Data_{processing}", text


def write_rruff(
    root: Path, *, identities: int = 60, specimens: int = 2, seed: int = 0, gap: float = 0.9
) -> None:
    """Write ``raman/*.txt`` and ``infrared/*.txt`` into ``root``.

    Parameters
    ----------
    root : pathlib.Path
        Folder that exists and is empty.
    identities : int
        Minerals measured both ways, two or more; a tenth more are measured one way only.
    specimens : int
        Specimens of a mineral, 1 to 99, for two minerals in five; the others have one. Each specimen has one
        infrared and one to four Raman spectra.
    seed : int
        Seed of all draws. Mineral n has the same modes at any ``gap`` and for any ``identities``.
    gap : float
        0 (Raman and infrared see the same strengths) to 1 (independent strengths, mutual exclusion). At the
        default the rows of the table of spectra come out about as on RRUFF.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    """
    if identities < 2:
        raise ValueError(f"identities={identities}: matching needs two minerals or more")
    if not 1 <= specimens <= 99:
        raise ValueError(f"specimens={specimens}: give 1 to 99 specimens of each mineral")
    if seed < 0:
        raise ValueError(f"seed={seed}: give 0 or more")
    if not 0 <= gap <= 1:
        raise ValueError(f"gap={gap}: give a value from 0 (same strengths in both modalities) to 1")
    file_number = count(1)
    for folder in ("raman", "infrared"):
        (root / folder).mkdir()
    for number in range(identities + max(2, identities // ONE_WAY)):
        ways = (RAMAN, INFRARED) if number < identities else (number % 2,)
        mineral = draw_mineral(seed, number, gap)
        stem = re.sub(r"\W", "", mineral.name)  # the site drops signs from names in file names
        rng = np.random.default_rng([seed, 2, number])
        for s in range(specimens if number % 5 < SEVERAL else 1):
            specimen, rruff_id = draw_specimen(mineral, rng), f"R9{100 * number + s:05d}"
            header = HEADER.format(name=mineral.name, rruff_id=rruff_id)
            for laser, kind, raw in _plan(number % ODD if s == 0 else -1, ways, rng):
                middle, data = _measure(specimen, laser, kind, raw, rng)
                folder, serial = ("raman", rruff_id) if laser else ("infrared", f"{rruff_id}-1")
                path = root / folder / f"{stem}__{serial}__{middle}__{next(file_number)}.txt"
                path.write_bytes(f"{header}{data}##END=\n\n\n".encode())
