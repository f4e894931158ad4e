"""Spectra as instruments export them: what a file says of itself is heeded, what cannot be a spectrum is refused.

The cases under ``shared/cases`` are read where they are at hand; the inputs written here are of the same kinds.
"""

import os
import re
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmodal_lite.benchmarks import CheckReport, check, load
from xmodal_lite.data.problems import FileError
from xmodal_lite.data.spectra import checked, parse_spectrum, prepare, sample_of
from xmodal_lite.data.spectrum_text import LARGEST
from xmodal_lite.errors import DataError

X = np.arange(400.0, 4001.0, 10.0)  # cm^-1
SHIFT = np.arange(150.0, 1301.0, 4.0)


def bands(x: np.ndarray, k: int = 0) -> np.ndarray:
    """Return absorbances (n,) of three bands and a little noise that belongs to the wavenumber."""
    centres = 520 + 70 * k, 900 + 60 * k, 1150 - 20 * k
    return 0.02 + sum(np.exp(-(((x - centre) / 30) ** 2)) for centre in centres) + 0.01 * np.sin(x)


Y, COUNTS = bands(X), 1000 * bands(SHIFT)


def table(x: np.ndarray, y: np.ndarray, between: str = ", ") -> str:
    return "".join(f"{a:.8g}{between}{b:.8g}\n" for a, b in zip(x, y, strict=True))


def sample(text: str | bytes, name: str = "infrared/Cc/0.txt", folder: str | None = None) -> np.ndarray:
    return sample_of(text.encode() if isinstance(text, str) else text, name, folder)[0]


def read_sample(path: Path, folder: str | None = None) -> np.ndarray:
    return sample_of(path.read_bytes(), path, folder)[0]


def refused(text: str, name: str = "infrared/Cc/0.txt") -> FileError:
    with pytest.raises(FileError) as caught:
        sample(text, name)
    assert name in str(caught.value)
    return caught.value


INFRARED, RAMAN = sample(table(X, Y)), sample(table(SHIFT, COUNTS), "raman/Cc/0.txt")


# ---- the shared cases


@pytest.fixture
def case(repository: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copy a shared case into a folder that can be written."""
    cases = Path(os.environ.get("XMODAL_SHARED", repository.parent / "shared")) / "cases"

    def copy(name: str) -> Path:
        if not (cases / name).is_dir():
            pytest.skip(f"the shared cases are not on this machine (no folder {cases / name})")
        return shutil.copytree(cases / name, tmp_path / name)

    return copy


def test_case_header_states_the_units(case: Callable[[str], Path]) -> None:
    root = case("header-states-the-units")
    truth = read_sample(root / "files/wavenumbers.txt", "infrared")
    for name in ("nanometres", "micrometres", "transmittance", "factors"):
        np.testing.assert_allclose(read_sample(root / f"files/{name}.txt", "infrared"), truth, atol=1e-3)
    with pytest.raises(FileError, match="raman-nanometres"):
        read_sample(root / "files/raman-nanometres.txt")
    report = check("folder", root / "input")
    assert list(report) == []
    assert report.counts["converted to cm^-1 from the unit that the header states"] == 1
    assert load("folder", root / "input").samples.shape == (16, 1, 512)


def test_case_fill_values(case: Callable[[str], Path]) -> None:
    root = case("fill-values")
    place = root / "input/test/infrared/Cc/0.txt"
    for path in (place, *(root / "files").iterdir()):
        if path != place:
            shutil.copyfile(path, place)
        (problem,) = check("folder", root / "input")
        assert problem.startswith(f"{place}: holds fill values")
        with pytest.raises(DataError) as caught:
            load("folder", root / "input")
        assert str(caught.value) == problem


@pytest.mark.parametrize("name", ["every-mineral", "two-labels", "no-specimen"])
def test_case_specimen_numbers_restart(case: Callable[[str], Path], name: str) -> None:
    root = case("specimen-numbers-restart") / name
    report = check("rruff", root)
    assert list(report) == []
    assert report.counts["minerals"] == report.counts["paired minerals"] == 4
    assert report.notes == []
    assert load("rruff", root).table.identity_names == ("Aa", "Bb", "Cc", "Dd")


def test_case_other_kind_in_the_folder(case: Callable[[str], Path]) -> None:
    first, second = check("rruff", root := case("other-kind-in-the-folder") / "input")
    assert "infrared/Aa__MAa0__Raman" in first
    assert "says Raman, its folder is for infrared" in first
    assert "raman/Bb__MBb0-1__Infrared" in second
    assert "says infrared, its folder is for Raman" in second
    with pytest.raises(DataError, match="is misfiled"):
        load("rruff", root)


def test_case_linked_subfolder(case: Callable[[str], Path]) -> None:
    root = case("linked-subfolder")
    for kind in ("raman", "infrared"):
        (root / "all" / kind).mkdir(parents=True)
        (root / "all" / kind / "archive").symlink_to(root / "elsewhere" / kind)
        (root / "elsewhere" / kind / "loop").symlink_to(root / "elsewhere" / kind)
    report = check("rruff", root / "all")
    assert list(report) == []
    assert report.counts["paired minerals"] == 4
    assert len(load("rruff", root / "all").table) == 8


# ---- what a file says of itself

JCAMP = "##TITLE=Cc\n##JCAMP-DX=4.24\n"
PERCENT = 100 * 10**-Y
LABSPEC = "#Laser (nm)=\t785\n#AxisType[0]=Intens\n#AxisUnit[1]={}\n#AxisType[1]=Spectr\n"
IN_ROWS = "".join(
    f"{X[i] / 2:g} {' '.join(f'{v:.0f}' for v in Y[i : i + 7] / 1e-7)}\n" for i in range(0, len(X), 7)
)
SAME_AS_WAVENUMBERS = {
    "nanometres": f"{JCAMP}##XUNITS=NANOMETERS\n" + table(1e7 / X, Y),
    "micrometres": f"{JCAMP}##X UNITS= Micrometers $$ as exported\n" + table(1e4 / X, Y),
    "micrometres, the heading with a sign": "Wavelength [\u00b5m]\tAbsorbance\n" + table(1e4 / X, Y, "\t"),
    "nanometres, a heading parted by blanks": "nm Absorbance\n" + table(1e7 / X[::-1], Y[::-1], " "),
    "angstroms": "##XUNITS=\u00c5ngstrom\n" + table(1e8 / X, Y),
    "electronvolts": "##XUNITS=eV\n" + table(X / 8065.544, Y),
    "terahertz": "Frequency (THz),A\n" + table(X / 33.35641, Y),
    "wavenumbers": "Wavenumber / cm\u207b\u00b9,Abs\n" + table(X, Y),
    "wavenumbers, reciprocal": '"1/cm","Absorbance"\n' + table(X, Y),
    "per cent transmittance": f"{JCAMP}##YUNITS=% TRANSMITTANCE\n" + table(X, PERCENT),
    "transmittance as a fraction": "##YUNITS=TRANSMITTANCE\n" + table(X, PERCENT / 100),
    "a heading of two units": "Created as a new data set\ncm-1,%T\n" + table(X[::-1], PERCENT[::-1]),
    "keys and tabs": "TITLE\tCc\nXUNITS\t1/CM\nYUNITS\t%T\nXYDATA\n" + table(X, PERCENT, "\t"),
    "nanometres and transmittance": "Wavelength (nm);T (%)\n" + table(1e7 / X, PERCENT),
    "both factors": "##XFACTOR=2\n##YFACTOR=1e-5\n##XYDATA=(X++(Y..Y))\n" + table(X / 2, Y * 1e5, " "),
    "many ordinates a line": f"##FIRSTX=400\n##LASTX=4000\n##NPOINTS={len(X)}\n##XFACTOR=2\n##YFACTOR=1e-7\n"
    "##XYDATA=(X++(Y..Y))\n" + IN_ROWS,
    "pairs parted by semicolons": "##XYPOINTS=(XY..XY)\n" + table(X, Y).replace("\n", "; ", 100),
    "all intensities huge": table(X, Y * 1e306),
}


@pytest.mark.parametrize("what", SAME_AS_WAVENUMBERS)
def test_a_statement_is_heeded(what: str) -> None:
    np.testing.assert_allclose(sample(SAME_AS_WAVENUMBERS[what]), INFRARED, atol=1e-3)


@pytest.mark.parametrize(
    "laser",
    [
        "##LASER=785 nm\n",
        "##.EXCITATION WAVELENGTH= 785.0\n",
        "laser_wavelength;785\n",
        "##RAMAN WAVELENGTH=785\n",
    ],
)
def test_a_raman_spectrum_over_wavelengths_needs_its_laser(laser: str) -> None:
    text = "##XUNITS=nm\n" + table(1e7 / (1e7 / 785 - SHIFT), COUNTS)
    np.testing.assert_allclose(sample(laser + text, "raman/Cc/0.txt"), RAMAN, atol=1e-3)
    error = refused(f"##LASER POWER=200 mW\n{text}", "raman/Cc/0.txt")
    assert "does not state its laser" in error.cause
    assert "##LASER=785 nm" in error.remedy


def test_the_laser_of_an_instruments_text_and_of_the_sites_name() -> None:
    text = table(1e7 / (1e7 / 785 - SHIFT), COUNTS, "\t")
    np.testing.assert_allclose(sample(LABSPEC.format("nm") + text, "raman/Cc/0.txt"), RAMAN, atol=1e-3)
    named = "raman/Cc__R1__Raman__785__0__unoriented__Raman_Data_Processed__1.txt"
    np.testing.assert_allclose(sample("##XUNITS=NM\n" + text, named), RAMAN, atol=1e-3)
    shifted = LABSPEC.format("1/cm") + table(SHIFT, COUNTS, "\t")
    np.testing.assert_allclose(sample(shifted, "raman/Cc/0.txt"), RAMAN, atol=1e-6)


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1"])
def test_codings(coding: str) -> None:
    text = "Wellenl\u00e4nge (\u00b5m),Absorbance\n" + table(1e4 / X, Y)
    np.testing.assert_allclose(sample(text.encode(coding)), INFRARED, atol=1e-3)


@given(
    unit=st.sampled_from(["NANOMETERS", "MICROMETERS", "1/CM", "eV"]),
    percent=st.booleans(),
    reverse=st.booleans(),
    k=st.integers(-3, 3),
    gain=st.floats(0.1, 1.0),
)
def test_a_converted_file_gives_the_sample_of_its_wavenumbers(
    unit: str, percent: bool, reverse: bool, k: int, gain: float
) -> None:
    y = gain * bands(X, k)
    x = {"NANOMETERS": 1e7 / X, "MICROMETERS": 1e4 / X, "1/CM": X, "eV": X / 8065.544}[unit]
    order = slice(None, None, -1 if reverse else 1)
    said = f"##XUNITS={unit}\n##YUNITS={'%T' if percent else 'ABSORBANCE'}\n"
    text = said + table(x[order], (100 * 10**-y if percent else y)[order])
    np.testing.assert_allclose(sample(text), sample(table(X, y)), atol=1e-3)


# ---- what is refused, with the remedy

PEAKS = np.sort(np.random.default_rng(0).uniform(400, 4000, 40))
REFUSED = {
    "seconds": ("Time (s),Absorbance\n" + table(X, Y), "cannot be brought to cm", "wavenumbers"),
    "milliseconds": ("##XUNITS=MILLISECONDS\n" + table(X, Y), "cannot be brought to cm", "wavenumbers"),
    "two theta in Greek": ("##XUNITS=2\u03b8\n" + table(X, Y), "cannot be brought to cm", "wavenumbers"),
    "two theta": ("##XUNITS=2Theta\n" + table(X, Y), "cannot be brought to cm", "wavenumbers"),
    "arbitrary unit": ("##XUNITS=ARBITRARY UNITS\n" + table(X, Y), "cannot be brought to cm", "wavenumbers"),
    "a wavelength of no unit": ("Wavelength,Absorbance\n" + table(X, Y), "cannot be brought", "wavenumbers"),
    "two units": ("##XUNITS=1/CM\nWavelength (nm),A\n" + table(X, Y), "two units", "correct"),
    "reflectance": ("##YUNITS=REFLECTANCE\n" + table(X, Y), "are reflectance", "absorbance"),
    "a derivative": ("cm-1,Second derivative\n" + table(X, Y), "another quantity", "absorbance"),
    "single beam": ("##YUNITS=SINGLE BEAM\n" + table(X, Y), "another quantity", "absorbance"),
    "Raman in its header": ("##DATA TYPE=RAMAN SPECTRUM\n" + table(X, Y), "is misfiled", "move it"),
    "Raman in its heading": ("Raman shift (cm-1),Counts\n" + table(X, Y), "is misfiled", "move it"),
    "zero on an axis in nanometres": ("##XUNITS=nm\n" + table(X - 400, Y), "0 or less", "header"),
    "a factor with a comma": ("##XFACTOR=0,5\n" + table(X, Y), "XFACTOR that is not a number", "correct"),
    "a factor of zero": ("##YFACTOR=0\n" + table(X, Y), "YFACTOR of 0", "correct"),
    "cut off": (f"##NPOINTS={len(X)}\n" + table(X[:200], Y[:200]), "other points", "fetch"),
    "a list of peaks by its header": ("##PEAK TABLE=(XY..XY)\n" + table(X, Y), "list of peaks", "whole"),
    "packed": ("##FIRSTX=1\n##LASTX=2\n##XYDATA=(X++(Y..Y))\n4000A2345%J\n", "packed", "two columns"),
    "decimal commas": ("400,0;0,1\n410,0;0,2\n", "not two columns", "decimal points"),
    "decimal commas after a heading": ("cm-1;A\n400,0;0,1\n410,0;0,2\n", "not two columns", "decimal points"),
    "columns scaled already": ("##XFACTOR=2\n##FIRSTX=400\n##LASTX=4000\n" + table(X, Y), "other points", "factors"),
    "fill values beside an outlier": (
        table(X, np.where(X == 600, 1e7, np.where(X > 3800, 9999, Y))), "fill values", "remove"),
    "a Raman spectrum after an infrared one": (table(X, Y) + table(SHIFT, COUNTS), "two or more spectra", "its own"),
    "two points": ("400,1\n4000,2\n", "fewer than 20", "whole spectrum"),
    "a list of peaks": (table(PEAKS, 1 + PEAKS % 3), "unevenly spaced", "whole spectrum"),
    "point numbers": (table(np.arange(len(X)), Y), "numbers its points", "##XUNITS=1/CM"),
    "point numbers from 1, downward": (table(np.arange(len(X), 0, -1), Y), "numbers its points", "1/CM"),
    "exchanged columns": (table(Y, X), "columns exchanged", "axis first"),
    "two spectra": (table(X, Y) * 2, "two or more spectra", "file of its own"),
    "nanometres not stated": (table(1e7 / X, Y), "reaches beyond 15,000", "##XUNITS"),
    "micrometres not stated": (table(1e4 / X, Y), "no signal", "##XUNITS"),
    "wavelengths of a Raman spectrum": (table(1e7 / (1e7 / 785 - SHIFT), COUNTS), "covers less than", "##XUNITS"),
    "transmittance not stated": (table(X, PERCENT), "looks like transmittance", "##YUNITS=%TRANSMITTANCE"),
    "a fraction not stated": (table(X, PERCENT / 100), "looks like transmittance", "##YUNITS=%TRANSMITTANCE"),
    "a run of NaN": (table(X, np.where(X > 3900, np.nan, Y)), "NaN or infinity", "remove"),
    "fill of 1e30": (table(X, np.where(X > 3900, 1.0e31, Y)), "fill values", "remove"),
    "one 1e308": (table(X, np.where(X == 2000, 1e308, Y)), "fill values", "remove"),
    "fill of -9999": (table(X, np.where(X > 3800, -9999, Y)), "fill values", "remove"),
    "fill of -999 beside thousands of counts": (
        table(X, np.where(X > 3800, -999, 9e4 * Y)), "fill values", "remove"),
    "saturated": (table(X, np.minimum(Y, 0.4)), "cut off at its maximum", "less light"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_told_is_refused(what: str) -> None:
    text, cause, remedy = REFUSED[what]
    error = refused(text)
    assert cause in error.cause
    assert remedy in error.remedy


def test_what_states_its_axis_and_scale_is_taken_at_its_word() -> None:
    x = np.arange(0.0, 2000.0)
    assert sample("cm-1,Absorbance\n" + table(x, bands(x))).any()
    plateau = "##YUNITS=ABSORBANCE\n" + table(X, PERCENT / 100)
    assert sample(plateau).any()
    assert sample(table(X, PERCENT), "raman/Cc/0.txt").any()  # transmittance is of the infrared alone


@pytest.mark.parametrize(
    "title", ["Quartz R040031", "Sentimetite, Dolomite", "Spectrum 12", "x,y", "# Wave\t#Intensity"]
)
def test_a_title_is_no_statement(title: str) -> None:
    np.testing.assert_array_equal(sample(f"{title}\n{table(X, Y)}"), INFRARED)


def test_a_kind_that_nobody_states() -> None:
    text = "##XUNITS=nm\n" + table(1e7 / X, Y)
    assert "not said to be Raman or infrared" in refused(text, "somewhere/Cc/0.txt").cause
    np.testing.assert_allclose(sample(text, "somewhere/ftir_0.txt"), INFRARED, atol=1e-3)
    np.testing.assert_allclose(sample("##DATA TYPE=INFRARED SPECTRUM\n" + text, "0.txt"), INFRARED, atol=1e-3)
    assert "is misfiled" in refused(table(X, Y), "raman/Cc/0__R1__Infrared.txt").cause
    assert sample(table(X, Y), "infrared/Ir.txt").any()  # iridium


# ---- outliers


@pytest.mark.parametrize("height", [5.0, 80.0, 1e9])
def test_a_lone_outlier_does_not_set_the_scale(height: float) -> None:
    for x, y, truth, name in (
        (X, Y, INFRARED, "infrared/Cc/0.txt"),
        (SHIFT, Y[: len(SHIFT)], None, "raman/Cc/0.txt"),
    ):
        y = bands(x)
        spiked = np.where(np.arange(len(x)) == 150, height, y)
        found, repaired = sample_of(table(x, spiked).encode(), name)
        assert repaired == ("outliers",)
        np.testing.assert_allclose(found, sample(table(x, y), name) if truth is None else truth, atol=0.1)


def test_a_cosmic_ray_two_points_wide_and_one_line_alone() -> None:
    x = np.arange(150.0, 1300.0, 0.5)
    noise = np.random.default_rng(0).normal(0, 1, len(x))
    lines = noise + 100 * np.exp(-(((x - 464) / 4) ** 2)) + 60 * np.exp(-(((x - 206) / 4) ** 2))
    cosmic = lines + np.where((x == 900) | (x == 900.5), 900, 0)
    found = checked(parse_spectrum(table(x, cosmic).encode(), "raman/a.txt"), "raman/a.txt")
    assert found.repaired == ("outliers",)
    assert abs(found.x[found.y.argmax()] - 464) < 3
    coarse = np.arange(150.0, 1500.0, 4.0)  # diamond's one line, as narrow as a step
    diamond = np.random.default_rng(0).normal(0, 1, len(coarse)) + 500 * np.exp(-(((coarse - 1332) / 2) ** 2))
    found = checked(parse_spectrum(table(coarse, diamond).encode(), "raman/a.txt"), "raman/a.txt")
    assert found.repaired == ()


@given(
    height=st.one_of(st.floats(2, 1e300), st.floats(-1e300, -1)),
    at=st.integers(0, len(X) - 1),
    gain=st.floats(1e-6, 1e6),
)
def test_one_bad_point_never_changes_a_sample_far_without_a_word(height: float, at: int, gain: float) -> None:
    y = np.where(np.arange(len(X)) == at, height, Y) * gain
    try:
        found, repaired = sample_of(table(X, y).encode(), "infrared/Cc/0.txt")
    except FileError:
        return
    assert np.isfinite(found).all()
    cosine = found @ INFRARED / np.linalg.norm(found) / np.linalg.norm(INFRARED)
    assert cosine > 0.9 or repaired


@given(st.lists(st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)), min_size=1, max_size=60))
def test_any_numbers_are_read_or_refused(rows: list[tuple[float, float]]) -> None:
    text = "".join(f"{a!r},{b!r}\n" for a, b in rows)
    for said in ("", "##XUNITS=nm\n##YUNITS=%T\n", "##XFACTOR=1e300\n##YFACTOR=1e300\n"):
        try:
            found = sample(said + text)
        except FileError:
            continue
        assert np.isfinite(found).all()


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert np.isfinite(sample(text)).all()
    except FileError as error:
        assert error.remedy


def test_no_intensity_becomes_nan() -> None:
    spectrum = parse_spectrum(table(X, Y).encode(), "a.txt")
    for scale in (1e308 / 1.2, 1e-308):
        huge = type(spectrum)(X, Y * scale, "", "", {}, ())
        np.testing.assert_allclose(prepare(huge), INFRARED, atol=1e-3)


# ---- files and folders


def write(
    root: Path, name: str, kind: str, number: int, k: int, specimen: str = "", header: str = ""
) -> Path:
    middle = "Raman__532__0__unoriented__Raman" if kind == "raman" else "Infrared__Infrared"
    path = root / kind / f"{name}__{specimen}__{middle}_Data_Processed__{number}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    x = SHIFT if kind == "raman" else X
    path.write_text(header + table(x, bands(x, k) + 1e-3 * number * np.cos(x / 50)), encoding="utf-8")
    return path


@pytest.fixture
def minerals(tmp_path: Path) -> Path:
    """Four minerals, one specimen each."""
    root = tmp_path / "minerals"
    for k, name in enumerate(("Aa", "Bb", "Cc", "Dd")):
        write(root, name, "raman", 2 * k, k, f"S{k}")
        write(root, name, "infrared", 2 * k + 1, k, f"S{k}")
    return root


def report_of(root: Path) -> CheckReport:
    report = check("rruff", root)
    assert list(report) == []
    load("rruff", root)
    return report


def test_a_pipe_a_folder_and_a_huge_file_are_named(minerals: Path) -> None:
    os.mkfifo(minerals / "raman/pipe.txt")
    with open(minerals / "raman/huge.txt", "wb") as file:
        file.truncate(LARGEST + 1)
    (minerals / "infrared/gone.txt").symlink_to(minerals / "nowhere.txt")
    problems = "\n".join(check("rruff", minerals))
    for words in (
        "pipe.txt: is a pipe",
        "huge.txt: is larger than 33,554,432 bytes",
        "gone.txt: no such file",
    ):
        assert words in problems
    with pytest.raises(DataError):
        load("rruff", minerals)


def test_a_laser_of_31_digits(minerals: Path) -> None:
    (path,) = (minerals / "raman").glob("Aa__*")
    path.rename(path.with_name(path.name.replace("532", "5" * 31)))
    (problem,) = check("rruff", minerals)
    assert "names a laser outside 100 to 2000 nm" in problem
    with pytest.raises(DataError, match="names a laser"):
        load("rruff", minerals)


def test_a_name_that_is_not_utf8(minerals: Path) -> None:
    (path,) = (minerals / "raman").glob("Aa__*")
    os.rename(path, os.fsencode(minerals / "raman") + b"/A\xe9__S0__Raman.txt")
    problem, *_ = check("rruff", minerals)
    assert "/raman/A\\xe9__S0__Raman.txt: its name is not UTF-8" in problem
    with pytest.raises(DataError, match="its name is not UTF-8"):
        load("rruff", minerals)


def test_what_systems_leave_behind_and_other_suffixes(minerals: Path) -> None:
    for folder in ("@eaDir", "__MACOSX", ".hidden"):
        (minerals / "raman" / folder).mkdir()
        (minerals / "raman" / folder / "x.txt").write_text("thumbnail")
    (minerals / "raman/a.dpt").write_text("1 2\n")
    assert report_of(minerals).notes == ["raman/a.dpt: not .txt and not read"]


def test_one_line_for_each_cause(minerals: Path) -> None:
    for path in (minerals / "infrared").iterdir():
        path.write_text("##XUNITS=SECONDS\n" + table(X, Y))
    problem, _ = check("rruff", minerals)  # and too few minerals are left
    assert re.search(r"Aa__S0.*\(4 in all, also .*Bb__S1.* and .*Cc__S2", problem)
    assert problem.count(".txt") == 3  # the first, and two names
    assert "Dd" not in problem
    with pytest.raises(DataError) as caught:
        load("rruff", minerals)
    assert problem == str(caught.value)


def test_changes_are_counted_and_noted(minerals: Path) -> None:
    (path,) = (minerals / "infrared").glob("Aa__*")
    path.write_text("##XUNITS=NANOMETERS\n##YUNITS=%T\n" + table(1e7 / X, PERCENT))
    report = report_of(minerals)
    for words in ("converted to cm^-1 from the unit that the header states", "converted to absorbance"):
        assert sum(count for name, count in report.counts.items() if words in name) == 1
        assert sum(words in note and path.name in note for note in report.notes) == 1


def test_transmittance_of_a_mineral_that_is_tested_and_of_one_that_is_not(minerals: Path) -> None:
    write(minerals, "Ee", "infrared", 20, 0, "S9").write_text(table(X, PERCENT + 0.01))
    assert any("looks like transmittance" in note and "Ee__" in note for note in report_of(minerals).notes)
    (path,) = (minerals / "infrared").glob("Aa__*")
    path.write_text(table(X, PERCENT))
    (problem,) = check("rruff", minerals)
    assert f"{path}: looks like transmittance" in problem
    with pytest.raises(DataError, match=r"Aa__.*looks like transmittance"):
        load("rruff", minerals)


# ---- minerals and specimens


@pytest.mark.parametrize(
    "ids", [("X-1", "X-2", "X-3"), ("1", "1", "1"), ("", "", ""), ("R1-1", "R1-2", "R1-3")]
)
def test_ids_of_ones_own_neither_merge_minerals_nor_lose_their_ends(
    tmp_path: Path, ids: tuple[str, ...]
) -> None:
    for k, name in enumerate(("Aa", "Bb", "Cc")):
        for number, specimen in enumerate(ids):
            for kind in ("raman", "infrared"):
                write(tmp_path, name, kind, 10 * k + number + 100 * (kind == "raman"), k, specimen)
    report = report_of(tmp_path)
    assert report.counts["minerals"] == 3
    assert report.counts["specimens with both"] == (0 if ids[0] == "" else 3 * len(set(ids)))
    assert report.notes == []


def test_a_raw_spectrum_counts_beside_a_processed_one_of_another_mineral(tmp_path: Path) -> None:
    for k, name in enumerate(("Aa", "Bb")):
        write(tmp_path, name, "raman", k, k, "1")
        path = write(tmp_path, name, "infrared", 10 + k, k, "1")
        if name == "Bb":
            path.rename(path.with_name(path.name.replace("Processed", "RAW")))
    assert report_of(tmp_path).counts["paired minerals"] == 2


def test_a_number_of_the_sites_form_that_two_minerals_share(minerals: Path) -> None:
    for number, name in enumerate(("Ee", "Ff")):
        write(minerals, name, "raman", 20 + number, number, "R040031")
        write(minerals, name, "infrared", 30 + number, number, "R040031-1")
    report = report_of(minerals)
    assert report.counts["minerals"] == 6
    assert report.notes == ["specimen R040031 is filed under Ee, Ff: each file counts under its own name"]


def test_names_that_look_alike_are_one_mineral(minerals: Path) -> None:
    for kind, name in (("raman", "Schr\u00f6ckingerite"), ("infrared", "schr\u00f6ckingerite ")):
        spelt = unicodedata.normalize("NFC" if kind == "raman" else "NFD", name)
        write(minerals, spelt, kind, 20 + (kind == "raman"), 5)
    report = report_of(minerals)
    assert report.counts["paired minerals"] == 5
    (note,) = report.notes
    assert note.startswith("counted as one mineral")
    assert "'schro\\u0308ckingerite'" in note


def test_a_file_without_a_mineral(minerals: Path) -> None:
    write(minerals, "", "raman", 30, 0, "S7")
    (problem,) = check("rruff", minerals)
    assert "names no mineral" in problem
