"""LLCM on tiny copies in its layout; the draws against the plain steps of the authors' code."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import check, load
from xmodal_lite.data.images import read_image
from xmodal_lite.errors import DataError

SMALL = (16, 8)


def test_table_and_samples_belong_together(llcm: Path) -> None:
    benchmark = load("llcm", llcm, size=SMALL)
    table = benchmark.table
    for row in (0, 30, len(table) - 1):
        folder, identity, name = table.path[row].split("/")
        np.testing.assert_array_equal(benchmark.samples[row], read_image(llcm / table.path[row], SMALL))
        assert table.modality[row] == ("vis", "nir").index(folder)
        assert table.identity_names[table.identity[row]] == identity
        assert f"_c{table.camera[row]:02d}_" in name
    split = benchmark.split("standard", 0)
    trained = {table.identity_names[i] for i in table.identity[split.train]}
    assert trained == {"0001", "0002", "0005", "0006", "0007", "1064"}
    assert len(split.train) + len(split.test) == len(table)


def test_draws_and_camera_rule_both_ways(llcm: Path) -> None:
    benchmark = load("llcm", llcm, size=SMALL)
    split = benchmark.split("standard", 0)
    test = benchmark.table.select(split.test)
    features = np.random.default_rng(0).standard_normal((len(test), 12)) + np.eye(12)[test.identity]
    report = split.evaluate(features)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    row = {path: i for i, path in enumerate(test.path)}
    assert len(report.trials) == 10
    for trial, found in enumerate(report.trials):
        for direction, query_modality, folder in (("v2r", 0, "nir"), ("r2v", 1, "vis")):
            random.seed(trial)
            gallery = []
            for identity in ("0003", "0004", "0009"):
                for camera in range(1, 10):
                    images = sorted((llcm / folder / identity).glob(f"*_c{camera:02d}_*"))
                    if images:
                        gallery.append(row[random.choice(images).relative_to(llcm).as_posix()])
            first = []
            for q in np.flatnonzero(test.modality == query_modality):
                kept = [
                    g
                    for g in gallery
                    if (test.identity[g], test.camera[g]) != (test.identity[q], test.camera[q])
                ]
                kept.sort(key=lambda g: -(unit[q] @ unit[g]))
                seen = list(dict.fromkeys(test.identity[g] for g in kept))
                first.append(seen.index(test.identity[q]) + 1)
            assert found[f"{direction}/rank1"] == pytest.approx(np.mean(np.array(first) == 1))
    for words in (
        "single shot",
        "mean of 10 trials",
        "in its own camera ignored",
        "CMC counts identities",
        "no flip",
    ):
        assert words in report.protocol


def test_known_totals(llcm: Path) -> None:
    problems = check("llcm", llcm)
    assert any(
        "6 training identities where the whole set has 713 (707 missing)" in problem for problem in problems
    )
    (llcm / "synthetic.json").write_text("{}")
    findings = check("llcm", llcm)
    assert (list(findings), findings.notes) == ([], [])


def test_an_identity_in_one_modality_is_noted(llcm: Path) -> None:
    path = llcm / "idx" / "train_nir.txt"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "/0006/" not in line))
    assert check("llcm", llcm).notes == ["1 training identities in one modality only: 0006"]
    load("llcm", llcm, size=SMALL)


def test_colour_in_infrared_is_refused_by_both(llcm: Path) -> None:
    infrared = next((llcm / "nir" / "0004").iterdir())
    pixels = np.random.default_rng(0).integers(0, 256, (8, 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(infrared)
    words = f"{infrared}: is in colour where a grey image is meant"
    assert any(problem.startswith(words) for problem in check("llcm", llcm))
    with pytest.raises(DataError, match=re.escape(words)):
        load("llcm", llcm, size=SMALL)


def rename(path: str, name: str) -> Callable[[Path], None]:
    def move(root: Path) -> None:
        (root / path).rename((root / path).with_name(name))
        for index in (root / "idx").iterdir():
            index.write_text(index.read_text().replace(path.rpartition("/")[2], name))

    return move


def truncate(root: Path) -> None:
    path = root / "nir/0003/0003_c04_s1_f0_nir.jpg"
    path.write_bytes(path.read_bytes()[:200])


def absolute(root: Path) -> None:
    path = root / "idx" / "train_nir.txt"
    path.write_text(f"{root}/nir/0001/0001_c02_s1_f0_nir.jpg 1\n" + path.read_text())


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no camera": (
        rename("vis/0003/0003_c04_s1_f0_vis.jpg", "0003_s1_f0_vis.jpg"),
        r"test_vis\.txt, line \d+: vis/0003/0003_s1_f0_vis\.jpg names no camera",
    ),
    "name of another identity": (
        rename("vis/0003/0003_c04_s1_f0_vis.jpg", "0004_c04_s9_f0_vis.jpg"),
        r"vis/0003/0004_c04_s9_f0_vis\.jpg is named after another identity",
    ),
    "absolute": (absolute, r"train_nir\.txt, line 1: /.* leads out of the data's folder"),
    "truncated": (truncate, r"0003_c04_s1_f0_nir\.jpg: cannot be read as an image"),
    "empty folder": (lambda root: (root / "nir" / "0500").mkdir(), r"nir/0500: holds no .*\.jpg"),
    "missing list": (
        lambda root: (root / "idx" / "test_nir.txt").unlink(),
        r"test_nir\.txt: no such file; restore it",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_names_the_file(llcm: Path, fault: str) -> None:
    break_it, words = FAULTS[fault]
    break_it(llcm)
    with pytest.raises(DataError, match=words):
        load("llcm", llcm, size=SMALL)
    assert any(re.search(words, problem) for problem in check("llcm", llcm))


def test_the_synthetic_set_loads_is_whole_and_can_be_measured(tmp_path: Path) -> None:
    root = synthetic.write("llcm", tmp_path / "synthetic", identities=10, images=2)
    findings = check("llcm", root)
    assert (list(findings), findings.notes) == ([], [])
    benchmark = load("llcm", root, size=SMALL)
    split = benchmark.split("standard", 0)
    identity = np.unique(benchmark.table.identity[split.test], return_inverse=True)[1]
    report = split.evaluate(np.eye(identity.max() + 1)[identity])
    assert report.metrics["v2r/rank1"] == report.metrics["r2v/map"] == 1
    assert report.protocol.startswith("LLCM synthetic, ")
