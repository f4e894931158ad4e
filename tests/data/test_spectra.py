from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmodal_lite.data.kinds import SpectrumKind
from xmodal_lite.data.spectra import (
    Preparation,
    Spectrum,
    parse_spectrum,
    prepare,
    read_spectrum,
)
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
    assert found.repaired == ()


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
    assert found.repaired == expected


def test_repeated_abscissae_are_averaged() -> None:
    found = parse_spectrum(b"5,1\n5,2\n4,7\n3,8\n3,9\n3,10\n", "a.txt")
    assert found.x.tolist() == [3, 4, 5]
    assert found.y.tolist() == [9, 7, 1.5]
    assert found.repaired == ("descending", "repeated")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "no numbers"),
        ("##END=\n", "no numbers"),
        ("1\n2\n", "1 column"),
        ("1,2,3\n4,5,6\n", "3 column"),
        ("1,2\n3\n", "not two columns"),
        ("1,2\n3,4,5\n", "not two columns"),
        ("1,2\n3,four\n", "not two columns.*'four'"),
        ("100;1\n101;2\n", "not two columns.*'100;1'.*separated by a comma or blanks"),
        ("100,5;0,1\n101,5;0,2\n", "not two columns.*'5;0'.*with decimal points"),
        ("100,5,0,1\n101,5,0,2\n", "4 column.*with decimal points"),
        ("wavenumber,intensity\n", "no numbers"),
        ("1,2\n3,nan\n5,6\n", "NaN.*first is point 2"),
        ("1,2\n3,4\n-inf,6\n", "NaN or infinity.*first is point 3"),
        ("1,2\n", "single point"),
    ],
)
def test_bad_files_are_named_with_a_remedy(tmp_path: Path, body: str, reason: str) -> None:
    path = tmp_path / "Bad__R1__Raman.txt"
    path.write_text(HEADER + body, encoding="utf-8")
    with pytest.raises(DataError, match=rf"(?s)Bad__R1__Raman\.txt.*{reason}.*(remove|correct)"):
        read_spectrum(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.txt: no such file"):
        read_spectrum(tmp_path / "absent.txt")


def test_real_files(shared_data: Path) -> None:
    sample = shared_data / "rruff-sample"
    afmite = read_spectrum(sample / "infrared/Afmite__R130082__Infrared__Infrared_Data_RAW__1297.txt")
    assert "repeated" in afmite.repaired
    quartz = read_spectrum(next((sample / "raman").glob("Quartz__R040031__Raman__514*.txt")))
    assert abs(quartz.x[np.argmax(quartz.y)] - 464) < 3  # quartz's strongest Raman line
    for path in sorted(sample.rglob("*.txt")):
        found = read_spectrum(path)
        assert (np.diff(found.x) > 0).all()
        assert found.rruff_id == path.name.split("__")[1].removesuffix("-1")


# ---- preparation


def test_axis() -> None:
    axis = Preparation().axis()
    assert len(axis) == 512
    assert axis[[0, 1, 355, 356, 357, -1]].tolist() == [100, 104, 1520, 1524, 1540, 4004]
    assert (np.diff(axis) > 0).all()


def test_zero_outside_the_measured_range_alone() -> None:
    row = prepare(spectrum([200, 399.5, 400, 1200], [1, 1, 2, 2]))
    axis = Preparation().axis()
    assert row.dtype == np.float32
    assert (row[(axis < 200) | (axis > 1200)] == 0).all()
    np.testing.assert_allclose(row[(axis > 440) & (axis < 1160)], 1, rtol=1e-5)
    assert (row[(axis > 390) & (axis <= 1200)] > 0.1).all()


@pytest.mark.parametrize(("first", "last"), [(10, 90), (4100, 5000), (150.2, 150.8)])
def test_nothing_measured_on_the_axis_gives_zeros(first: float, last: float) -> None:
    assert not prepare(spectrum([first, last], [1, 2])).any()


@pytest.mark.parametrize("y", [np.zeros(50), np.full(50, 7.0)])
def test_flat_spectrum_gives_zeros(y: np.ndarray) -> None:
    assert not prepare(spectrum(np.linspace(200, 900, 50), y)).any()


@given(gain=st.floats(1e-3, 1e6), offset=st.floats(-1e3, 1e3))
def test_scale_and_offset_do_not_matter(gain: float, offset: float) -> None:
    x = np.linspace(150, 1250, 700)
    y = np.exp(-(((x - 464) / 5) ** 2)) + 0.3 * np.exp(-(((x - 800) / 9) ** 2))
    np.testing.assert_allclose(prepare(spectrum(x, offset + gain * y)), prepare(spectrum(x, y)), atol=1e-3)


@pytest.mark.parametrize("region", [500, 3000])
def test_a_narrow_line_survives_wherever_it_falls_on_the_axis(region: float) -> None:
    x = np.arange(100.0, 4000.0, 0.5)
    lines = [np.exp(-0.5 * ((x - region - shift) / 1.5) ** 2) for shift in np.arange(0, 16, 0.5)]
    peaks = [prepare(spectrum(x, line)).max() for line in lines]
    assert min(peaks) > 0.15
    assert max(peaks) / min(peaks) < (
        1.1 if region == 500 else 1.7
    )  # 16 cm^-1 apart: at worst half a step away


def test_the_stated_baseline_root_and_smoothing() -> None:
    """A bump whose square root is a Gaussian: the sample is that Gaussian, widened by the smoothing."""
    x = np.arange(100.0, 4005.0)
    for centre in (900, 2500):
        row = prepare(spectrum(x, 5 + 3 * np.exp(-(((x - centre) / 20.0) ** 2))))
        width = np.hypot(20.0, 8.0)
        expected = 20.0 / width * np.exp(-0.5 * ((Preparation().axis() - centre) / width) ** 2)
        np.testing.assert_allclose(row, expected, atol=2e-3)


def test_against_the_steps_written_out_in_full() -> None:
    """The same recipe as plain loops, on an irregular axis."""
    random = np.random.default_rng(0)
    x = np.sort(random.uniform(150, 1300, 300))
    y = random.random(300)
    fine = np.arange(100, 4005)
    inside = [x[0] <= at <= x[-1] for at in fine]
    dense = [np.interp(at, x, y) if ok else 0.0 for at, ok in zip(fine, inside, strict=True)]
    base = np.percentile([value for value, ok in zip(dense, inside, strict=True) if ok], 2)
    dense = [max(value - base, 0.0) if ok else 0.0 for value, ok in zip(dense, inside, strict=True)]
    dense = [(value / max(dense)) ** 0.5 for value in dense]
    weights = [np.exp(-0.5 * (k / 8) ** 2) for k in range(-32, 33)]
    row = []
    for at in Preparation().axis():
        i = int(at) - 100
        near = [dense[i + k] if 0 <= i + k < len(fine) else 0.0 for k in range(-32, 33)]
        row.append(np.dot(weights, near) / sum(weights) if inside[i] else 0.0)
    np.testing.assert_allclose(prepare(spectrum(x, y)), row, atol=1e-6)


def test_a_file_becomes_a_sample_or_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    x = np.arange(30)
    path.write_text("".join(f"{200 + 20 * i},{i % 7}\n" for i in x))
    np.testing.assert_array_equal(SpectrumKind().read(path)[0], prepare(read_spectrum(path)))
    micrometres, flat = [f"{2.5 + 0.5 * i},{i % 7}\n" for i in x], [f"{200 + 20 * i},1\n" for i in x]
    for lines in (micrometres, flat):
        path.write_text("".join(lines))
        with pytest.raises(DataError, match=r"a\.csv: no signal between 100 and 4,004 cm\^-1; is the axis"):
            SpectrumKind().read(path)[0]
