"""The benchmark on small copies written here, with every trap of the site's files; then on real copies."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from xmodal_lite.benchmarks import Benchmark, check, load, names
from xmodal_lite.data.spectra import prepare, read_spectrum
from xmodal_lite.errors import DataError, SpecError

RAMAN_AXIS = np.linspace(120, 1300, 60)
INFRARED_AXIS = np.linspace(400, 4000, 80)
FAR_AXIS = np.linspace(50, 700, 40)


def write(
    root: Path, mineral: str, specimen: str, kind: str, number: int, *, axis: np.ndarray | None = None,
    laser: int = 532, raw: bool = False, seed: int | None = None, header: str | None = None,
) -> Path:  # fmt: skip
    """Write one spectrum as the site files it; equal seeds give equal intensities."""
    state = "RAW" if raw else "Processed"
    raman = kind == "raman"
    axis = (RAMAN_AXIS if raman else INFRARED_AXIS) if axis is None else axis
    middle = f"Raman__{laser}__0__unoriented__Raman" if raman else "Infrared__Infrared"
    path = root / kind / f"{mineral.replace('-', '')}__{specimen}__{middle}_Data_{state}__{number}.txt"
    y = np.random.default_rng(number if seed is None else seed).random(len(axis))
    rows = [f"{a:.4f}, {b:.6e}" for a, b in zip(axis, y, strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"##NAMES={header or mineral}", f"##RRUFFID={specimen.removesuffix('-1')}", *rows, "##END=", ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten paired minerals, of which 0-3 have two specimens and 4 has three; one mineral in Raman only."""
    number = 0
    for mineral in range(10):
        for specimen in range(3 if mineral == 4 else 2 if mineral < 4 else 1):
            for kind, mark, laser in (("raman", "", 532), ("raman", "", 780), ("infrared", "-1", 0)):
                number += 1
                write(
                    tmp_path,
                    f"Mineral{mineral}",
                    f"R000{mineral:02}{specimen}{mark}",
                    kind,
                    number,
                    laser=laser,
                )
    write(tmp_path, "Opaque", "R000990", "raman", 900)
    return tmp_path


def paths(benchmark: Benchmark) -> set[str]:
    return {Path(path).name for path in benchmark.table.path}


# ---- the table


def test_known_names() -> None:
    assert "rruff" in names()


def test_table_and_samples_belong_together(root: Path) -> None:
    benchmark = load("rruff", root)
    table = benchmark.table
    assert (benchmark.name, benchmark.dims, benchmark.modalities) == ("rruff", 1, ("Raman", "infrared"))
    assert benchmark.protocols == ("A", "B")
    assert benchmark.samples.shape == (len(table), 1, 512)
    assert isinstance(benchmark.samples, np.memmap)
    assert len(table) == 16 * 3 + 1
    assert sorted(set(table.camera[table.modality == 0])) == [532, 780]
    assert set(table.camera[table.modality == 1]) == {0}
    for row in (0, 5, len(table) - 1):
        spectrum = read_spectrum(root / table.path[row])
        np.testing.assert_array_equal(benchmark.samples[row, 0], prepare(spectrum))
        assert table.identity_names[table.identity[row]] == spectrum.names


def test_cached_benchmark_equals_the_first(root: Path) -> None:
    first, second = load("rruff", root), load("rruff", root)
    for column in ("path", "identity", "camera", "modality", "pair"):
        ours, theirs = getattr(first.table, column), getattr(second.table, column)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    assert (first.fingerprint, first.source) == (second.fingerprint, second.source)
    np.testing.assert_array_equal(first.samples, second.samples)


def test_pairs_are_specimens(root: Path) -> None:
    table = load("rruff", root).table
    stems = np.array([Path(path).name.split("__")[1].removesuffix("-1") for path in table.path])
    for row, pair in enumerate(table.pair):
        np.testing.assert_array_equal(table.pair == pair, stems == stems[row])
    assert table.counts()["specimens in both"] == 16


def test_subfolders_and_hidden_files(root: Path) -> None:
    before = load("rruff", root)
    (root / "raman" / "more").mkdir()
    moved = root / before.table.path[-1]
    shutil.move(moved, root / "raman" / "more" / moved.name)
    (root / "raman" / "._Mineral.txt").write_text("what some archivers leave behind")
    after = load("rruff", root)
    assert paths(after) == paths(before)
    assert f"raman/more/{moved.name}" in after.table.path


def test_fingerprint_follows_names_and_bytes_alone(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = load("rruff", root).fingerprint
    copy = tmp_path_factory.mktemp("copy")
    for folder in ("raman", "infrared"):
        shutil.copytree(root / folder, copy / folder, copy_function=shutil.copyfile)  # new times of change
    assert load("rruff", copy).fingerprint == first
    some = next((copy / "raman").iterdir())
    some.write_bytes(some.read_bytes() + b"\n")
    assert load("rruff", copy).fingerprint != first
    some.write_bytes(some.read_bytes()[:-1])
    some.rename(some.with_name("Mineral0__R000000__Raman__532__0__x__Raman_Data_Processed__12345.txt"))
    assert load("rruff", copy).fingerprint != first


def test_synthetic_data_is_marked(root: Path) -> None:
    assert load("rruff", root).source == "real"
    (root / "synthetic.json").write_text("{}")
    benchmark = load("rruff", root)
    assert benchmark.source == "synthetic"
    split = benchmark.split("A", 0)
    assert "synthetic" in split.evaluate(np.ones((len(split.test), 2))).protocol


def files_by_mineral(root: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return the Raman and the infrared files of each mineral."""
    table = load("rruff", root).table
    files: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in table.identity_names}
    for path, identity, modality in zip(table.path, table.identity, table.modality, strict=True):
        files[table.identity_names[identity]][modality].append(str(path))
    return files


def test_every_file_is_filed_under_its_mineral_and_modality(root: Path) -> None:
    files = files_by_mineral(root)
    assert [len(kind) for kind in files["Mineral4"]] == [6, 3]
    assert [len(kind) for kind in files["Opaque"]] == [1, 0]
    assert all(read_spectrum(root / path).names == "Mineral4" for kind in files["Mineral4"] for path in kind)


# ---- the traps


def test_raw_and_far_infrared_are_left_out(root: Path) -> None:
    raw = write(root, "Mineral0", "R000000", "raman", 901, raw=True)
    other = write(root, "Mineral0", "R000000-1", "infrared", 902, raw=True)
    alone = write(root, "Mineral0", "R000005-1", "infrared", 903, raw=True)
    far = write(root, "Mineral1", "R000010-1", "infrared", 904, axis=FAR_AXIS)
    found = paths(load("rruff", root))
    assert not {raw.name, far.name} & found
    assert other.name not in found  # its specimen has a processed spectrum
    assert alone.name in found
    counts = check("rruff", root).counts
    assert counts["Raman spectra, raw (not used)"] == 1
    assert counts["far-infrared spectra (not used)"] == 1
    assert counts["mid-infrared spectra, raw"] == 2


def test_renamed_specimen_takes_the_newest_infrared_name(root: Path) -> None:
    write(root, "Rozenite", "R000960", "raman", 905)
    write(root, "Middle", "R000960-1", "infrared", 906)
    write(root, "Bilinite", "R000960-1", "infrared", 907)
    files = files_by_mineral(root)
    assert [len(kind) for kind in files["Bilinite"]] == [1, 2]
    assert "Rozenite" not in files
    assert "Middle" not in files
    notes = check("rruff", root).notes
    assert [note.split(": ")[1] for note in notes] == [
        "filed under Middle, counted as Bilinite",
        "filed under Rozenite, counted as Bilinite",
    ]


def test_header_name_wins_over_the_file_name(root: Path) -> None:
    write(root, "ChukhroviteCa", "R000970", "raman", 908, header="Chukhrovite-(Ca)")
    assert "Chukhrovite-(Ca)" in load("rruff", root).table.identity_names


def test_copies_within_one_mineral_are_kept_once(root: Path) -> None:
    first = write(root, "Mineral0", "R000000", "raman", 909, seed=1000)
    second = write(root, "Mineral0", "R000001", "raman", 910, seed=1000)
    found = paths(load("rruff", root))
    assert first.name in found
    assert second.name not in found
    (note,) = check("rruff", root).notes
    assert first.name in note
    assert second.name in note


def test_copies_under_two_minerals_are_dropped_and_reported(root: Path) -> None:
    copies = {
        write(root, "Mineral0", "R000000", "raman", 911, seed=1001).name,
        write(root, "Mineral1", "R000011", "raman", 912, seed=1001).name,
    }
    assert not copies & paths(load("rruff", root))
    findings = check("rruff", root)
    assert list(findings) == []
    (note,) = findings.notes
    assert "Mineral0 and Mineral1" in note
    assert all(name in note for name in copies)
    assert note in str(findings)


def test_flat_spectrum_is_left_out_with_a_note(root: Path) -> None:
    path = write(root, "Mineral0", "R000000", "raman", 913)
    path.write_text("##NAMES=Mineral0\n##RRUFFID=R000000\n" + "\n".join(f"{x},5" for x in range(200, 900)))
    assert path.name not in paths(load("rruff", root))
    assert any(path.name in note and "no signal" in note for note in check("rruff", root).notes)


def test_repaired_axes_are_counted(root: Path) -> None:
    write(root, "Mineral0", "R000000", "raman", 914, axis=RAMAN_AXIS[::-1])
    write(root, "Mineral0", "R000000", "raman", 915, axis=np.repeat(RAMAN_AXIS, 2))
    write(root, "Mineral0", "R000000", "raman", 916, axis=np.roll(RAMAN_AXIS, 3))
    write(root, "Mineral0", "R000000", "raman", 917, axis=np.roll(RAMAN_AXIS, 4))
    counts = check("rruff", root).counts
    assert {words: count for words, count in counts.items() if "repaired" in words} == {
        "axes repaired: descending, reversed": 1,
        "axes repaired: unordered, sorted": 2,
        "axes repaired: repeated points, averaged": 1,
    }


# ---- bad folders


def test_check_of_a_good_folder(root: Path) -> None:
    findings = check("rruff", root)
    assert list(findings) == []
    assert findings.notes == []
    assert findings.counts == {
        "Raman spectra, processed": 33,
        "Raman spectra, raw (not used)": 0,
        "mid-infrared spectra, processed": 16,
        "mid-infrared spectra, raw": 0,
        "far-infrared spectra (not used)": 0,
        "spectra used": 49,
        "minerals": 11,
        "paired minerals": 10,
        "specimens with both": 16,
        "minerals with two or more such specimens": 5,
        "axes repaired: descending, reversed": 0,
        "axes repaired: unordered, sorted": 0,
        "axes repaired: repeated points, averaged": 0,
    }
    assert "no problem found" in str(findings)


def test_load_names_the_first_bad_file_and_check_all(root: Path) -> None:
    bad = {"a_nan": "1,2\n3,nan\n", "b_empty": "", "c_one": "1\n2\n3\n"}
    for name, body in bad.items():
        (root / "infrared" / f"{name}__R1__Infrared.txt").write_text("##NAMES=x\n" + body)
    with pytest.raises(DataError, match=r"a_nan.*remove"):
        load("rruff", root)
    findings = check("rruff", root)
    assert len(findings) == 3
    assert all(any(name in problem for problem in findings) for name in bad)
    assert findings.counts["paired minerals"] == 10
    assert not (root / ".xmodal").exists()


@pytest.mark.parametrize("missing", ["raman", "infrared"])
def test_missing_folder(root: Path, missing: str) -> None:
    shutil.rmtree(root / missing)
    with pytest.raises(DataError, match=f"{missing}: no such folder.*download"):
        load("rruff", root)
    assert len(check("rruff", root)) == 1


def test_missing_root(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere.*no such folder"):
        load("rruff", tmp_path / "nowhere")
    assert len(check("rruff", tmp_path / "nowhere")) == 2


def test_empty_folder(root: Path) -> None:
    shutil.rmtree(root / "infrared")
    (root / "infrared").mkdir()
    with pytest.raises(DataError, match=r"infrared: holds no \.txt file; unpack"):
        load("rruff", root)


def test_far_infrared_only(root: Path) -> None:
    shutil.rmtree(root / "infrared")
    for mineral in range(3):
        write(root, f"Mineral{mineral}", f"R000{mineral:02}0-1", "infrared", 950 + mineral, axis=FAR_AXIS)
    with pytest.raises(DataError, match=r"950\.txt.*far-infrared.*Processed\.zip"):
        load("rruff", root)
    (problem,) = check("rruff", root)
    assert "far-infrared" in problem


@pytest.mark.parametrize("common", [0, 1])
def test_too_few_minerals_in_common(tmp_path: Path, common: int) -> None:
    for mineral in range(3):
        write(tmp_path, f"Mineral{mineral}", f"R{mineral}", "raman", mineral)
        write(
            tmp_path, f"Mineral{mineral + 3 - common}", f"R{mineral + 3 - common}", "infrared", 10 + mineral
        )
    with pytest.raises(DataError, match=rf"{common} mineral\(s\) with both.*add"):
        load("rruff", tmp_path)
    assert len(check("rruff", tmp_path)) == 1


@pytest.mark.parametrize("function", [load, check])
def test_unknown_benchmark(function: object, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"'rruf'.*rruff"):
        function("rruf", tmp_path)  # type: ignore[operator]


# ---- the protocols


@pytest.mark.parametrize("seed", range(3))
def test_protocol_a_recipe(root: Path, seed: int) -> None:
    benchmark = load("rruff", root)
    table = benchmark.table
    split = benchmark.split("A", seed)
    paired = sorted(f"Mineral{i}" for i in range(10))
    order = np.random.default_rng(seed).permutation(10)
    train = {paired[i] for i in order[:6]}
    name = np.array(table.identity_names)[table.identity]
    assert set(name[split.train]) == train
    assert set(name[split.test]) == set(paired) - train
    assert set(name[split.unpaired]) == {"Opaque"}
    whole = np.concatenate([split.train, split.test, split.unpaired])
    assert sorted(whole) == list(range(len(table)))


@pytest.mark.parametrize("seed", range(3))
def test_protocol_b_recipe(root: Path, seed: int) -> None:
    benchmark = load("rruff", root)
    table = benchmark.table
    split = benchmark.split("B", seed)
    draw = np.random.default_rng(seed).integers(0, [2, 2, 2, 2, 3])
    held_out = {f"R000{mineral:02}{specimen}" for mineral, specimen in enumerate(draw)}
    specimen = np.array([Path(path).name.split("__")[1].removesuffix("-1") for path in table.path])
    assert set(specimen[split.test]) == held_out
    assert len(split.test) == 3 * 5
    assert not set(specimen[split.train]) & held_out
    assert len(split.train) == 3 * 11
    assert split.unpaired.tolist() == np.flatnonzero(specimen == "R000990").tolist()


def test_protocol_b_ignores_specimens_measured_one_way(root: Path) -> None:
    write(root, "Mineral9", "R000091", "raman", 960)
    write(root, "Mineral9", "R000092-1", "infrared", 961)
    benchmark = load("rruff", root)
    for seed in range(5):
        tested = benchmark.table.path[benchmark.split("B", seed).test]
        assert not any("Mineral9" in path for path in tested)


def test_seeds_differ(root: Path) -> None:
    benchmark = load("rruff", root)
    assert len({tuple(benchmark.split("A", seed).test) for seed in range(5)}) > 1
    assert len({tuple(benchmark.split("B", seed).test) for seed in range(5)}) > 1


def test_report_names_its_protocol(root: Path) -> None:
    split = load("rruff", root).split("A", 3)
    report = split.evaluate(np.random.default_rng(0).normal(size=(len(split.test), 8)))
    for words in ("protocol A (unseen minerals)", "seed 3", "4 gallery minerals", "by their best spectrum"):
        assert words in report.protocol
        assert words in str(report)


def test_evaluation_knows_who_is_who(root: Path) -> None:
    benchmark = load("rruff", root)
    split = benchmark.split("B", 0)
    perfect = np.eye(len(benchmark.table.identity_names))[benchmark.table.identity[split.test]]
    assert list(split.evaluate(perfect).metrics.values()) == pytest.approx([1.0] * 8)
    assert split.evaluate(np.roll(perfect, 1, axis=1)).metrics["v2r/rank1"] == pytest.approx(1.0)
    same = split.evaluate(np.ones_like(perfect))
    assert same.metrics["v2r/rank1"] == 0.0  # ties count against the query
    with pytest.raises(ValueError, match=r"features.*test spectra"):
        split.evaluate(perfect[:-1])


def test_unknown_protocol_or_seed(root: Path) -> None:
    benchmark = load("rruff", root)
    with pytest.raises(SpecError, match=r"'C'.*A, B"):
        benchmark.split("C", 0)
    with pytest.raises(SpecError, match="-1"):
        benchmark.split("A", -1)


def test_protocol_b_needs_enough_specimens(tmp_path: Path) -> None:
    for mineral in range(3):
        write(tmp_path, f"Mineral{mineral}", f"R{mineral}", "raman", mineral)
        write(tmp_path, f"Mineral{mineral}", f"R{mineral}", "infrared", 10 + mineral)
    benchmark = load("rruff", tmp_path)
    assert len(benchmark.split("A", 0).train) == 4
    with pytest.raises(DataError, match=r"protocol B needs.*use protocol A"):
        benchmark.split("B", 0)


# ---- real spectra


def test_the_sites_own_files(shared_data: Path, tmp_path: Path) -> None:
    root = shutil.copytree(shared_data / "rruff-sample", tmp_path / "sample")
    findings = check("rruff", root)
    assert list(findings) == []
    assert findings.counts["paired minerals"] == 23
    assert findings.counts["Raman spectra, raw (not used)"] == 2
    assert findings.counts["far-infrared spectra (not used)"] > 0
    assert findings.counts["axes repaired: descending, reversed"] > 0
    assert findings.counts["axes repaired: repeated points, averaged"] > 0
    table = load("rruff", root).table
    assert {"Chukhrovite-(Ca)", "Quartz"} <= set(table.identity_names)


@pytest.mark.slow
def test_whole_real_copy(rruff_real: Path) -> None:
    times = [time.process_time()]  # of this process, so that a busy machine does not matter
    benchmark = load("rruff", rruff_real)
    times.append(time.process_time())
    again = load("rruff", rruff_real)
    times.append(time.process_time())
    assert times[1] - times[0] < 30
    assert times[2] - times[1] < 2
    assert again.fingerprint == benchmark.fingerprint
    counts = benchmark.table.counts()
    assert counts["paired identities"] == 365
    assert counts["specimens in both"] == 616
    assert counts["samples"] == 5007 + 719
    samples = np.asarray(benchmark.samples[:, 0])
    assert np.isfinite(samples).all()
    assert samples.min() >= 0
    assert samples.max() <= 1 + 1e-6
    a, b = benchmark.split("A", 0), benchmark.split("B", 0)
    identity = benchmark.table.identity
    assert len(np.unique(identity[a.train])) == 219
    assert len(np.unique(identity[a.test])) == 146
    assert len(np.unique(identity[b.test])) == 142


@pytest.mark.slow
def test_split_of_the_real_copy_is_the_published_one(rruff_real: Path) -> None:
    """Protocol A's recipe applied to the raw list of names, without our table: same minerals on each side."""
    benchmark = load("rruff", rruff_real)
    minerals: dict[str, set[str]] = {"raman": set(), "infrared": set()}
    for path in rruff_real.rglob("*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()
        last = float(lines[-2].split(",")[0])
        if last > 2000 if path.parent.name == "infrared" else "RAW" not in path.name:
            minerals[path.parent.name].add(lines[0].removeprefix("##NAMES="))
    paired = sorted(minerals["raman"] & minerals["infrared"])
    order = np.random.default_rng(4).permutation(len(paired))
    expected = {paired[i] for i in order[: round(0.6 * len(paired))]}
    train = benchmark.split("A", 4).train
    assert {benchmark.table.identity_names[i] for i in benchmark.table.identity[train]} == expected
