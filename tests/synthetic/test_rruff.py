"""The files of the RRUFF synthetic: bytes, names, oddities, refusals, and how hard the task is."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from sklearn.kernel_ridge import KernelRidge

from xmodal_lite import benchmarks
from xmodal_lite.synthetic import write

RAMAN_NAME = re.compile(
    r"\w+__R\d{6}__Raman__(514|532|780|785)__0__unoriented__Raman_Data_(RAW|Processed)__\d+\.txt"
)
INFRARED_NAME = re.compile(r"\w+__R\d{6}-1__Infrared__Infrared_Data_(RAW|Processed)__\d+\.txt")
GRIDS = np.arange(150.0, 1299.0, 2.0), np.arange(400.0, 3997.0, 4.0)
OVERLAP = np.arange(400.0, 1289.0, 2.0)


def read(path: Path) -> tuple[str, np.ndarray, np.ndarray]:
    """Name, ascending axis and intensities of one file; a reader of its own, not the package's."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    assert lines[0].startswith("##NAMES=") and lines[-1] == "##END="
    x, y = np.loadtxt([line for line in lines if not line.startswith("##")], delimiter=",").T
    order = np.argsort(x)
    return lines[0].removeprefix("##NAMES="), x[order], y[order]


def digest(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("rruff", tmp_path_factory.mktemp("spectra") / "synthetic", identities=24)


def test_same_parameters_same_bytes(small, tmp_path):
    assert digest(write("rruff", tmp_path / "again", identities=24)) == digest(small)
    other = digest(write("rruff", tmp_path / "other", identities=24, seed=1))
    assert not set(other.values()) & set(digest(small).values())


def test_names_and_headers_are_the_site_s(small):
    for folder, pattern in (("raman", RAMAN_NAME), ("infrared", INFRARED_NAME)):
        files = list((small / folder).iterdir())
        assert files and all(pattern.fullmatch(file.name) for file in files)
        for file in files:
            name, x, y = read(file)
            assert re.sub(r"\W", "", name) == file.name.split("__")[0]
            assert np.isfinite(y).all() and len(x) > 300
    numbers = [file.stem.split("__")[-1] for file in small.rglob("*.txt")]
    assert len(set(numbers)) == len(numbers)


def test_stamp_holds_every_parameter(small):
    note = json.loads((small / "synthetic.json").read_text())
    assert note["name"] == "rruff"
    assert note["parameters"] == {"identities": 24, "specimens": 2, "seed": 0, "gap": 0.9}


def test_the_oddities_of_the_real_set_are_there(small):
    infrared = list((small / "infrared").iterdir())
    ends = {file: np.loadtxt(file, delimiter=",", comments="#")[[0, -1], 0] for file in infrared}
    assert any(first > last for first, last in ends.values())  # descending
    assert any(last < 701 for _, last in ends.values())  # far-infrared
    assert any(re.search(r"\de[+-]\d{3},", file.read_text()) for file in infrared)  # e+002
    assert any(len(np.unique(x)) < len(x) for _, x, _ in map(read, infrared))  # repeated abscissae
    grating = next((small / "raman").glob("*__514__*"))
    steps = np.diff(read(grating)[1])
    assert steps.max() > 1.05 * steps.min()  # irregular
    assert b"\r\n" in grating.read_bytes()
    for folder in ("raman", "infrared"):
        assert any("RAW" in file.name for file in (small / folder).iterdir())
    names = [{read(file)[0] for file in (small / folder).iterdir()} for folder in ("raman", "infrared")]
    assert len(names[0] & names[1]) == 24
    assert names[0] - names[1] and names[1] - names[0]  # measured one way only


def test_processed_raman_is_not_negative_and_raw_keeps_its_fluorescence(small):
    floor = {True: [], False: []}
    for file in (small / "raman").iterdir():
        _, _, y = read(file)
        floor["RAW" in file.name].append(np.median(y) / y.max())
        assert "RAW" in file.name or (y.min() == 0 and y[0] == y[-1] == 0)
    assert np.median(floor[True]) > np.median(floor[False])


def test_another_number_of_minerals_keeps_the_first_ones(small, tmp_path):
    fewer = write("rruff", tmp_path / "fewer", identities=3)
    pattern = "raman/*R900000__Raman*"
    first = {file.name: file.read_bytes() for file in small.glob(pattern)}
    assert first and first == {file.name: file.read_bytes() for file in fewer.glob(pattern)}


def test_a_folder_with_other_files_is_refused(small, tmp_path):
    (tmp_path / "precious.txt").write_text("measured in 1912")
    with pytest.raises(ValueError, match=r"already holds other files"):
        write("rruff", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]
    before = digest(small)
    with pytest.raises(ValueError, match=r"already holds other files"):
        write("rruff", small, identities=25)
    assert write("rruff", small, identities=24, gap=0.9) == small  # whole and the same: nothing to do
    assert digest(small) == before


def test_two_minerals_in_five_have_several_specimens(tmp_path):
    def specimens(**parameters: int) -> dict[str, int]:
        found: dict[str, set[str]] = {}
        root = write("rruff", tmp_path / str(parameters), identities=10, **parameters)
        for file in (root / "infrared").iterdir():
            mineral, rruff_id, *_ = file.name.split("__")
            found.setdefault(mineral, set()).add(rruff_id)
        return {mineral[-3:]: len(ids) for mineral, ids in found.items() if int(mineral[-3:]) < 10}

    counts = specimens(specimens=3)
    assert [counts[f"{number:03d}"] for number in range(10)] == [3, 3, 1, 1, 1] * 2
    assert set(specimens(specimens=1).values()) == {1}


def test_a_failure_leaves_nothing_that_looks_like_data(tmp_path, monkeypatch):
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="No space left"):
        write("rruff", tmp_path / "full")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("ruff", {}, "known: .*rruff"),
        ("rruff", {"minerals": 3}, "no parameter minerals; known: identities, specimens, seed, gap"),
        ("rruff", {"gap": 1.01}, "gap=1.01"),
        ("rruff", {"gap": -0.1}, "gap=-0.1"),
        ("rruff", {"gap": float("nan")}, "gap=nan"),
        ("rruff", {"identities": 1}, "identities=1"),
        ("rruff", {"specimens": 0}, "specimens=0"),
        ("rruff", {"seed": -1}, "seed=-1"),
    ],
)
def test_unknown_and_impossible_parameters(tmp_path, name, parameters, message):
    with pytest.raises(ValueError, match=message):
        write(name, tmp_path / "root", **parameters)
    assert not list(tmp_path.iterdir())


# ---- how hard the task is ----


def features(x: np.ndarray, y: np.ndarray, grid: np.ndarray, smooth: float) -> np.ndarray:
    """Baseline off, square root, smoothed on a grid, unit length."""
    y = np.clip(y - np.percentile(y, 2), 0, None)
    y = gaussian_filter1d(np.interp(grid, x, np.sqrt(y / y.max()), left=0, right=0), smooth)
    return y / np.linalg.norm(y)


def collect(root: Path) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Per folder: mineral, specimen, features on the own grid and on the overlap, of usable files."""
    found = {}
    for folder, grid, smooth in (("raman", GRIDS[0], 3.0), ("infrared", GRIDS[1], 2.0)):
        rows = []
        for file in sorted((root / folder).glob("*Processed*")):
            name, x, y = read(file)
            if folder == "raman" or x[-1] > 2000:
                specimen = int(file.name.split("__R")[1][4:6])
                rows.append(
                    (int(name[-3:]), specimen, features(x, y, grid, smooth), features(x, y, OVERLAP, 3.0))
                )
        found[folder] = tuple(np.array(column) for column in zip(*rows, strict=True))
    return found


def rank1(similarity: np.ndarray, query: np.ndarray, gallery: np.ndarray) -> float:
    """Share of queries whose nearest gallery spectrum is of their mineral."""
    return float((gallery[similarity.argmax(1)] == query).mean())


def cosine_rank1(root: Path) -> float:
    found = collect(root)
    (query, _, _, q), (gallery, _, _, g) = found["raman"], found["infrared"]
    return rank1((q @ g.T)[np.isin(query, gallery)], query[np.isin(query, gallery)], gallery)


def test_the_gap_parameter_opens_a_gap(tmp_path):
    def score(seed: int, gap: float) -> float:
        return cosine_rank1(write("rruff", tmp_path / f"{seed}-{gap}", identities=24, seed=seed, gap=gap))

    scores = np.mean([[score(seed, gap) for gap in (0.0, 0.4, 0.8)] for seed in (0, 1)], axis=0)
    assert scores[0] > 0.45  # chance is about 1 / 24
    assert scores[0] > scores[1] + 0.1 > scores[2] + 0.2


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("rruff", tmp_path_factory.mktemp("spectra") / "default")


def test_two_specimens_of_a_mineral_are_easy_to_match_within_raman(default):
    mineral, specimen, spectra, _ = collect(default)["raman"]
    gallery = specimen == 1
    query = (specimen == 0) & np.isin(mineral, mineral[gallery])
    score = rank1(spectra[query] @ spectra[gallery].T, mineral[query], mineral[gallery])
    assert score > 0.8


def test_a_regression_transfers_to_unseen_minerals_but_not_all_the_way(default):
    found = collect(default)
    raman, infrared = found["raman"], found["infrared"]
    both = np.intersect1d(raman[0], infrared[0])
    train = np.random.default_rng(0).permutation(both)[: round(0.6 * len(both))]
    same = (raman[0][:, None] == infrared[0]) & (raman[1][:, None] == infrared[1])
    v, r = np.nonzero(same & np.isin(raman[0], train)[:, None])  # pairs of one specimen
    model = KernelRidge(alpha=0.3, kernel="rbf", gamma=2.0).fit(raman[2][v], infrared[2][r])
    query, gallery = (
        np.isin(found[f][0], both) & ~np.isin(found[f][0], train) for f in ("raman", "infrared")
    )
    predicted = model.predict(raman[2][query])
    predicted /= np.linalg.norm(predicted, axis=1, keepdims=True)
    score = rank1(predicted @ infrared[2][gallery].T, raman[0][query], infrared[0][gallery])
    assert 3 / (len(both) - len(train)) < score < 0.85


def test_the_benchmark_reads_it_as_it_reads_the_real_files(default):
    problems = benchmarks.check("rruff", default)
    assert not problems
    loaded = benchmarks.load("rruff", default)
    assert loaded.source == "synthetic"
    assert loaded.table.counts()["paired identities"] == 60
    for protocol in ("A", "B"):
        split = loaded.split(protocol, 0)
        assert len(split.train) and len(split.test) and len(split.unpaired)
