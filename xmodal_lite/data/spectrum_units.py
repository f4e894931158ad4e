"""Heed what a spectrum file says of itself: unit of the axis, scale of the intensities, Raman or infrared."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import numpy as np

from xmodal_lite.data.problems import FileError
from xmodal_lite.data.spectrum_text import Text

RAMAN, INFRARED = "Raman", "infrared"
UNIT_KEYS = (
    "XUNITS",
    "XUNIT",
    "XAXISUNIT",
    "XAXISUNITS",
    "UNITSX",
    "AXISUNIT1",
)  # what these say must be a unit
LABEL_KEYS = ("XLABEL", "XAXIS", "XTITLE", "AXISTYPE1", "ABSCISSA", "UNITS", "UNIT")  # these may say anything
Y_KEYS = (
    "YUNITS", "YUNIT", "YLABEL", "YAXIS", "YAXISUNIT", "YAXISUNITS", "YTITLE", "UNITSY", "AXISTYPE0", "AXISUNIT0",
    "ORDINATE", "SCALE", "DATAMODE", "MEASUREMENTMODE",
)  # fmt: skip
KIND_KEYS = (
    "DATATYPE", "FILETYPE", "TECHNIQUE", "METHOD", "MEASUREMENT", "MEASUREMENTTYPE", "SPECTRUMTYPE", "SPECTROSCOPY",
    "EXPERIMENT", "TYPE", "MODE", "INSTRUMENTTYPE",
)  # fmt: skip
# The first pattern found in the text, in this order, is its unit; None where it is no axis of a spectrum.
UNITS = {
    re.compile(pattern): unit
    for pattern, unit in (
        (r"1\s*/\s*\(?([nu]?m|ang)|\b[nu]?m\s*\^?\(?-1", None),
        (r"\b(\w*seconds?|minutes?|time|(2|two)?.?theta|2\u03b8|degrees?|m/z|ppm|k?hz|pixels?|channels?)\b", None),
        (r"1\s*/\s*cm|/cm\b|cm\s*\^?[({]?\s*-\s*1|per cm|(reciprocal|inverse|per) centimet|kayser", "cm^-1"),
        (r"\bnm\b|nanomet|millimicron", "nm"),
        (r"\bum\b|micromet|micron", "um"),
        (r"angstrom", "angstrom"),
        (r"\bmev\b|millielectron", "meV"),
        (r"\bev\b|electron.?volt", "eV"),
        (r"terahertz|\bthz\b", "THz"),
        (r"wave.?number|raman.?shift", "cm^-1"),
    )
}  # fmt: skip
VAGUE = re.compile(r"wave.?length|energy|frequency")  # an axis that is no wavenumber, or of a unit not said
WAVELENGTHS = {"nm": 1.0, "um": 1e3, "angstrom": 0.1}  # in nm
ENERGIES = {"meV": 8.065544, "eV": 8065.544, "THz": 33.35641}  # in cm^-1 (CODATA)
SCALES = {
    re.compile(pattern): scale
    for pattern, scale in (
        (r"derivative|interferogram|single.?beam|background|emissi|decibel|\bdb\b", "another quantity"),
        (r"kubelka|log\W*1?\s*/?\s*r|absorb|\babs\b|extinction|optical densit", "absorbance"),
        (r"transmi|%\s*t(rans\w*)?\b|\bt\s*[\[(/]?\s*%|\btrans\b", "transmittance"),
        (r"reflect|%\s*r\b|\br\s*[\[(/]?\s*%", "reflectance"),
        (r"raman", "Raman intensity"),
    )
}
WORD = re.compile("[a-z]+")
LONG = re.compile("raman|infrared|ftir|ft-ir", re.IGNORECASE)
FLOOR = 1e-4  # transmittance below which an absorbance is not measured
STATE = "state it in a line of the header, such as ##XUNITS=1/CM, ##YUNITS=ABSORBANCE or ##DATA TYPE=INFRARED SPECTRUM"


def kind_named(name: str) -> str:
    """Return the kind that a name of a folder or a modality says: ``"Raman"``, ``"infrared"`` or ``""``."""
    words = set(WORD.findall(name.lower().replace("ft-ir", "ftir")))
    kinds = {RAMAN} if "raman" in words else set()
    if words & {"infrared", "ftir", "ir", "mir", "atr"}:
        kinds.add(INFRARED)
    return kinds.pop() if len(kinds) == 1 else ""


def folder_kind(path: str | Path) -> str:
    """Return the kind that the names of a file's folder and of the one above it say; the nearer one counts."""
    path = Path(path)
    return kind_named(path.parent.name) or kind_named(path.parent.parent.name)


def stated_kind(text: Text, scale: str, path: str | Path, folder: str) -> str:
    """Return whether a file is Raman or infrared, after its header, its name and its folder.

    Parameters
    ----------
    text : Text
        The file.
    scale : str
        What its header says of the intensities.
    path : str or pathlib.Path
        Its name is ``Mineral__ID__Raman__...`` on the RRUFF site.
    folder : str
        What the folder is for: ``"Raman"``, ``"infrared"`` or ``""``.

    Raises
    ------
    FileError
        If the statements contradict each other, or the folder is for the other kind.
    """
    stem = Path(path).stem
    fields = stem.split("__")[2:]
    of_scale = {"Raman intensity": RAMAN, "transmittance": INFRARED, "absorbance": INFRARED}.get(scale, "")
    of_name = kind_named(" ".join(fields or LONG.findall(stem)))  # "Ir.txt" may be iridium
    said = [text.heading[0], *(text.stated[key] for key in (*KIND_KEYS, *LABEL_KEYS) if key in text.stated)]
    found = {of_scale, of_name, *map(kind_named, said)}
    found.discard("")
    if len(found) > 1:
        raise FileError(
            path, "says of itself that it is Raman and that it is infrared", "correct its header or its name"
        )
    kind = found.pop() if found else folder
    if folder and kind != folder:
        raise FileError(
            path,
            f"is misfiled: its name or header says {kind}, its folder is for {folder} spectra",
            f"move it to the folder of the {kind} spectra, or correct its name or header",
        )
    return kind


def stated_unit(text: Text, path: str | Path) -> str:
    """Return the unit of the axis that the header or the heading line states; empty where none does.

    Raises
    ------
    FileError
        If two statements differ, or one cannot be told.
    """
    said = [text.stated[key] for key in UNIT_KEYS if text.stated.get(key)]
    labels = [
        *filter(None, text.heading[:1]),
        *(text.stated[key] for key in LABEL_KEYS if key in text.stated),
    ]
    said += [label for label in labels if any(pattern.search(_plain(label)) for pattern in (*UNITS, VAGUE))]
    units = {_unit(words, path) for words in said}
    if len(units) > 1:
        raise FileError(
            path, "states two units of its axis", "correct its header", " and ".join(sorted(units))
        )
    return units.pop() if units else ""


def _unit(said: str, path: str | Path) -> str:
    plain = _plain(said)
    unit = next((unit for pattern, unit in UNITS.items() if pattern.search(plain)), None)
    if unit is None:
        raise FileError(
            path,
            "states an axis that cannot be brought to cm^-1",
            "export it over wavenumbers in cm^-1",
            said,
        )
    return unit


def stated_scale(text: Text, path: str | Path) -> str:
    """Return the scale of the intensities that the header or the heading line states; empty where none does.

    Raises
    ------
    FileError
        If two statements differ, or the scale has no absorbance.
    """
    said = [text.stated.get(key, "") for key in Y_KEYS] + [text.heading[1]]
    scales = {scale for words in said if words and (scale := _scale(_plain(words)))}
    if bad := scales & {"another quantity", "reflectance"}:
        raise FileError(
            path,
            f"states intensities that are {min(bad)}, no absorbance and no Raman intensity",
            "export the spectrum as absorbance (or as Kubelka-Munk or log 1/R)",
        )
    if len(scales) > 1:
        names = " and ".join(sorted(scales))
        raise FileError(path, "states two scales of its intensities", "correct its header", names)
    return scales.pop() if scales else ""


def _scale(said: str) -> str:
    return next((scale for pattern, scale in SCALES.items() if pattern.search(said)), "")


def _plain(said: str) -> str:
    """Write signs that look alike in one way: superscripts, minus signs, the two letters mu, the angstrom sign."""
    said = unicodedata.normalize("NFKC", said).replace("\u2212", "-").replace("\u2013", "-")
    return said.replace("\u03bc", "u").replace("\u00c5", "angstrom").replace("\u00e5", "angstrom").lower()


def to_wavenumbers(x: np.ndarray, unit: str, kind: str, text: Text, path: str | Path) -> np.ndarray:
    """Bring an axis (n,) of any unit to cm^-1: wavenumbers, or for Raman the shift from the laser's line.

    Raises
    ------
    FileError
        If an abscissa is not positive, the kind is not known, or a laser is needed and not stated.
    """
    if unit in ("", "cm^-1"):
        return x
    if not kind and unit != "um":
        raise FileError(path, f"is over {unit}, and is not said to be Raman or infrared", STATE)
    if x.min() < 1e-3:
        raise FileError(
            path, f"states an axis in {unit} and has values of 0 or less on it", "correct the header"
        )
    absolute = 1e7 / (x * WAVELENGTHS[unit]) if unit in WAVELENGTHS else x * ENERGIES[unit]  # (n,) cm^-1
    if kind != RAMAN:
        return np.round(absolute, 2)  # finer than any file states it, so that 400 does not become 400.0000001
    laser = _laser(text, path)
    if not laser:
        raise FileError(
            path,
            f"is a Raman spectrum over {unit} that does not state its laser",
            "export it over the Raman shift in cm^-1, or state the laser, such as ##LASER=785 nm",
        )
    return np.round(1e7 / laser - absolute, 2)


def _laser(text: Text, path: str | Path) -> float:
    """Return the wavelength of the laser in nm that the header or the site's file name states, else 0."""
    for key, value in text.stated.items():
        if re.search("LASER|EXCITATION|RAMANWAVELENGTH", key) and not re.search(
            "POWER|FILTER|TIME|INTENSITY|SPOT", key
        ):
            number = re.search(r"\d+(?:\.\d+)?", value)
            if number and 150 <= float(number[0]) <= 2000:
                return float(number[0])
    fields = Path(path).stem.split("__")[2:]
    lasers = [float(field) for field in fields[1:2] if re.fullmatch(r"\d{3,4}", field, re.ASCII)]
    return lasers[0] if lasers and lasers[0] <= 2000 else 0.0


def to_absorbance(y: np.ndarray) -> np.ndarray:
    """Bring transmittances (n,), from 0 to 1 or in per cent, to absorbances -log10(T).

    Per cent add 2 to each, which the baseline of a sample takes away again.
    """
    whole = 100.0 if np.percentile(y, 95) > 2 else 1.0
    return -np.log10(np.maximum(y / whole, FLOOR))
