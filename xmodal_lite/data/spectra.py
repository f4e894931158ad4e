"""Read one spectrum, heed what its file says of itself, and bring spectra of both kinds onto one grid."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xmodal_lite.data.listing import read_file
from xmodal_lite.data.problems import FileError
from xmodal_lite.data.spectrum_content import (
    ASK_UNIT,
    HUGE,
    check_axis,
    check_fill,
    looks_like_transmittance,
    order_axis,
    refuse_exchanged,
    tame,
    without_outliers,
)
from xmodal_lite.data.spectrum_text import LARGEST, Text, take_apart, two_columns
from xmodal_lite.data.spectrum_units import (
    INFRARED,
    folder_kind,
    stated_kind,
    stated_scale,
    stated_unit,
    to_absorbance,
    to_wavenumbers,
)

SUFFIXES = (".txt", ".csv")
READER = 2  # part of a cache's key; raise it when the same file is read otherwise than before
SITE_SAMPLE = re.compile(r"([RX]\d{6})-\d")  # RRUFF site: a sample of a specimen
REPAIRS = {  # what `Spectrum.repaired` holds: as `check` counts it
    "descending": "axes repaired: descending, reversed",
    "unordered": "axes repaired: unordered, sorted",
    "repeated": "axes repaired: repeated points, averaged",
    "factors": "multiplied by the factors that the header states",
    "unit": "converted to cm^-1 from the unit that the header states",
    "transmittance": "converted to absorbance from transmittance, as the header states",
    "outliers": "single outliers replaced by a line across them",
}


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One spectrum with an ascending axis, and what its header says.

    Parameters
    ----------
    x : numpy.ndarray
        (n,) float64, wavenumber or Raman shift in cm^-1, strictly ascending, not always evenly spaced.
    y : numpy.ndarray
        (n,) float64, intensity as filed (arbitrary unit), or absorbance where the file states transmittance.
    names : str
        Mineral name of the header, or of the file name where the header has none.
    rruff_id : str
        Specimen, such as ``R040031``, without the ``-1`` with which the site marks a sample of it; empty if there is
        none.
    header : dict of str to str
        All ``##KEY=value`` lines.
    repaired : tuple of str
        What was changed: of the keys of `REPAIRS`.
    kind : str
        ``"Raman"``, ``"infrared"`` or, where neither the file nor its folder says it, empty.
    unit, scale : str
        What the header states of the axis and the intensities, else empty.
    """

    x: np.ndarray
    y: np.ndarray
    names: str
    rruff_id: str
    header: dict[str, str]
    repaired: tuple[str, ...]
    kind: str = ""
    unit: str = ""
    scale: str = ""


def read_spectrum(path: str | Path, folder: str | None = None) -> Spectrum:
    """Read a spectrum file: of the RRUFF site, JCAMP-DX in two columns, or an instrument's text.

    Parameters
    ----------
    path : str or pathlib.Path
        A text file of header lines, ``x, y`` lines and, if at all, ``##END=``.
    folder : str, optional
        Kind that the file's folder is for, ``"Raman"``, ``"infrared"`` or ``""``. If not given, the name of the folder
        or of the one above it says it, as in ``infrared/quartz/1.txt``.

    Returns
    -------
    Spectrum
        Axis in cm^-1, ascending: a descending or unordered one is sorted, repeated abscissae are averaged.

    Raises
    ------
    FileError
        If the file cannot be read, holds no numbers, not two columns, or a number that is not finite; if what it
        states cannot be heeded, or contradicts itself or its folder.
    """
    return parse_spectrum(read_file(path, LARGEST), path, folder)


def parse_spectrum(content: bytes, path: str | Path, folder: str | None = None) -> Spectrum:
    """Parse the bytes of a spectrum file; `path` serves the file-name fields and the messages.

    Parameters
    ----------
    content : bytes
        The whole file: UTF-8, UTF-16 or Latin-1, any mixture of line ends.
    path : str or pathlib.Path
        Where the bytes come from.
    folder : str, optional
        As in `read_spectrum`.

    Returns
    -------
    Spectrum
        As `read_spectrum` returns it.

    Raises
    ------
    FileError
        As `read_spectrum` raises it.
    """
    text = take_apart(content)
    x, y = two_columns(text, path)
    unit, scale = stated_unit(text, path), stated_scale(text, path)
    kind = stated_kind(text, scale, path, folder_kind(path) if folder is None else folder)
    refuse_exchanged(x, y, path)
    repaired = ["factors"] if _has_factors(text) else []
    if unit not in ("", "cm^-1"):
        x = to_wavenumbers(x, unit, kind, text, path)
        repaired.append("unit")
    y = tame(y, path)
    if scale == "transmittance":
        y = to_absorbance(y)
        repaired.append("transmittance")
    x, y, order = order_axis(x, y, path)
    if len(x) < 2:
        raise FileError(path, "holds a single point", "remove the file or fetch it again")
    in_name = [*Path(path).stem.split("__"), ""]  # Mineral__RRUFFID__...
    rruff_id = text.header.get("RRUFFID", "").strip() or in_name[1].strip()
    return Spectrum(
        x=x,
        y=y,
        names=text.header.get("NAMES", "").strip() or in_name[0].strip(),
        rruff_id=SITE_SAMPLE.sub(r"\1", rruff_id) if SITE_SAMPLE.fullmatch(rruff_id) else rruff_id,
        header=text.header,
        repaired=(*repaired, *(word for word in order if word != "descending" or "unit" not in repaired)),
        kind=kind,
        unit=unit,
        scale=scale,
    )


def _has_factors(text: Text) -> bool:
    return any(text.stated.get(key) and float(text.stated[key]) != 1 for key in ("XFACTOR", "YFACTOR"))


def checked(spectrum: Spectrum, path: str | Path) -> Spectrum:
    """Return a spectrum whose content can be one, without single outliers.

    Parameters
    ----------
    spectrum : Spectrum
        As read.
    path : str or pathlib.Path
        Its file, for the messages.

    Raises
    ------
    FileError
        If it has too few points, an axis that is none, fill values, or a cut-off maximum.
    """
    check_axis(spectrum.x, spectrum.unit, path)
    y = without_outliers(spectrum.x, spectrum.y)
    check_fill(y, path)
    if y is spectrum.y:
        return spectrum
    return replace(spectrum, y=y, repaired=(*spectrum.repaired, "outliers"))


def scale_doubt(spectrum: Spectrum, path: str | Path) -> FileError | None:
    """Return the error for an infrared spectrum that looks like transmittance and does not state its scale."""
    if spectrum.kind != INFRARED or spectrum.scale or not looks_like_transmittance(spectrum.y):
        return None
    return FileError(
        path,
        "looks like transmittance (a high plateau with dips) and does not state its scale",
        "state it in a line of the header, ##YUNITS=%TRANSMITTANCE or ##YUNITS=ABSORBANCE",
    )


@dataclass(frozen=True)
class Preparation:
    """How a spectrum becomes a sample: settings of `prepare` (ours).

    Both modalities share one axis, so that one network and a plain cosine can take either. It is fine where
    minerals have their fingerprint and coarse above, where the broad bands of water and hydroxyl would
    otherwise outweigh it.

    Parameters
    ----------
    segments : tuple of tuple
        First point (cm^-1), spacing (cm^-1) and number of points of each piece of the axis, ascending.
    percentile : float
        This percentile of the intensities is taken for the baseline and subtracted.
    power : float
        Exponent applied after the division by the maximum; below 1 it lifts weak lines.
    sigma : float
        Gaussian smoothing, cm^-1.
    """

    segments: tuple[tuple[float, float, int], ...] = ((100.0, 4.0, 356), (1524.0, 16.0, 156))
    percentile: float = 2.0
    power: float = 0.5
    sigma: float = 8.0

    @property
    def settings(self) -> dict[str, Any]:
        """All that a sample depends on, for the key of a cache."""
        return {"reader": READER, **asdict(self)}

    def axis(self) -> np.ndarray:
        """Return the axis of a sample, (L,) float64 in cm^-1."""
        return np.concatenate([start + step * np.arange(count) for start, step, count in self.segments])


def prepare(spectrum: Spectrum, preparation: Preparation | None = None) -> np.ndarray:
    """Normalise one spectrum and bring it onto the axis of the samples.

    Interpolate to steps of 1 cm^-1; in the measured range subtract the baseline percentile, clip at 0,
    divide by the maximum and take the power; smooth; interpolate to the axis. Zero outside that range.

    Parameters
    ----------
    spectrum : Spectrum
        A Raman or an infrared spectrum of n points.
    preparation : Preparation, optional
        The settings; the default ones if not given.

    Returns
    -------
    numpy.ndarray
        (L,) float32 in 0..1; all zero where the spectrum is flat or lies outside the axis.
    """
    from scipy.ndimage import gaussian_filter1d  # slow to import

    preparation = preparation or Preparation()
    axis = preparation.axis()  # (L,)
    fine = np.arange(axis[0], axis[-1] + 1)  # (F,)
    measured = (fine >= spectrum.x[0]) & (fine <= spectrum.x[-1])
    if not measured.any():
        return np.zeros(len(axis), np.float32)
    largest = np.abs(spectrum.y).max()
    y = np.interp(fine, spectrum.x, spectrum.y / largest if largest > HUGE else spectrum.y)
    y = np.clip(y - np.percentile(y[measured], preparation.percentile), 0, None) * measured
    y = (y / (y.max() or 1.0)) ** preparation.power
    y = gaussian_filter1d(y, preparation.sigma) * measured  # the step of the fine axis is 1 cm^-1
    return np.interp(axis, fine, y).astype(np.float32)


def sample_of(
    content: bytes, path: str | Path, folder: str | None = None, preparation: Preparation | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Make a sample of the bytes of a spectrum file.

    Parameters
    ----------
    content : bytes
        The whole file.
    path : str or pathlib.Path
        Where the bytes come from.
    folder : str, optional
        See `read_spectrum`.
    preparation : Preparation, optional
        The settings; the default ones if not given.

    Returns
    -------
    sample : numpy.ndarray
        (L,) float32, see `prepare`.
    repaired : tuple of str
        What was changed: of the keys of `REPAIRS`.

    Raises
    ------
    FileError
        If the content cannot be a spectrum or is of an unknown scale, or the spectrum is flat or lies outside the
        axis.
    """
    preparation = preparation or Preparation()
    spectrum = checked(parse_spectrum(content, path, folder), path)
    if doubt := scale_doubt(spectrum, path):
        raise doubt
    sample = prepare(spectrum, preparation)
    if not sample.any():
        axis = preparation.axis()
        raise FileError(path, f"no signal between {axis[0]:,.0f} and {axis[-1]:,.0f} cm^-1", ASK_UNIT)
    return sample, spectrum.repaired
