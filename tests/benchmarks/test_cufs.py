"""CUFS on tiny copies in its layout; the lists of subjects, which CUFSF and Tufts share."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_curve

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import Benchmark, check, load
from xmodal_lite.benchmarks.cufs import CUFS
from xmodal_lite.data.images import read_image
from xmodal_lite.errors import DataError, SpecError
from xmodal_lite.evaluation import cosine_distances, pair_scores, rank_metrics

SMALL = (16, 8)


def names(benchmark: Benchmark, rows: np.ndarray) -> set[str]:
    return {benchmark.table.identity_names[i] for i in benchmark.table.identity[rows]}


def test_table_and_samples_belong_together(cufs: Path) -> None:
    benchmark = load("cufs", cufs)
    table = benchmark.table
    assert benchmark.samples.shape == (24, 3, 112, 112)
    assert (benchmark.modalities, benchmark.protocols) == (("photo", "sketch"), ("404-202", "306-300"))
    for row in (0, 11, 23):
        folder, name = table.path[row].split("/")
        np.testing.assert_array_equal(benchmark.samples[row], read_image(cufs / table.path[row], (112, 112)))
        assert table.modality[row] == ("photos", "sketches").index(folder)
        assert table.identity_names[table.identity[row]] == Path(name).stem
    photo = table.modality == 0
    assert dict(zip(table.pair[photo], table.identity[photo], strict=True)) == dict(
        zip(table.pair[~photo], table.identity[~photo], strict=True)
    )
    assert len(table.specimens_in_both()) == 12


def test_masks_and_lists_are_no_images(cufs: Path) -> None:
    shutil.copytree(cufs / "photos", cufs / "masks" / "photos")
    assert len(load("cufs", cufs, size=SMALL).table) == len(load("cufs", cufs, size=SMALL).table) == 24


# ---- lists of subjects


def test_lists_are_drawn_once_and_then_read(cufs: Path) -> None:
    benchmark = load("cufs", cufs, size=SMALL)
    assert len(list((cufs / "splits").iterdir())) == 10
    for protocol, train in (("404-202", 8), ("306-300", 6)):  # the protocol's share of twelve
        splits = [benchmark.split(protocol, seed) for seed in range(5)]
        for seed, split in enumerate(splits):
            expected = np.random.default_rng(seed).permutation(12)[:train]
            assert names(benchmark, split.train) == {benchmark.table.identity_names[i] for i in expected}
            text = (cufs / "splits" / f"{protocol}_{seed + 1}.txt").read_text().split()
            assert set(text[1 : 2 * train : 2]) == names(benchmark, split.train)
            assert set(text[2 * train + 1 :: 2]) == names(benchmark, split.test)
            assert text[::2] == ["train"] * train + ["test"] * (12 - train)
        assert len({tuple(split.train) for split in splits}) == 5
        with pytest.raises(SpecError, match="choose seed 0 to 4, not 5"):
            benchmark.split(protocol, 5)
    again = load("cufs", cufs, size=SMALL)
    assert again.fingerprint == benchmark.fingerprint


def test_a_folder_that_cannot_be_written_has_the_same_lists(cufs: Path, tmp_path: Path) -> None:
    shutil.copytree(cufs, tmp_path / "closed")
    (tmp_path / "closed" / "splits").write_text("a file where the folder would be")
    here, there = load("cufs", cufs, size=SMALL), load("cufs", tmp_path / "closed", size=SMALL)
    assert here.fingerprint == there.fingerprint
    for seed in range(5):
        a, b = here.split("404-202", seed), there.split("404-202", seed)
        np.testing.assert_array_equal(a.train, b.train)
        assert a.evaluate(np.eye(12)[here.table.identity[a.test]]) == b.evaluate(
            np.eye(12)[here.table.identity[a.test]]
        )


def test_a_list_put_in_the_place_of_ours_is_followed(cufs: Path) -> None:
    before = load("cufs", cufs, size=SMALL)
    lines = [f"{'train' if k <= 8 else 'test'} f-{k:03d}" for k in range(12, 0, -1)]
    (cufs / "splits" / "404-202_2.txt").write_text("\n".join(lines))
    after = load("cufs", cufs, size=SMALL)
    split = after.split("404-202", 1)
    assert names(after, split.train) == {f"f-{k:03d}" for k in range(1, 9)}
    features = np.eye(12)[after.table.identity[split.test]]
    assert "of splits/404-202_2.txt, 8 subjects train and 4 test" in split.evaluate(features).protocol
    assert after.fingerprint != before.fingerprint
    for seed in (0, 2, 3, 4):
        np.testing.assert_array_equal(after.split("404-202", seed).train, before.split("404-202", seed).train)


# ---- evaluation


def test_identification_and_verification(cufs: Path) -> None:
    benchmark = load("cufs", cufs, size=SMALL)
    split = benchmark.split("306-300", 2)
    test = benchmark.table.select(split.test)
    features = np.random.default_rng(4).standard_normal((12, 12)) + 2 * np.eye(12)[test.identity]
    report = split.evaluate(features)
    photo = test.modality == 0
    for direction, query, gallery in (("v2r", photo, ~photo), ("r2v", ~photo, photo)):
        distances = cosine_distances(features[query], features[gallery])
        scores = rank_metrics(distances, test.identity[query], test.identity[gallery])
        assert report.metrics[f"{direction}/rank1"] == scores.rank(1) < 1
        assert report.metrics[f"{direction}/map"] == pytest.approx(scores.map)
    same = test.identity[~photo][:, None] == test.identity[photo]
    fpr, tpr, _ = roc_curve(same.ravel(), -distances.ravel(), drop_intermediate=False)
    assert report.metrics["r2v/vr@1%"] == tpr[fpr <= 0.01].max()
    assert report.metrics["r2v/vr@0.1%"] == tpr[fpr <= 0.001].max()
    assert 0 < report.metrics["r2v/vr@1%"] < 1
    assert report.metrics["r2v/auc"] == pytest.approx(np.trapezoid(tpr, fpr))
    genuine, impostor = pair_scores(features, test.identity, split.tasks[1])
    assert (len(genuine), len(impostor)) == (6, 30)
    for words in (
        "CUFS, not the whole set: 12 pairs where the whole set has 606 (594 missing), protocol 306-300, split 3 of 5",
        "drawn by numpy.random.default_rng(2), 6 subjects train and 6 test (as 306 of 606)",
        "at most f of the impostor pairs accepted",
        "6 genuine and 30 impostor pairs",
    ):
        assert words in report.protocol


# ---- counts and faults


def test_the_numbers_of_the_whole_set() -> None:
    assert [CUFS.trained(protocol, 606) for protocol in ("404-202", "306-300")] == [404, 306]
    assert CUFS.trained("404-202", 605) == 403
    assert CUFS.differences({"subjects": 606, "pairs": 606}) == []


def test_known_total_and_synthetic_set(cufs: Path) -> None:
    findings = check("cufs", cufs)
    assert len(findings) == 1
    assert "12 pairs where the whole set has 606 (594 missing)" in findings[0]
    assert "10 lists in" in findings.notes[0]
    assert not (cufs / "splits").exists()
    (cufs / "synthetic.json").write_text("{}")
    assert list(check("cufs", cufs)) == []
    split = load("cufs", cufs, size=SMALL).split("404-202", 0)
    assert split.evaluate(np.random.default_rng(0).standard_normal((8, 3))).protocol.startswith(
        "CUFS synthetic, "
    )


def unlink(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).unlink()


def copy(source: str, target: str) -> Callable[[Path], object]:
    return lambda root: shutil.copy(root / source, root / target)


def list_lines(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        load("cufs", root, size=SMALL)
        path = root / "splits" / "306-300_3.txt"
        path.write_text("\n".join(change(path.read_text().splitlines())))

    return edit


def truncate(root: Path) -> None:
    path = root / "photos" / "f-004.jpg"
    path.write_bytes(path.read_bytes()[:300])


def dangle(root: Path) -> None:
    path = root / "sketches" / "f-003.jpg"
    path.unlink()
    path.symlink_to("gone.jpg")


def two_left(root: Path) -> None:
    for k in range(4, 13):
        for folder in ("photos", "sketches"):
            (root / folder / f"f-{k:03d}.jpg").unlink()


LIST = r"306-300_3\.txt"
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no sketch": (
        unlink("sketches/f-003.jpg"),
        r"photos/f-003\.jpg: there is no sketch image of the same name",
    ),
    "no photo": (
        unlink("photos/f-003.jpg"),
        r"sketches/f-003\.jpg: there is no photo image of the same name",
    ),
    "two sketches": (
        copy("sketches/f-002.jpg", "sketches/f-002.png"),
        r"sketches/f-002\.png: has the same name as .*sketches/f-002\.jpg; remove one",
    ),
    "two photos": (
        copy("photos/f-002.jpg", "photos/f-002.jpeg"),
        r"photos/f-002\.jpg: has the same name as .*photos/f-002\.jpeg; remove one",
    ),
    "colour": (
        copy("photos/f-005.jpg", "sketches/f-005.jpg"),
        r"sketches/f-005\.jpg: is in colour where a grey image is meant",
    ),
    "dangling": (dangle, r"sketches/f-003\.jpg: (cannot be opened|no such file)"),
    "truncated": (truncate, r"photos/f-004\.jpg: cannot be read as an image"),
    "no folder": (lambda root: shutil.rmtree(root / "sketches"), r"sketches: no such folder; ask the owners"),
    "too few": (
        two_left,
        r"3 subjects with a pair are 2 to train on and 1 to test on under protocol 404-202",
    ),
    "subject twice": (
        list_lines(lambda lines: [*lines, lines[0]]),
        LIST + r", line 13: .* listed a second time",
    ),
    "in train and in test": (
        list_lines(lambda lines: [*lines, lines[0].replace("train", "test")]),
        LIST + r", line 13: subject .* is in train and in test; correct the list, or delete it",
    ),
    "unknown subject": (
        list_lines(lambda lines: ["train unknown", *lines]),
        LIST + r", line 1: subject unknown is not",
    ),
    "no part": (
        list_lines(lambda lines: ["f-001", *lines]),
        LIST + r", line 1: 'f-001' is not 'train' or 'test'",
    ),
    "a subject left out": (list_lines(lambda lines: lines[:-1]), LIST + r": does not list f-0"),
    "another number": (
        list_lines(lambda lines: [line.replace("test", "train") for line in lines[:7]] + lines[7:]),
        LIST + r": 7 subjects train, under this protocol it is 6 of 12",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_names_the_file(cufs: Path, fault: str) -> None:
    break_it, words = FAULTS[fault]
    break_it(cufs)
    with pytest.raises(DataError, match=words):
        load("cufs", cufs, size=SMALL)
    assert any(re.search(words, problem) for problem in check("cufs", cufs))


def test_every_problem_at_once(cufs: Path) -> None:
    chosen = ("in train and in test", "no sketch", "two photos", "colour", "truncated")
    for fault in chosen:
        FAULTS[fault][0](cufs)
    problems = check("cufs", cufs)
    for fault in chosen:
        assert any(re.search(FAULTS[fault][1], problem) for problem in problems), fault


def test_a_stem_may_end_in_a_blank(cufs: Path) -> None:
    """And so may a line of a list that somebody wrote."""
    for folder in ("photos", "sketches"):
        (cufs / folder / "f-003.jpg").rename(cufs / folder / "f-003 .jpg")
    before = load("cufs", cufs, size=SMALL)  # which writes the lists
    path = cufs / "splits" / "404-202_1.txt"
    assert "f-003 \n" in path.read_text()
    path.write_text(path.read_text().replace("f-004\n", "f-004 \n"))
    after = load("cufs", cufs, size=SMALL)
    for protocol in before.protocols:
        np.testing.assert_array_equal(after.split(protocol, 0).train, before.split(protocol, 0).train)


def test_a_grey_photo_and_a_sketch_on_tinted_paper(cufs: Path) -> None:
    shades = np.random.default_rng(0).integers(-40, 19, (60, 40, 1))
    Image.fromarray((128 + np.repeat(shades, 3, 2)).astype(np.uint8)).save(cufs / "photos" / "f-001.jpg")
    paper = (np.array((236, 232, 224)) + shades).astype(np.uint8)
    Image.fromarray(paper).save(cufs / "sketches" / "f-001.jpg", quality=30)
    load("cufs", cufs, size=SMALL)


def test_the_synthetic_set_loads_is_whole_and_can_be_measured(tmp_path: Path) -> None:
    root = synthetic.write("cufs", tmp_path / "synthetic", identities=10)
    assert list(check("cufs", root)) == []
    benchmark = load("cufs", root, size=SMALL)
    assert benchmark.source == "synthetic"
    for protocol in benchmark.protocols:
        split = benchmark.split(protocol, 1)
        report = split.evaluate(np.eye(10)[benchmark.table.identity[split.test]])
        assert report.metrics["r2v/rank1"] == report.metrics["r2v/vr@0.1%"] == 1
        assert report.protocol.startswith("CUFS synthetic, protocol")
