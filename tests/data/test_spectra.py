from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmodal_lite.data.spectra import Preparation, Spectrum, parse_spectrum, prepare, read_spectrum
from xmodal_lite.errors import DataError

HEADER = "##NAMES=Chukhrovite-(Ca)\n##RRUFFID=R130040-1\n##IDEAL CHEMISTRY=a=b Σ\n"


def file_text(x: np.ndarray, y: np.ndarray, number: str = "{!r}", end: str = "\n") -> bytes:
    rows = [f"{number.format(float(a))}, {number.format(float(b))}" for a, b in zip(x, y, strict=True)]
    return end.join([*HEADER.splitlines(), *rows, "##END=", "", ""]).encode()


def spectrum(x: np.ndarray, y: np.ndarray) -> Spectrum:
    return Spectrum(np.asarray(x, float), np.asarray(y, float), "Quartz", "R040031", {}, ())


# ---- parsing


def test_header_and_columns() -> None:
    found = parse_spectrum(file_text(np.array([1.0, 2.5]), np.array([3.0, -4.0])), "some.txt")
    assert (found.names, found.rruff_id) == ("Chukhrovite-(Ca)", "R130040")
    assert found.header["IDEAL CHEMISTRY"] == "a=b Σ"
    assert found.x.tolist() == [1.0, 2.5]
    assert found.y.tolist() == [3.0, -4.0]
    assert found.mended == ()


def test_file_name_stands_in_for_a_missing_header() -> None:
    found = parse_spectrum(b"1,2\n3,4\n", "raman/Quartz__R040031-1__Raman__532.txt")
    assert (found.names, found.rruff_id) == ("Quartz", "R040031")


def test_latin1_header_and_byte_order_mark() -> None:
    assert parse_spectrum("##NAMES=Süd\n1,2\n3,4\n".encode("latin-1"), "a.txt").names == "Süd"
    assert parse_spectrum("##NAMES=Süd\n1,2\n3,4\n".encode("utf-8-sig"), "a.txt").names == "Süd"


def test_what_follows_the_end_line_is_not_read() -> None:
    assert len(parse_spectrum(b"1,2\n3,4\n##END=\n\n5,6\n", "a.txt").x) == 2


def test_columns_may_be_parted_by_blanks() -> None:
    assert parse_spectrum(b"##NAMES=a\n1 2\n3\t4\n", "a.txt").y.tolist() == [2.0, 4.0]


axes = st.lists(
    st.floats(-1e5, 1e5, allow_nan=False).map(lambda value: round(value, 4)),
    min_size=2,
    max_size=30,
    unique=True,
)


@given(
    axes=axes,
    end=st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1, max_size=5),
    digits=st.integers(0, 2),
)
def test_any_line_ends_and_exponents(axes: list[float], end: list[str], digits: int) -> None:
    x, y = np.sort(axes), np.arange(len(axes), dtype=float)
    number = ["{!r}", "{:.9e}", "{:.9E}"][digits]
    lines = file_text(x, y, number).decode().splitlines()
    content = "".join(line + end[i % len(end)] for i, line in enumerate(lines)).encode()
    found = parse_spectrum(content, "a.txt")
    np.testing.assert_allclose(found.x, x, rtol=1e-9)
    np.testing.assert_allclose(found.y, y, rtol=1e-9)


def test_three_digit_exponents() -> None:
    assert parse_spectrum(b"3.991926e+002, 3.742658e-001\n4.0e+002, 1E+03\n", "a.txt").x[0] == 399.1926


@given(axes=axes, order=st.randoms(use_true_random=False))
def test_any_order_of_lines_gives_the_same_spectrum(axes: list[float], order: object) -> None:
    x, y = np.sort(axes), np.arange(len(axes), dtype=float)
    rows = np.array(order.sample(range(len(x)), len(x)))  # type: ignore[attr-defined]
    found = parse_spectrum(file_text(x[rows], y[rows]), "a.txt")
    assert found.x.tolist() == x.tolist()
    assert found.y.tolist() == y.tolist()
    descending = (np.diff(rows) < 0).all()
    expected = () if (np.diff(rows) > 0).all() else ("descending",) if descending else ("unordered",)
    assert found.mended == expected


def test_repeated_abscissae_are_averaged() -> None:
    found = parse_spectrum(b"5,1\n5,2\n4,7\n3,8\n3,9\n3,10\n", "a.txt")
    assert found.x.tolist() == [3, 4, 5]
    assert found.y.tolist() == [9, 7, 1.5]
    assert found.mended == ("descending", "repeated")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "no numbers"),
        ("##END=\n", "no numbers"),
        ("1\n2\n", "1 column"),
        ("1,2,3\n4,5,6\n", "3 column"),
        ("1,2\n3\n", "not two columns"),
        ("1,2\n3,4,5\n", "not two columns"),
        ("1,2\n3,four\n", "not two columns"),
        ("1,2\n3,nan\n5,6\n", "NaN.*first is point 2"),
        ("1,2\n3,4\n-inf,6\n", "NaN or infinity.*first is point 3"),
        ("1,2\n", "single point"),
    ],
)
def test_bad_files_are_named_with_a_remedy(tmp_path: Path, body: str, reason: str) -> None:
    path = tmp_path / "Bad__R1__Raman.txt"
    path.write_text(HEADER + body, encoding="utf-8")
    with pytest.raises(DataError, match=rf"(?s)Bad__R1__Raman\.txt.*{reason}.*(remove|mend)"):
        read_spectrum(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.txt.*cannot be read"):
        read_spectrum(tmp_path / "absent.txt")


def test_real_files(shared_data: Path) -> None:
    sample = shared_data / "rruff-sample"
    afmite = read_spectrum(sample / "infrared/Afmite__R130082__Infrared__Infrared_Data_RAW__1297.txt")
    assert "repeated" in afmite.mended
    quartz = read_spectrum(next((sample / "raman").glob("Quartz__R040031__Raman__514*.txt")))
    assert abs(quartz.x[np.argmax(quartz.y)] - 464) < 3  # quartz's strongest Raman line
    for path in sorted(sample.rglob("*.txt")):
        found = read_spectrum(path)
        assert (np.diff(found.x) > 0).all()
        assert found.rruff_id == path.name.split("__")[1].removesuffix("-1")


# ---- preparation


def test_axis() -> None:
    axis = Preparation().axis()
    assert (axis[0], axis[1], axis[-1], len(axis)) == (100.0, 104.0, 4000.0, 976)


def test_zero_outside_the_measured_range_and_not_drawn_to_zero_inside() -> None:
    x = np.arange(200.0, 1200.5, 0.5)
    row = prepare(spectrum(x, 1 + (x > 300)), 0)
    axis = Preparation().axis()
    inside = (axis >= 200) & (axis <= 1200)
    assert row.dtype == np.float32
    assert (row[~inside] == 0).all()
    np.testing.assert_allclose(row[axis == 1200], 1, rtol=1e-5)
    np.testing.assert_allclose(row[(axis > 350) & inside], 1, rtol=1e-5)


@given(gain=st.floats(1e-3, 1e6), offset=st.floats(-1e3, 1e3))
def test_scale_and_offset_do_not_matter(gain: float, offset: float) -> None:
    x = np.linspace(150, 1250, 700)
    y = np.exp(-(((x - 464) / 5) ** 2)) + 0.3 * np.exp(-(((x - 800) / 9) ** 2))
    changed = prepare(spectrum(x, offset + gain * y), 0)
    np.testing.assert_allclose(changed, prepare(spectrum(x, y), 0), atol=1e-3)


def test_a_narrow_line_survives_wherever_it_falls_on_the_grid() -> None:
    x = np.arange(100.0, 1000.0, 0.5)
    lines = [np.exp(-0.5 * (x - at) ** 2) for at in np.arange(500, 504, 0.5)]
    peaks = [prepare(spectrum(x, line), 0).max() for line in lines]
    assert min(peaks) > 0.15
    assert max(peaks) / min(peaks) < 1.15


def test_smoothing_is_the_gaussian_that_is_stated() -> None:
    x = np.arange(100.0, 4001.0)
    bump = np.exp(-0.5 * ((x - 2000) / 20.0) ** 2)
    for modality, sigma in ((0, 6.0), (1, 8.0)):
        row = prepare(spectrum(x, bump**2), modality)  # the square root gives the bump back
        width = np.hypot(20.0, sigma)
        expected = 20.0 / width * np.exp(-0.5 * ((Preparation().axis() - 2000) / width) ** 2)
        np.testing.assert_allclose(row, expected, atol=2e-3)


@pytest.mark.parametrize("y", [np.zeros(50), np.full(50, 7.0)])
def test_flat_spectrum_gives_zeros(y: np.ndarray) -> None:
    assert not prepare(spectrum(np.linspace(200, 900, 50), y), 1).any()
