"""Read one spectrum as the RRUFF site files it, and bring spectra of both kinds onto one grid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from xmodal_lite.errors import DataError

SUFFIXES = (".txt", ".csv")
REMEDY = (
    "two columns separated by a comma or blanks, with decimal points and no header line, are read; mend or remove "
    "the file"
)
HEAD = re.compile(r"(?:##[^\n]*(?:\n|$)|[ \t]*\n)*")  # header and blank lines before the numbers


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One spectrum with an ascending axis, and what its header says.

    Parameters
    ----------
    x : numpy.ndarray
        (n,) float64, wavenumber or Raman shift in cm^-1, strictly ascending, not always evenly spaced.
    y : numpy.ndarray
        (n,) float64, intensity as filed (arbitrary unit).
    names : str
        Mineral name of the header, or of the file name where the header has none.
    rruff_id : str
        Specimen, such as ``R040031``, without the ``-1`` that marks a sample of it.
    header : dict of str to str
        All ``##KEY=value`` lines.
    repaired : tuple of str
        What was put right on the axis: of ``"descending"``, ``"unordered"``, ``"repeated"``.
    """

    x: np.ndarray
    y: np.ndarray
    names: str
    rruff_id: str
    header: dict[str, str]
    repaired: tuple[str, ...]


def read_spectrum(path: str | Path) -> Spectrum:
    """Read a spectrum file of the RRUFF site.

    Parameters
    ----------
    path : str or pathlib.Path
        A text file of ``##KEY=value`` lines, ``x, y`` lines and ``##END=``.

    Returns
    -------
    Spectrum
        Axis ascending: a descending or unordered one is sorted, repeated abscissae are averaged.

    Raises
    ------
    DataError
        If the file cannot be read, holds no numbers, not two columns, or a number that is not finite.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check path and permissions") from error
    return parse_spectrum(content, path)


def parse_spectrum(content: bytes, path: str | Path) -> Spectrum:
    """Parse the bytes of a spectrum file; `path` serves the file-name fields and the messages.

    Parameters
    ----------
    content : bytes
        The whole file: UTF-8 (or Latin-1), any mixture of line ends.
    path : str or pathlib.Path
        Where the bytes come from.

    Returns
    -------
    Spectrum
        As `read_spectrum` returns it.

    Raises
    ------
    DataError
        As `read_spectrum` raises it.
    """
    text = _decode(content).replace("\r\n", "\n").replace("\r", "\n").partition("\n##END")[0]
    head = HEAD.match(text).group()  # type: ignore[union-attr]  # it matches the empty string too
    header = dict(line[2:].split("=", 1) for line in head.split("\n") if "=" in line)
    x, y = _two_columns(text[len(head) :], path)
    x, y, repaired = _mend_axis(x, y)
    if len(x) < 2:
        raise DataError(f"{path}: holds a single point; remove the file or fetch it again")
    in_name = [*Path(path).stem.split("__"), ""]  # Mineral__RRUFFID__...
    return Spectrum(
        x=x,
        y=y,
        names=header.get("NAMES", "").strip() or in_name[0],
        rruff_id=re.sub(r"-\d+$", "", header.get("RRUFFID", "").strip() or in_name[1]),
        header=header,
        repaired=repaired,
    )


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _two_columns(body: str, path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    if not body or body.isspace():
        raise DataError(f"{path}: holds no numbers; remove the file or fetch it again")
    try:
        values = np.loadtxt(body.split("\n"), delimiter="," if "," in body else None, comments=None, ndmin=2)
    except ValueError as error:
        reason = str(error).partition("; use `usecols`")[0]  # numpy's advice is of no use here
        raise DataError(f"{path}: not two columns of numbers ({reason}); {REMEDY}") from error
    if values.shape[1] != 2:
        raise DataError(f"{path}: has {values.shape[1]} column(s) where 'x, y' is needed; {REMEDY}")
    finite = np.asarray(np.isfinite(values).all(axis=1))
    if not finite.all():
        raise DataError(
            f"{path}: {np.count_nonzero(~finite)} of {len(finite)} points hold NaN or infinity, "
            f"the first is point {np.argmin(finite) + 1}; remove these lines or the file"
        )
    return values[:, 0], values[:, 1]


def _mend_axis(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Sort the axis and average repeated abscissae; say what was done."""
    repaired = []
    steps = np.diff(x)
    if (steps < 0).any():
        repaired.append("unordered" if (steps > 0).any() else "descending")
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    unique, inverse, count = np.unique(x, return_inverse=True, return_counts=True)
    if len(unique) < len(x):
        repaired.append("repeated")
        x, y = unique, np.bincount(inverse, weights=y) / count
    return x, y, tuple(repaired)


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
    preparation = preparation or Preparation()
    axis = preparation.axis()  # (L,)
    fine = np.arange(axis[0], axis[-1] + 1)  # (F,)
    measured = (fine >= spectrum.x[0]) & (fine <= spectrum.x[-1])
    if not measured.any():
        return np.zeros(len(axis), np.float32)
    y = np.interp(fine, spectrum.x, spectrum.y)
    y = np.clip(y - np.percentile(y[measured], preparation.percentile), 0, None) * measured
    y = (y / (y.max() or 1.0)) ** preparation.power
    y = gaussian_filter1d(y, preparation.sigma) * measured  # the step of the fine axis is 1 cm^-1
    return np.interp(axis, fine, y).astype(np.float32)


def read_sample(path: str | Path) -> np.ndarray:
    """Read a spectrum file and prepare it with the default settings.

    Parameters
    ----------
    path : str or pathlib.Path
        See `read_spectrum`.

    Returns
    -------
    numpy.ndarray
        (L,) float32, see `prepare`.

    Raises
    ------
    DataError
        If the file cannot be read, or the spectrum is flat or lies outside the axis.
    """
    sample = prepare(read_spectrum(path))
    if not sample.any():
        axis = Preparation().axis()
        raise DataError(
            f"{path}: no signal between {axis[0]:,.0f} and {axis[-1]:,.0f} cm^-1; is the axis in cm^-1?"
        )
    return sample
