"""RegDB on tiny copies in its layout, labels counted from 0 as in the distributed lists."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import check, load
from xmodal_lite.data.images import read_image
from xmodal_lite.errors import DataError, SpecError
from xmodal_lite.evaluation import cosine_distances, rank_metrics

SMALL = (16, 8)


def test_table_and_samples_belong_together(regdb: Path) -> None:
    benchmark = load("regdb", regdb, size=SMALL)
    table = benchmark.table
    assert (len(table), benchmark.modalities, benchmark.protocols) == (
        48,
        ("visible", "thermal"),
        ("standard",),
    )
    for row in (0, 30, 47):
        folder, identity, _ = table.path[row].split("/")
        np.testing.assert_array_equal(benchmark.samples[row], read_image(regdb / table.path[row], SMALL))
        assert table.modality[row] == ("Visible", "Thermal").index(folder)
        assert table.identity_names[table.identity[row]] == identity
    assert set(table.pair) == {-1}


def test_the_seed_of_a_split_is_its_list(regdb: Path) -> None:
    benchmark = load("regdb", regdb, size=SMALL)
    for seed in range(10):
        split = benchmark.split("standard", seed)
        for part in ("train", "test"):
            listed = {
                line.split()[0]
                for modality in ("visible", "thermal")
                for line in (regdb / "idx" / f"{part}_{modality}_{seed + 1}.txt").read_text().splitlines()
            }
            assert set(benchmark.table.path[getattr(split, part)]) == listed
    with pytest.raises(SpecError, match="choose seed 0 to 9, not 10"):
        benchmark.split("standard", 10)


def test_both_directions_both_counts_and_no_mask(regdb: Path) -> None:
    benchmark = load("regdb", regdb, size=SMALL)
    split = benchmark.split("standard", 3)
    test = benchmark.table.select(split.test)
    features = np.random.default_rng(0).standard_normal((24, 9)) + np.eye(9)[test.identity]
    report = split.evaluate(features)
    v, r = test.modality == 0, test.modality == 1
    for direction, query, gallery in (("v2r", v, r), ("r2v", r, v)):
        for count, prefix in (("images", ""), ("identities", "identities/")):
            scores = rank_metrics(
                cosine_distances(features[query], features[gallery]),
                test.identity[query],
                test.identity[gallery],
                count=count,
            )
            for k in (1, 5, 10, 20):
                assert report.metrics[f"{direction}/{prefix}rank{k}"] == pytest.approx(scores.rank(k))
        assert report.metrics[f"{direction}/map"] == pytest.approx(scores.map)
        assert report.metrics[f"{direction}/minp"] == pytest.approx(scores.minp)
    assert len(report.trials) == 1
    for words in ("split 4 of 10", "CMC counts images", "no flip", "no re-ranking", "12 queries, 12 of them"):
        assert words in report.protocol


def test_known_totals(regdb: Path) -> None:
    problems = check("regdb", regdb)
    assert any("8 identities where the whole set has 412 (404 missing)" in problem for problem in problems)
    assert any(
        "24 thermal images where the whole set has 4,120 (4,096 missing)" in problem for problem in problems
    )
    (regdb / "synthetic.json").write_text("{}")
    findings = check("regdb", regdb)
    assert (list(findings), findings.notes) == ([], [])


def test_images_of_two_cameras_exchanged(regdb: Path) -> None:
    visible, thermal = regdb / "Visible/10/side_v_1.bmp", regdb / "Thermal/2/side_t_0.bmp"
    kept = visible.read_bytes()
    shutil.copy(thermal, visible)
    thermal.write_bytes(kept)
    (regdb / "synthetic.json").write_text("{}")
    report = check("regdb", regdb)
    assert report.notes == [
        "grey where most visible images are in colour, as if of the other camera: Visible/10/side_v_1.bmp"
    ]
    (problem,) = report
    assert f"{thermal}: is in colour where a grey image is meant" in problem
    with pytest.raises(DataError, match=re.escape(problem)):
        load("regdb", regdb, size=SMALL)


def test_an_identity_in_one_modality_of_a_split_is_noted(regdb: Path) -> None:
    path = regdb / "idx" / "test_thermal_7.txt"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "/10/" not in line))
    assert check("regdb", regdb).notes == ["1 test identities in one modality only: 10"]


def test_a_path_may_begin_at_the_folder_itself(regdb: Path) -> None:
    before = load("regdb", regdb, size=SMALL)
    for path in (regdb / "idx").iterdir():
        path.write_text("".join(f"./{line}\n" for line in path.read_text().splitlines()))
    after = load("regdb", regdb, size=SMALL)
    np.testing.assert_array_equal(after.table.path, before.table.path)


def change_line(
    number: int, change: Callable[[str], str], index: str = "test_visible_3.txt"
) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        path = root / "idx" / index
        lines = path.read_text().splitlines()
        lines[number - 1] = change(lines[number - 1])
        path.write_text("\n".join(lines) + "\n")

    return edit


def other_label(line: str) -> str:
    return line.rpartition(" ")[0] + " 77"


def truncate(root: Path) -> None:
    path = root / "Thermal" / "11" / "side_t_1.bmp"
    path.write_bytes(path.read_bytes()[:60])


def train_on_a_test_identity(root: Path) -> None:
    for modality in ("visible", "thermal"):
        test, train = (root / "idx" / f"{part}_{modality}_1.txt" for part in ("test", "train"))
        train.write_text(train.read_text() + test.read_text().splitlines()[0].rpartition(" ")[0] + " 9\n")


def share_a_label(root: Path) -> None:
    for modality in ("visible", "thermal"):
        path = root / "idx" / f"train_{modality}_2.txt"
        path.write_text(path.read_text().replace(" 1\n", " 0\n"))


def keep_one_modality(root: Path) -> None:
    """Leave no identity on the test side of split 5 in both modalities."""
    for modality, keep in (("visible", 0), ("thermal", 1)):
        path = root / "idx" / f"test_{modality}_5.txt"
        lines = path.read_text().splitlines()
        path.write_text("\n".join(line for line in lines if int(line.split()[1]) % 2 == keep) + "\n")


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "parent": (
        change_line(2, lambda line: "Visible/../../" + line),
        r"test_visible_3\.txt, line 2: .* leads out of the data's folder",
    ),
    "absolute": (
        change_line(1, lambda line: "/" + line),
        r"test_visible_3\.txt, line 1: /Visible.* leads out",
    ),
    "backslashes": (
        change_line(1, lambda line: "Visible\\..\\..\\x.bmp 3"),
        r"line 1: Visible/\.\./\.\./x\.bmp leads out",
    ),
    "drive": (change_line(1, lambda line: "C:/x/y.bmp 3"), r"line 1: C:/x/y\.bmp leads out"),
    "other modality": (
        change_line(1, lambda line: line.replace("Visible", "Thermal")),
        r"line 1: Thermal/.* is not Visible/identity/image",
    ),
    "no such image": (
        change_line(4, lambda line: "Visible/4/no.bmp 0"),
        r"line 4: Visible/4/no\.bmp is not in this copy",
    ),
    "no label": (
        change_line(4, lambda line: line.split()[0]),
        r"line 4: 'Visible.*' is not a path and a whole number",
    ),
    "listed twice": (
        change_line(2, lambda line: line.replace("_1.bmp", "_0.bmp")),
        r"line 2: .* is listed a second time",
    ),
    "label": (
        change_line(5, other_label),
        r"test_visible_3\.txt, line 5: Visible/(\d+)/side_v_1\.bmp has label 77, while folder \1 has label",
    ),
    "label of a whole modality": (share_a_label, r"train_visible_2\.txt, line 4: folders 2, 3 share label 0"),
    "two splits": (
        train_on_a_test_identity,
        r"test_visible_1\.txt, line 1: identity 10 is in .*train_visible_1\.txt too",
    ),
    "truncated": (truncate, r"Thermal/11/side_t_1\.bmp: cannot be read as an image"),
    "empty folder": (lambda root: (root / "Visible" / "77").mkdir(), r"Visible/77: holds no .*\.bmp"),
    "missing folder": (lambda root: shutil.rmtree(root / "Thermal"), r"Thermal: no such folder"),
    "missing list": (
        lambda root: (root / "idx" / "test_thermal_10.txt").unlink(),
        r"test_thermal_10\.txt: no such file; restore",
    ),
    "empty list": (
        lambda root: (root / "idx" / "train_thermal_1.txt").write_text("\n"),
        r"train_thermal_1\.txt: lists no",
    ),
    "nothing to find": (
        keep_one_modality,
        r"test_visible_5\.txt: no test identity has samples in both modalities",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_names_the_file(regdb: Path, fault: str) -> None:
    break_it, words = FAULTS[fault]
    break_it(regdb)
    with pytest.raises(DataError, match=words):
        load("regdb", regdb, size=SMALL)
    assert any(re.search(words, problem) for problem in check("regdb", regdb))


def test_every_problem_at_once(regdb: Path) -> None:
    chosen = ("truncated", "empty folder", "parent", "label", "two splits")
    for fault in chosen:
        FAULTS[fault][0](regdb)
    problems = check("regdb", regdb)
    for fault in chosen:
        assert any(re.search(FAULTS[fault][1], problem) for problem in problems), fault


def test_a_label_of_one_image_against_another(regdb: Path) -> None:
    """One image of each kind and two labels: the one that is the folder's name is taken for right."""
    for split in range(1, 11):
        for modality in ("visible", "thermal"):
            for part in ("train", "test"):
                path = regdb / "idx" / f"{part}_{modality}_{split}.txt"
                lines = [line.split() for line in path.read_text().splitlines() if "_0.bmp" in line]
                path.write_text("".join(f"{image} {image.split('/')[1]}\n" for image, _ in lines))
    load("regdb", regdb, size=SMALL)
    change_line(1, other_label, "train_thermal_4.txt")(regdb)
    with pytest.raises(
        DataError, match=r"train_thermal_4\.txt, line 1: .* has label 77, while folder (\d+) has label \1;"
    ):
        load("regdb", regdb, size=SMALL)


def test_the_synthetic_set_loads_is_whole_and_can_be_measured(tmp_path: Path) -> None:
    root = synthetic.write("regdb", tmp_path / "synthetic", identities=10, images=2)
    findings = check("regdb", root)
    assert (list(findings), findings.notes) == ([], [])
    benchmark = load("regdb", root, size=SMALL)
    assert benchmark.source == "synthetic"
    for seed in range(10):
        split = benchmark.split("standard", seed)
        identity = np.unique(benchmark.table.identity[split.test], return_inverse=True)[1]
        report = split.evaluate(np.eye(identity.max() + 1)[identity])
        assert report.metrics["v2r/minp"] == report.metrics["r2v/minp"] == 1
        assert report.protocol.startswith(f"RegDB synthetic split {seed + 1} of 10")
