"""CUFSF: what differs from CUFS, names with FERET's suffixes and the sizes of the training sets."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import check, load
from xmodal_lite.benchmarks.cufsf import CUFSF
from xmodal_lite.errors import DataError

SMALL = (16, 8)


def test_leading_numbers_pair_the_images(cufsf: Path) -> None:
    benchmark = load("cufsf", cufsf, size=SMALL)
    table = benchmark.table
    assert table.identity_names == tuple(f"{number:05d}" for number in range(3, 39, 3))
    assert len(table.specimens_in_both()) == 12
    for pair in range(12):
        photo, sketch = table.path[table.pair == pair]
        assert (photo[:7], sketch[:9]) == ("photos/", "sketches/")
        assert photo[7:12] == sketch[9:14] == table.identity_names[table.identity[table.pair == pair][0]]
    for protocol, train in (("500-694", 5), ("700-494", 7)):  # of twelve
        split = benchmark.split(protocol, 0)
        assert (len(split.train), len(split.test)) == (2 * train, 2 * (12 - train))


def test_the_numbers_of_the_whole_set(cufsf: Path) -> None:
    assert [CUFSF.trained(protocol, 1194) for protocol in ("500-694", "700-494")] == [500, 700]
    assert check("cufsf", cufsf) == [
        f"{cufsf}: not the whole set: 12 pairs where the whole set has 1,194 (1,182 missing); ask the owners of the "
        "set for a whole copy"
    ]


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (
            "photos/00006fa010_930831.jpg",
            "photos/00006fb010_930831.jpg",
            r"photos/00006fb010_930831\.jpg: has the same leading number as .*00006fa010_930831\.jpg",
        ),
        (
            "photos/00006fa010_930831.jpg",
            "photos/copy.jpg",
            r"copy\.jpg: its name does not begin with a .* number",
        ),
        (
            "photos/00006fa010_930831.jpg",
            "photos/00007fa010_930831.jpg",
            r"photos/00007fa010_930831\.jpg: there is no sketch image of the same leading number",
        ),
    ],
)
def test_names_that_do_not_pair(cufsf: Path, source: str, target: str, words: str) -> None:
    shutil.copy(cufsf / source, cufsf / target)
    with pytest.raises(DataError, match=words):
        load("cufsf", cufsf, size=SMALL)
    assert any(re.search(words, problem) for problem in check("cufsf", cufsf))


def test_the_synthetic_set_loads_is_whole_and_can_be_measured(tmp_path: Path) -> None:
    root = synthetic.write("cufsf", tmp_path / "synthetic", identities=10)
    assert list(check("cufsf", root)) == []
    benchmark = load("cufsf", root, size=SMALL)
    assert benchmark.source == "synthetic"
    for protocol in benchmark.protocols:
        split = benchmark.split(protocol, 1)
        report = split.evaluate(np.eye(10)[benchmark.table.identity[split.test]])
        assert report.metrics["r2v/rank1"] == report.metrics["r2v/vr@0.1%"] == 1
        assert report.protocol.startswith("CUFSF synthetic, protocol")
