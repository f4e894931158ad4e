"""Read one spectrum as the RRUFF site files it, and bring spectra of both kinds onto one grid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from xmodal_lite.errors import DataError

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
    mended : tuple of str
        What was put right on the axis: of ``"descending"``, ``"unordered"``, ``"repeated"``.
    """

    x: np.ndarray
    y: np.ndarray
    names: str
    rruff_id: str
    header: dict[str, str]
    mended: tuple[str, ...]


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
    x, y, mended = _mend_axis(x, y)
    if len(x) < 2:
        raise DataError(f"{path}: holds a single point; remove the file or fetch it again")
    in_name = [*Path(path).stem.split("__"), ""]  # Mineral__RRUFFID__...
    return Spectrum(
        x=x,
        y=y,
        names=header.get("NAMES", "").strip() or in_name[0],
        rruff_id=re.sub(r"-\d+$", "", header.get("RRUFFID", "").strip() or in_name[1]),
        header=header,
        mended=mended,
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
        reason = str(error).split(";")[0]
        raise DataError(f"{path}: not two columns of numbers ({reason}); mend or remove the file") from error
    if values.shape[1] != 2:
        raise DataError(
            f"{path}: has {values.shape[1]} column(s) where 'x, y' is needed; mend or remove the file"
        )
    finite = np.asarray(np.isfinite(values).all(axis=1))
    if not finite.all():
        raise DataError(
            f"{path}: {np.count_nonzero(~finite)} of {len(finite)} points hold NaN or infinity, "
            f"the first is point {np.argmin(finite) + 1}; remove these lines or the file"
        )
    return values[:, 0], values[:, 1]


def _mend_axis(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Sort the axis and average repeated abscissae; say what was done."""
    mended = []
    steps = np.diff(x)
    if (steps < 0).any():
        mended.append("unordered" if (steps > 0).any() else "descending")
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    unique, inverse, count = np.unique(x, return_inverse=True, return_counts=True)
    if len(unique) < len(x):
        mended.append("repeated")
        x, y = unique, np.bincount(inverse, weights=y) / count
    return x, y, tuple(mended)


@dataclass(frozen=True)
class Preparation:
    """How a spectrum becomes a sample: settings of `prepare`.

    Both modalities share one grid, so that one network and a plain cosine can take either. The steps are
    those of the kernel-ridge mark that the benchmark's table starts from; the common grid is ours.

    Parameters
    ----------
    start, step : float
        First point and spacing of the grid, cm^-1.
    length : int
        Points of the grid.
    percentile : float
        This percentile of the intensities is taken for the baseline and subtracted.
    power : float
        Exponent applied after the division by the maximum; below 1 it lifts weak lines.
    sigma : tuple of float
        Gaussian smoothing of a Raman and of an infrared spectrum, cm^-1.
    """

    start: float = 100.0
    step: float = 4.0
    length: int = 976
    percentile: float = 2.0
    power: float = 0.5
    sigma: tuple[float, float] = (6.0, 8.0)

    def axis(self) -> np.ndarray:
        """Return the grid, (length,) float64 in cm^-1."""
        return self.start + self.step * np.arange(self.length)


FINE = 4  # points per grid point before the smoothing: lines narrower than a step must survive until then


def prepare(spectrum: Spectrum, modality: int, preparation: Preparation | None = None) -> np.ndarray:
    """Normalise one spectrum and bring it onto the grid.

    Subtract the baseline percentile, clip at 0, divide by the maximum, take the power, interpolate
    to a grid finer than the target, smooth, keep every `FINE`-th point; zero outside the measured range.

    Parameters
    ----------
    spectrum : Spectrum
        The spectrum, (n,) points.
    modality : int
        0 Raman, 1 infrared: chooses the smoothing.
    preparation : Preparation, optional
        The settings; the default ones if not given.

    Returns
    -------
    numpy.ndarray
        (length,) float32 in 0..1; all zero where the spectrum is flat or lies outside the grid.
    """
    preparation = preparation or Preparation()
    y = np.clip(spectrum.y - np.percentile(spectrum.y, preparation.percentile), 0, None)
    y = (y / (y.max() or 1.0)) ** preparation.power  # (n,)
    fine_step = preparation.step / FINE
    fine = preparation.start + fine_step * np.arange(FINE * (preparation.length - 1) + 1)
    # beyond its ends the spectrum is held constant, so that the smoothing does not draw the ends to zero
    dense = np.interp(fine, spectrum.x, y)
    smooth = gaussian_filter1d(dense, preparation.sigma[modality] / fine_step)
    axis, values = preparation.axis(), smooth[::FINE]  # (length,)
    measured = (axis >= spectrum.x[0]) & (axis <= spectrum.x[-1])
    return np.where(measured, values, 0.0).astype(np.float32)
