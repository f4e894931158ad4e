"""SYSU-MM01 on tiny copies in its layout; the draws against the plain steps of public codes."""

import random
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from scipy.sparse import csc_array

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import Benchmark, check, load
from xmodal_lite.benchmarks.matlab import read_variable
from xmodal_lite.data.images import read_image
from xmodal_lite.errors import DataError, SpecError

SMALL = (16, 8)
GALLERIES = {"all": (1, 2, 4, 5), "indoor": (1, 2)}


def features(benchmark: Benchmark, rows: np.ndarray) -> np.ndarray:
    """Noise that depends on the path, with a faint direction of the identity."""
    trials = np.random.default_rng(0).standard_normal((len(benchmark.table), 12))
    return (trials + 1.5 * np.eye(12)[benchmark.table.identity])[rows]


# ---- the table


def test_loads_from_the_public_name_at_the_training_size(sysu_untouched: Path) -> None:
    benchmark = load("sysu-mm01", sysu_untouched)
    assert benchmark.samples.shape == (len(benchmark.table), 3, 288, 144)
    assert (benchmark.name, benchmark.dims, benchmark.modalities) == ("sysu-mm01", 2, ("visible", "infrared"))
    assert benchmark.source == "real"
    assert benchmark.protocols == (
        "single",
        "multi",
        "all-single",
        "all-multi",
        "indoor-single",
        "indoor-multi",
    )


def test_table_and_samples_belong_together(sysu_untouched: Path) -> None:
    benchmark = load("sysu-mm01", sysu_untouched, size=SMALL)
    table = benchmark.table
    assert isinstance(benchmark.samples, np.memmap)
    assert benchmark.samples.dtype == np.uint8
    for row in (0, 17, len(table) - 1):
        camera, identity, _ = table.path[row].split("/")
        np.testing.assert_array_equal(
            benchmark.samples[row], read_image(sysu_untouched / table.path[row], SMALL)
        )
        assert f"cam{table.camera[row]}" == camera
        assert table.modality[row] == (table.camera[row] in (3, 6))
        assert table.identity_names[table.identity[row]] == identity
    assert set(table.pair) == {-1}
    assert not any("0500" in path for path in table.path)  # in no list


def test_training_takes_two_lists_and_leaves_the_third(sysu_untouched: Path) -> None:
    benchmark = load("sysu-mm01", sysu_untouched, size=SMALL)
    split = benchmark.split("all-single", 0)
    names = np.array(benchmark.table.identity_names)[benchmark.table.identity]
    assert set(names[split.train]) == {"0003", "0007", "0008", "0020", "0100", "0101"}
    assert set(names[split.test]) == {"0001", "0009", "0010", "0012", "0400", "0533"}
    assert not len(split.unpaired)
    for seed in (1, 5):  # the division is fixed
        np.testing.assert_array_equal(benchmark.split("indoor-multi", seed).train, split.train)


def test_an_identity_in_one_modality_is_unpaired(sysu: Path) -> None:
    for camera in (3, 6):
        shutil.rmtree(sysu / f"cam{camera}" / "0100", ignore_errors=True)
    benchmark = load("sysu-mm01", sysu, size=SMALL)
    split = benchmark.split("all-single", 0)
    assert {path.split("/")[1] for path in benchmark.table.path[split.unpaired]} == {"0100"}
    assert not np.isin(split.unpaired, split.train).any()
    assert any(
        "1 training identities in one modality only: 0100" in note for note in check("sysu-mm01", sysu).notes
    )


# ---- protocols


def expected(benchmark: Benchmark, mode: str, draw: Callable[[int], list[str]]) -> list[dict[str, float]]:
    """Rank by hand: each query in turn, others of camera 2 dropped for camera 3, identities counted once."""
    table, row = benchmark.table, {path: i for i, path in enumerate(benchmark.table.path)}
    x = features(benchmark, np.arange(len(table)))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    test = {"0001", "0009", "0010", "0012", "0400", "0533"}
    queries = [i for i in range(len(table)) if table.modality[i] and table.path[i].split("/")[1] in test]
    measures = []
    for trial in range(10):
        gallery = [row[path] for path in draw(trial)]
        first, precisions = [], []
        for q in queries:
            kept = [g for g in gallery if not (table.camera[q] == 3 and table.camera[g] == 2)]
            kept.sort(key=lambda g: -(x[q] @ x[g]))
            match = np.array([table.identity[g] == table.identity[q] for g in kept])
            if match.any():
                seen = list(dict.fromkeys(table.identity[g] for g in kept))
                first.append(seen.index(table.identity[q]) + 1)
                places = np.flatnonzero(match) + 1
                precisions.append(np.mean(np.arange(1, len(places) + 1) / places))
        ranks = {f"r2v/rank{k}": np.mean(np.array(first) <= k) for k in (1, 5)}
        measures.append(ranks | {"r2v/map": np.mean(precisions)})
    return measures


@pytest.mark.parametrize("mode", ["all", "indoor"])
@pytest.mark.parametrize(("shots", "count"), [("single", 1), ("multi", 10)])
def test_python_draws(sysu_untouched: Path, mode: str, shots: str, count: int) -> None:
    def draw(trial: int) -> list[str]:
        random.seed(trial)
        chosen = []
        for number in (1, 9, 10, 12, 400, 533):
            for camera in GALLERIES[mode]:
                folder = sysu_untouched / f"cam{camera}" / f"{number:04d}"
                if folder.is_dir():
                    images = sorted(path.relative_to(sysu_untouched).as_posix() for path in folder.iterdir())
                    chosen += (
                        [random.choice(images)] if count == 1 else random.sample(images, min(10, len(images)))
                    )
        return chosen

    benchmark = load("sysu-mm01", sysu_untouched, size=SMALL)
    split = benchmark.split(f"{mode}-{shots}", 0)
    report = split.evaluate(features(benchmark, split.test))
    by_hand = expected(benchmark, mode, draw)
    assert len(report.trials) == 10
    for found, measures in zip(report.trials, by_hand, strict=True):
        assert {name: found[name] for name in measures} == pytest.approx(measures)
    assert report.metrics["r2v/map"] == pytest.approx(np.mean([measures["r2v/map"] for measures in by_hand]))


def write_official(root: Path) -> list[list[list[np.ndarray]]]:
    """Write permutations of the images of each identity and camera for 12 trials, as the authors' file holds them."""
    rng = np.random.default_rng(0)
    cameras = np.empty((6, 1), object)
    for camera in range(1, 7):
        cells = np.empty((533, 1), object)
        for number in range(1, 534):
            folder = root / f"cam{camera}" / f"{number:04d}"
            count = len(list(folder.iterdir())) if folder.is_dir() else 0
            cells[number - 1, 0] = np.array([rng.permutation(count) + 1 for _ in range(12)], np.uint8)
        cameras[camera - 1, 0] = cells
    savemat(root / "exp" / "rand_perm_cam.mat", {"rand_perm_cam": cameras})
    return cameras


@pytest.mark.parametrize(("shots", "count"), [("single", 1), ("multi", 10)])
def test_official_trials(sysu: Path, shots: str, count: int) -> None:
    cameras = write_official(sysu)

    def draw(trial: int) -> list[str]:
        return [
            f"cam{camera}/{number:04d}/{image:04d}.jpg"
            for number in (1, 9, 10, 12, 400, 533)
            for camera in GALLERIES["all"]
            for image in cameras[camera - 1, 0][number - 1, 0][trial][:count]
        ]

    benchmark = load("sysu-mm01", sysu, size=SMALL)
    assert f"all-{shots}-official" in benchmark.protocols
    split = benchmark.split(f"all-{shots}-official", 0)
    report = split.evaluate(features(benchmark, split.test))
    for found, measures in zip(report.trials, expected(benchmark, "all", draw), strict=True):
        assert {name: found[name] for name in measures} == pytest.approx(measures)
    plain = benchmark.split(f"all-{shots}", 0).evaluate(features(benchmark, split.test))
    assert "exp/rand_perm_cam.mat" in report.protocol
    assert "Python's random.seed(0) to seed(9)" in plain.protocol
    if count == 1:
        assert report.trials != plain.trials
    assert not [problem for problem in check("sysu-mm01", sysu) if "rand_perm" in problem]


def test_official_trials_that_name_other_images(sysu: Path) -> None:
    write_official(sysu)
    (sysu / "cam1" / "0009" / "0001.jpg").rename(sysu / "cam1" / "0009" / "0031.jpg")
    with pytest.raises(DataError, match=r"rand_perm_cam\.mat: names 'cam1/0009/0001'.*not in this copy"):
        load("sysu-mm01", sysu, size=SMALL).split("all-multi-official", 0)
    assert any("cam1/0009/0001" in problem for problem in check("sysu-mm01", sysu))


def test_official_trials_that_cannot_be_read(sysu: Path) -> None:
    (sysu / "exp" / "rand_perm_cam.mat").write_bytes(b"no MATLAB file")
    assert any("rand_perm_cam.mat: cannot be read" in problem for problem in check("sysu-mm01", sysu))


@pytest.mark.parametrize("compressed", [False, True])
def test_official_trials_that_state_a_terabyte(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "a.mat"
    cells = np.empty((6, 3), object)
    for k in range(18):
        cells[k // 3, k % 3] = np.arange(12, dtype=np.uint8).reshape(3, 4)
    savemat(path, {"a": cells, "b": 1.5, "c": "text", "s": csc_array((500, 500))}, do_compression=compressed)
    found = read_variable(path, "a")
    assert found.shape == (6, 3)
    np.testing.assert_array_equal(found[5, 2], cells[5, 2])
    with pytest.raises(DataError, match=r"a\.mat: has no variable d; restore it"):
        read_variable(path, "d")
    for sides in (b"\6\0\0\0\3\0\0\0", b"\3\0\0\0\4\0\0\0"):  # of all cells, of one
        savemat(path, {"a": cells})
        whole = path.read_bytes()
        damaged = whole.replace(sides, struct.pack("<ii", 1 << 20, 1 << 20), 1)
        if compressed:
            packed = zlib.compress(damaged[128:])
            damaged = damaged[:128] + struct.pack("<II", 15, len(packed)) + packed
        path.write_bytes(damaged)
        with pytest.raises(
            DataError, match=r"cannot be read as a MATLAB file \(a matrix of 1048576 x 1048576 has \d+ values"
        ):
            read_variable(path, "a")
    path.write_bytes(whole[:-40])
    with pytest.raises(DataError, match=r"cannot be read as a MATLAB file \(an element of .* bytes has"):
        read_variable(path, "a")


def test_a_matlab_file_that_unpacks_to_more_than_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xmodal_lite.benchmarks.matlab.MOST_BYTES", 10_000)
    savemat(tmp_path / "a.mat", {"a": np.zeros(20_000)}, do_compression=True)
    with pytest.raises(DataError, match="holds more than 10,000 bytes"):
        read_variable(tmp_path / "a.mat", "a")


def test_official_trials_of_another_structure(sysu: Path) -> None:
    savemat(sysu / "exp/rand_perm_cam.mat", {"rand_perm_cam": np.arange(6)})
    words = r"rand_perm_cam\.mat: does not hold the official trials"
    assert any(re.search(words, problem) for problem in check("sysu-mm01", sysu))


def test_official_trials_as_matlab_saves_large_files(sysu: Path) -> None:
    """Version 7.3 is HDF5 behind a header of MATLAB's own."""
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (sysu / "exp" / "rand_perm_cam.mat").write_bytes(head.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n")
    words = r"rand_perm_cam\.mat: is a MATLAB file of version 7\.3.*save it with -v7"
    with pytest.raises(DataError, match=words):
        load("sysu-mm01", sysu, size=SMALL).split("single-official", 0)
    assert any(re.search(words, problem) for problem in check("sysu-mm01", sysu))


def test_a_photo_among_infrared_images_is_refused(sysu: Path) -> None:
    absent = [
        "exp/rand_perm_cam.mat: not in this copy, so the protocols with the official trials are not offered"
    ]
    assert check("sysu-mm01", sysu).notes == absent
    (sysu / "cam1" / "0009" / "0001.jpg").rename(sysu / "cam6" / "0009" / "0001.jpg")
    words = r"cam6/0009/0001\.jpg: is in colour where a grey image is meant"
    assert any(re.search(words, problem) for problem in check("sysu-mm01", sysu))
    with pytest.raises(DataError, match=words):
        load("sysu-mm01", sysu, size=SMALL)


def test_the_report_names_the_whole_protocol(sysu_untouched: Path) -> None:
    benchmark = load("sysu-mm01", sysu_untouched, size=SMALL)
    split = benchmark.split("indoor-single", 0)
    name = split.evaluate(features(benchmark, split.test)).protocol
    for words in (
        "SYSU-MM01, not the whole set",
        "indoor search",
        "single shot",
        "random.seed(0) to seed(9)",
        "mean of 10 trials",
        "infrared queries in visible gallery",
        "camera 2 ignored for queries of camera 3",
        "CMC counts identities",
        "cosine",
        "no flip",
        "no re-ranking",
    ):
        assert words in name


def test_an_identity_in_camera_2_only_can_be_searched_but_not_from_camera_3(sysu: Path) -> None:
    for camera in (1, 4, 5):
        shutil.rmtree(sysu / f"cam{camera}" / "0010", ignore_errors=True)
    benchmark = load("sysu-mm01", sysu, size=SMALL)
    split = benchmark.split("all-single", 0)
    test = benchmark.table.select(split.test)
    identity = test.identity_names.index("0010")
    unanswered = np.sum((test.identity == identity) & (test.camera == 3))
    queries = np.sum(test.modality == 1)
    assert unanswered > 0
    assert (
        f"{queries} queries, {queries - unanswered} of them with a match"
        in split.evaluate(features(benchmark, split.test)).protocol
    )


def test_features_of_another_number_of_samples(sysu_untouched: Path) -> None:
    split = load("sysu-mm01", sysu_untouched, size=SMALL).split("all-single", 0)
    with pytest.raises(ValueError, match="embed all test samples in order"):
        split.evaluate(np.ones((3, 4)))


def test_unknown_protocol_and_setting(sysu_untouched: Path) -> None:
    with pytest.raises(SpecError, match="no protocol 'all'; choose one of: single, multi, all-single"):
        load("sysu-mm01", sysu_untouched, size=SMALL).split("all", 0)
    with pytest.raises(SpecError, match="'sysu-mm01' has no setting preparation; known: size"):
        load("sysu-mm01", sysu_untouched, preparation=None)


# ---- bad input: load stops at it, check lists it


def truncate(root: Path) -> None:
    path = root / "cam4" / "0012" / "0001.jpg"
    path.write_bytes(path.read_bytes()[:300])


def empty(root: Path) -> None:
    for path in (root / "cam1" / "0003").iterdir():
        path.unlink()


def cmyk(root: Path) -> None:
    Image.new("CMYK", (4, 8)).save(root / "cam4" / "0012" / "0001.jpg")


def write_list(part: str, text: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / "exp" / f"{part}_id.txt").write_text(text)

    return write


def remove_cameras(*cameras: int, of: tuple[int, ...] = ()) -> Callable[[Path], None]:
    def remove(root: Path) -> None:
        for camera in cameras:
            for folder in [root / f"cam{camera}" / f"{number:04d}" for number in of] or [
                root / f"cam{camera}"
            ]:
                shutil.rmtree(folder, ignore_errors=True)

    return remove


TEST_IDS = (1, 9, 10, 12, 400, 533)
FAULTS = {
    "truncated": (truncate, r"cam4/0012/0001\.jpg: cannot be read as an image"),
    "wrong mode": (cmyk, r"cam4/0012/0001\.jpg: is an image of mode CMYK"),
    "empty folder": (empty, r"cam1/0003: holds no .*\.jpg"),
    "two splits": (write_list("val", "7,8,9"), r"val_id\.txt and .*test_id\.txt: both list 0009;"),
    "missing camera": (remove_cameras(5), r"cam5: no such folder"),
    "missing list": (
        lambda root: (root / "exp" / "val_id.txt").unlink(),
        r"val_id\.txt: no such file; restore it",
    ),
    "empty list": (write_list("train", "\n"), r"train_id\.txt: lists no identity"),
    "no list": (write_list("train", "<html>"), r"train_id\.txt: is not a line of comma-separated numbers"),
    "identity without images": (
        write_list("train", "3,20,100,101,333,334"),
        r"train_id\.txt: 2 of 6 identities have no image in any camera: 0333, 0334;",
    ),
    "nothing to train on": (remove_cameras(3, 6, of=(3, 20, 100, 101, 7, 8)), "0 of the training identities"),
    "nothing to find": (
        remove_cameras(1, 2, 4, 5, of=TEST_IDS),
        r"test_id\.txt: no test identity has samples in both",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_names_the_file(sysu: Path, fault: str) -> None:
    break_it, words = FAULTS[fault]
    break_it(sysu)
    with pytest.raises(DataError, match=words):
        load("sysu-mm01", sysu, size=SMALL)
    assert (
        len(
            [problem for problem in check("sysu-mm01", sysu) if DataError(problem) and _found(words, problem)]
        )
        == 1
    )


def _found(words: str, problem: str) -> bool:
    import re

    return re.search(words, problem) is not None


def test_every_problem_at_once(sysu: Path) -> None:
    chosen = ("truncated", "empty folder", "missing camera", "two splits")  # none hides another
    for fault in chosen:
        FAULTS[fault][0](sysu)
    problems = check("sysu-mm01", sysu)
    for fault in chosen:
        assert any(re.search(FAULTS[fault][1], problem) for problem in problems), fault


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    words = "nowhere: no such folder; give the folder that holds cam1, cam2, cam3, cam4, cam5, cam6, exp"
    with pytest.raises(DataError, match=words):
        load("sysu-mm01", tmp_path / "nowhere")
    (problem,) = check("sysu-mm01", tmp_path / "nowhere")
    assert words in problem


def test_a_protocol_without_a_match(sysu: Path) -> None:
    """All test identities are seen outdoors only: the indoor search has nothing to find, the other one has."""
    remove_cameras(1, 2, of=TEST_IDS)(sysu)
    benchmark = load("sysu-mm01", sysu, size=SMALL)
    benchmark.split("all-single", 0)
    for shots in ("single", "multi"):
        with pytest.raises(
            DataError, match=f"indoor-{shots}: no query of r2v has a match in the gallery; .*0001, 0009"
        ):
            benchmark.split(f"indoor-{shots}", 0)
    (sysu / "synthetic.json").write_text("{}")
    (problem,) = check("sysu-mm01", sysu)
    assert "no query of the indoor search has a match in the gallery" in problem


# ---- the known totals


def test_a_copy_with_367_of_395_identities_is_found(sysu: Path, tmp_path: Path) -> None:
    """All 395 are there; then the list is short; then the list is whole and the folders are missing."""
    root, words = tmp_path / "known", "367 training identities where the whole set has 395 (28 missing)"
    shutil.copytree(sysu, root)
    parts = {"train": range(1, 297), "val": range(297, 396), "test": (400, 533)}
    for part, numbers in parts.items():
        write_list(part, ",".join(map(str, numbers)))(root)
    for number in range(1, 396):
        paint(root / "cam1" / f"{number:04d}" / "0001.jpg", number)
    assert not [problem for problem in check("sysu-mm01", root) if "training identities" in problem]

    write_list("train", ",".join(map(str, range(1, 269))))(root)
    assert [words in problem for problem in check("sysu-mm01", root)].count(True) == 1
    split = load("sysu-mm01", root, size=(4, 2)).split("all-single", 0)
    assert words in split.evaluate(np.eye(len(split.test))).protocol

    write_list("train", ",".join(map(str, range(1, 297))))(root)
    remove_cameras(1, 2, 3, 4, 5, 6, of=tuple(range(110, 138)))(root)
    problems = check("sysu-mm01", root)
    assert any(words in problem for problem in problems)
    assert any(
        "train_id.txt: 28 of 296 identities have no image in any camera: 0110, 0111" in p for p in problems
    )


def paint(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (8, 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


# ---- the synthetic data set


def test_the_synthetic_set_loads_is_whole_and_can_be_measured(tmp_path: Path) -> None:
    root = synthetic.write("sysu-mm01", tmp_path / "synthetic", identities=12, images=2)
    findings = check("sysu-mm01", root)
    assert list(findings) == []
    assert len(findings.notes) == 1  # that there are no official trials
    benchmark = load("sysu-mm01", root, size=SMALL)
    assert benchmark.source == "synthetic"
    assert len(benchmark.table.identity_names) == 12
    for protocol in benchmark.protocols:
        split = benchmark.split(protocol, 0)
        identity = np.unique(benchmark.table.identity[split.test], return_inverse=True)[1]
        report = split.evaluate(np.eye(identity.max() + 1)[identity])
        tasks = ["r2v"] if "-" in protocol else ["all", "indoor"]
        assert {name.partition("/")[0] for name in report.metrics} == set(tasks)
        for search in tasks:
            assert report.metrics[f"{search}/rank1"] == report.metrics[f"{search}/minp"] == 1
        assert report.protocol.startswith("SYSU-MM01 synthetic, ")


def test_both_searches_in_one_report_are_those_of_the_single_protocols(tmp_path: Path) -> None:
    root = synthetic.write("sysu-mm01", tmp_path / "synthetic", identities=20, images=2)
    benchmark = load("sysu-mm01", root, size=SMALL)
    both = benchmark.split("single", 0)
    features = np.random.default_rng(0).standard_normal((len(both.test), 8))
    together = both.evaluate(features).metrics
    for search in ("all", "indoor"):
        alone = benchmark.split(f"{search}-single", 0).evaluate(features).metrics
        assert alone == {
            name.replace(search, "r2v"): value for name, value in together.items() if name.startswith(search)
        }
    assert together["all/rank1"] != together["indoor/rank1"]
