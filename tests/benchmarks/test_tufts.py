"""Tufts: what differs from CUFS, several pairs a subject."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import check, load
from xmodal_lite.benchmarks.tufts import TUFTS
from xmodal_lite.errors import DataError

SMALL = (16, 8)


def test_equal_names_within_a_subject_are_a_pair(tufts: Path) -> None:
    benchmark = load("tufts", tufts, size=SMALL)
    table = benchmark.table
    assert (benchmark.modalities, benchmark.protocols) == (("visible", "thermal"), ("standard",))
    assert len(table.specimens_in_both()) == len(table) / 2 == 20
    for pair in range(20):
        thermal, visible = table.path[table.pair == pair]
        assert thermal == visible.replace("visible", "thermal")
        assert table.identity_names[table.identity[table.pair == pair][0]] == visible.split("/")[1]


def test_subjects_are_divided_not_pairs(tufts: Path) -> None:
    benchmark = load("tufts", tufts, size=SMALL)
    for seed in range(5):
        split = benchmark.split("standard", seed)
        identity = benchmark.table.identity[split.test]
        trained = np.unique(benchmark.table.identity[split.train])
        assert (len(trained), len(np.unique(identity))) == (6, 2)  # 90 of 112, of eight
        assert not set(trained) & set(identity)
        report = split.evaluate(np.eye(8)[identity])
        assert report.metrics["v2r/map"] == report.metrics["r2v/map"] == report.metrics["r2v/vr@0.1%"] == 1
        assert report.metrics["r2v/eer"] == 0
        assert f"split {seed + 1} of 5" in report.protocol


def test_two_totals_of_subjects_are_printed() -> None:
    assert TUFTS.trained("standard", 112) == TUFTS.trained("standard", 113) == 90
    for subjects, missing in (
        (111, "111 subjects where the whole set has 112 to 113 (1 missing)"),
        (112, None),
    ):
        found = TUFTS.differences({"subjects": subjects, "pairs": 1583})
        assert found == ([missing] if missing else [])
    assert TUFTS.differences({"subjects": 113, "pairs": 1582}) == [
        "1,582 pairs where the whole set has 1,583 (1 missing)"
    ]


def test_known_totals(tufts: Path) -> None:
    problems = check("tufts", tufts)
    assert any("8 subjects where the whole set has 112 to 113" in problem for problem in problems)
    assert any("20 pairs where the whole set has 1,583" in problem for problem in problems)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no thermal": (
        lambda root: (root / "thermal/3/1.jpg").unlink(),
        r"visible/3/1\.jpg: there is no thermal image of the same subject and name",
    ),
    "one modality": (
        lambda root: shutil.rmtree(root / "visible/3"),
        r"thermal/3/0\.jpg: there is no visible image of the same subject and name",
    ),
    "two of a name": (
        lambda root: shutil.copy(root / "visible/3/1.jpg", root / "visible/3/1.png"),
        r"visible/3/1\.png: has the same subject and name as .*visible/3/1\.jpg",
    ),
    "colour": (
        lambda root: shutil.copy(root / "visible/3/1.jpg", root / "thermal/3/1.jpg"),
        r"thermal/3/1\.jpg: is in colour where a grey image is meant",
    ),
    "empty folder": (lambda root: (root / "visible/77").mkdir(), r"visible/77: holds no .*\.jpg"),
    "no folder": (
        lambda root: shutil.rmtree(root / "thermal"),
        r"thermal: no such folder; ask the owners",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_names_the_file(tufts: Path, fault: str) -> None:
    break_it, words = FAULTS[fault]
    break_it(tufts)
    with pytest.raises(DataError, match=words):
        load("tufts", tufts, size=SMALL)
    assert any(re.search(words, problem) for problem in check("tufts", tufts))


def test_a_thermal_image_among_visible_ones_is_noted(tufts: Path) -> None:
    """Visible images may be grey: those of a set that has no others, such as FERET's, are nothing to look at."""
    assert not any("grey" in note for note in check("tufts", tufts).notes)
    shutil.copy(tufts / "thermal/3/1.jpg", tufts / "visible/3/1.jpg")
    (note,) = (note for note in check("tufts", tufts).notes if "grey" in note)
    assert note.endswith("as if of the other camera: visible/3/1.jpg")
    for image in tufts.glob("thermal/*/*"):
        shutil.copy(image, tufts / "visible" / image.parent.name)
    assert not any("grey" in note for note in check("tufts", tufts).notes)


def test_the_synthetic_set_loads_is_whole_and_can_be_measured(tmp_path: Path) -> None:
    root = synthetic.write("tufts", tmp_path / "synthetic", identities=10, images=2)
    assert list(check("tufts", root)) == []
    benchmark = load("tufts", root, size=SMALL)
    assert benchmark.source == "synthetic"
    for protocol in benchmark.protocols:
        split = benchmark.split(protocol, 1)
        report = split.evaluate(np.eye(10)[benchmark.table.identity[split.test]])
        assert report.metrics["r2v/rank1"] == report.metrics["r2v/vr@0.1%"] == 1
        assert report.protocol.startswith("Tufts synthetic, protocol")
