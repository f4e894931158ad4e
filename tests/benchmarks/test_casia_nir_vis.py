"""CASIA NIR-VIS 2.0 on tiny copies in its layout, lists with Windows separators and line ends."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import check, load
from xmodal_lite.data.images import read_image
from xmodal_lite.errors import DataError, SpecError
from xmodal_lite.evaluation import cosine_distances, pair_scores, rank_metrics, verification_metrics

NAME = "casia-nir-vis"
SMALL = (16, 8)


def listed(root: Path, *names: str) -> set[str]:
    texts = [(root / "protocols" / f"{name}.txt").read_text() for name in names]
    return {line.split(" ")[0].replace("\\", "/") for text in texts for line in text.splitlines()}


def test_table_and_samples_belong_together(casia: Path) -> None:
    benchmark = load(NAME, casia, size=SMALL)
    table = benchmark.table
    assert (benchmark.modalities, benchmark.protocols) == (("visible", "near-infrared"), ("view2",))
    assert len(table) == 40
    for row in (0, 15, 39):
        _, folder, identity, _ = table.path[row].split("/")
        np.testing.assert_array_equal(benchmark.samples[row], read_image(casia / table.path[row], SMALL))
        assert table.modality[row] == ("VIS_128x128", "NIR_128x128").index(folder)
        assert table.identity_names[table.identity[row]] == identity
    assert set(table.pair) == {-1}
    assert len(table.identity_names) == 8  # each in two sessions


def test_the_seed_of_a_split_is_its_fold(casia: Path) -> None:
    benchmark = load(NAME, casia, size=SMALL)
    for seed in range(10):
        split = benchmark.split("view2", seed)
        fold = seed + 1
        assert set(benchmark.table.path[split.train]) == listed(
            casia, f"vis_train_{fold}", f"nir_train_{fold}"
        )
        assert set(benchmark.table.path[split.test]) == listed(
            casia, f"vis_gallery_{fold}", f"nir_probe_{fold}"
        )
    with pytest.raises(SpecError, match="choose seed 0 to 9, not 10"):
        benchmark.split("view2", 10)


def test_probes_against_one_image_of_each(casia: Path) -> None:
    benchmark = load(NAME, casia, size=SMALL)
    split = benchmark.split("view2", 6)
    test = benchmark.table.select(split.test)
    features = np.random.default_rng(0).standard_normal((16, 6)) + np.eye(8, 6)[test.identity]
    report = split.evaluate(features)
    probe, gallery = test.modality == 1, test.modality == 0
    distances = cosine_distances(features[probe], features[gallery])  # (12, 4)
    scores = rank_metrics(distances, test.identity[probe], test.identity[gallery])
    assert report.metrics["r2v/rank1"] == pytest.approx(scores.rank(1))
    assert report.metrics["r2v/map"] == pytest.approx(scores.map)
    assert not any(name.startswith("v2r") for name in report.metrics)
    same = test.identity[probe][:, None] == test.identity[gallery]
    fpr, tpr, _ = roc_curve(same.ravel(), -distances.ravel(), drop_intermediate=False)
    assert report.metrics["r2v/vr@1%"] == tpr[fpr <= 0.01].max() < 1
    (search,) = split.tasks
    metrics = verification_metrics(*pair_scores(features, test.identity, search))
    assert metrics.eer == report.metrics["r2v/eer"]
    for words in (
        "View 2, fold 7 of 10",
        "12 queries, 12 of them with a match, in 4 gallery",
        "12 genuine and 36 imp",
    ):
        assert words in report.protocol


def test_forward_separators_and_labels_change_nothing(casia: Path) -> None:
    before = load(NAME, casia, size=SMALL)
    for path in (casia / "protocols").iterdir():
        lines = path.read_text().replace("\\", "/").splitlines()
        path.write_text("".join(f"{line} {int(line.split('/')[2])}\n" for line in lines))
    after = load(NAME, casia, size=SMALL)
    np.testing.assert_array_equal(after.table.path, before.table.path)
    np.testing.assert_array_equal(after.split("view2", 3).test, before.split("view2", 3).test)


def test_known_totals(casia: Path) -> None:
    (casia / "protocols" / "nir_probe_10.txt").unlink()
    findings = check(NAME, casia)
    assert any("8 subjects where the whole set has 725 (717 missing)" in problem for problem in findings)
    assert any("9 folds where the whole set has 10 (1 missing)" in problem for problem in findings)
    assert findings.counts["near-infrared images in the lists"] == 24


def test_a_synthetic_set_is_held_to_no_total(casia: Path) -> None:
    (casia / "synthetic.json").write_text("{}")
    assert list(check(NAME, casia)) == []


def change_line(
    number: int, change: Callable[[str], str], index: str = "nir_probe_3.txt"
) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        path = root / "protocols" / index
        lines = path.read_text().splitlines()
        lines[number - 1] = change(lines[number - 1])
        path.write_text("\n".join(lines) + "\n")

    return edit


def train_on_a_test_identity(root: Path) -> None:
    probe, train = (root / "protocols" / f"nir_{part}_1.txt" for part in ("probe", "train"))
    train.write_text(train.read_text() + probe.read_text().splitlines()[0] + "\n")


def two_of_one(root: Path) -> None:
    path = root / "protocols" / "vis_gallery_2.txt"
    first = path.read_text().splitlines()[0]
    other = next(root.glob(f"s*/VIS_128x128/{first[-13:-8]}/002.bmp")).relative_to(root)
    path.write_text(path.read_text() + f"{other}\n")


def one_identity(root: Path) -> None:
    path = root / "protocols" / "vis_gallery_4.txt"
    path.write_text(path.read_text().splitlines()[0])


def truncate(root: Path) -> None:
    path = next(root.glob("s*/NIR_128x128/10012/002.bmp"))
    path.write_bytes(path.read_bytes()[:60])


def colour(root: Path) -> None:
    shutil.copy(
        next(root.glob("s*/VIS_128x128/00002/001.bmp")), next(root.glob("s*/NIR_128x128/00002/001.bmp"))
    )


def disagreeing_label(root: Path) -> None:
    path = root / "protocols" / "vis_train_5.txt"
    lines = path.read_text().splitlines()
    path.write_text(f"{lines[0]} 4\n{lines[1]} 5\n" + "\n".join(lines[2:]))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "parent": (
        change_line(2, lambda line: "s1\\..\\..\\" + line),
        r"nir_probe_3\.txt, line 2: s1/\.\./\.\./s.* leads out of the data's folder",
    ),
    "absolute": (change_line(1, lambda line: "\\" + line), r"nir_probe_3\.txt, line 1: /s.* leads out"),
    "drive": (change_line(1, lambda line: "C:\\x\\y.bmp"), r"line 1: C:/x/y\.bmp leads out"),
    "near-infrared in a visible list": (
        change_line(1, lambda line: line.replace("VIS", "NIR"), "vis_train_3.txt"),
        r"vis_train_3\.txt, line 1: s\d/NIR_128x128/.* is not VIS_128x128/identity/image",
    ),
    "no such image": (
        change_line(4, lambda line: line.replace("001.bmp", "099.bmp")),
        r"nir_probe_3\.txt, line 4: s\d/NIR_128x128/\d{5}/099\.bmp is not in this copy",
    ),
    "listed twice": (
        lambda root: change_line(
            2, lambda _: (root / "protocols/nir_probe_3.txt").read_text().splitlines()[0]
        )(root),
        r"nir_probe_3\.txt, line 2: .* is listed a second time",
    ),
    "label": (disagreeing_label, r"vis_train_5\.txt, line \d: .* has label \d, while folder \d{5} has label"),
    "both sides": (
        train_on_a_test_identity,
        r"vis_gallery_1\.txt, line 1: identity 00011 is in .*vis_train_1\.txt too",
    ),
    "two in the gallery": (
        two_of_one,
        r"vis_gallery_2\.txt: lists \d{5} more than once; a gallery has one image",
    ),
    "one in the gallery": (
        one_identity,
        r"vis_gallery_4\.txt: one identity, 30101, is left to test in visible, so no pair is of two",
    ),
    "truncated": (truncate, r"NIR_128x128/10012/002\.bmp: cannot be read as an image"),
    "colour": (colour, r"NIR_128x128/00002/001\.bmp: is in colour where a grey image is meant"),
    "missing list": (
        lambda root: (root / "protocols/vis_gallery_9.txt").unlink(),
        r"vis_gallery_9\.txt: no such file; restore it",
    ),
    "empty list": (
        lambda root: (root / "protocols/vis_gallery_9.txt").write_text("\n"),
        r"vis_gallery_9\.txt: lists no image",
    ),
    "no modality": (
        lambda root: [shutil.rmtree(path) for path in root.glob("s*/NIR_128x128")],
        r"has no folder NIR_128x128 in s1/s2/s3/s4; ask the owners",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_names_the_file(casia: Path, fault: str) -> None:
    break_it, words = FAULTS[fault]
    break_it(casia)
    with pytest.raises(DataError, match=words):
        load(NAME, casia, size=SMALL)
    assert any(re.search(words, problem) for problem in check(NAME, casia))


def test_every_problem_at_once(casia: Path) -> None:
    chosen = (
        "parent",
        "near-infrared in a visible list",
        "both sides",
        "two in the gallery",
        "truncated",
        "colour",
    )
    for fault in chosen:
        FAULTS[fault][0](casia)
    problems = check(NAME, casia)
    for fault in chosen:
        assert any(re.search(FAULTS[fault][1], problem) for problem in problems), fault


def test_the_synthetic_set_loads_is_whole_and_can_be_measured(tmp_path: Path) -> None:
    root = synthetic.write("casia-nir-vis", tmp_path / "synthetic", identities=10, images=2)
    assert list(check("casia-nir-vis", root)) == []
    benchmark = load("casia-nir-vis", root, size=SMALL)
    assert benchmark.source == "synthetic"
    for protocol in benchmark.protocols:
        split = benchmark.split(protocol, 1)
        report = split.evaluate(np.eye(10)[benchmark.table.identity[split.test]])
        assert report.metrics["r2v/rank1"] == report.metrics["r2v/vr@0.1%"] == 1
        assert report.protocol.startswith("CASIA NIR-VIS 2.0 synthetic View 2")


def test_an_identity_in_one_modality_of_a_fold_is_noted(casia: Path) -> None:
    path = casia / "protocols" / "nir_probe_3.txt"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "00001" not in line))
    assert check(NAME, casia).notes == ["1 test identities in one modality only: 00001"]


def test_an_infrared_image_among_visible_ones_is_noted(casia: Path) -> None:
    assert check("casia-nir-vis", casia).notes == []
    visible = next(casia.glob("s1/VIS_128x128/*/*"))
    shutil.copy(next(casia.glob("s1/NIR_128x128/*/*")), visible)
    assert check("casia-nir-vis", casia).notes == [
        f"grey where most visible images are in colour, as if of the other camera: {visible.relative_to(casia)}"
    ]
