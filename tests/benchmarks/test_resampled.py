"""The ratio of test to training identities that a data set states, against the splits themselves."""

from pathlib import Path

import numpy as np
import pytest

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import Benchmark, data_set, load, names

SIZED = [name for name in names() if data_set(name).synthetic or data_set(name).embedded]


def open_small(name: str, root: Path) -> Benchmark:
    """The data of the package, or the smallest synthetic data set in small images."""
    chosen = data_set(name)
    if chosen.embedded:
        return load(name)
    synthetic.write(name, root, **chosen.synthetic["tiny"])
    return load(name, root, **({"size": (16, 8)} if chosen.image_sizes else {}))


@pytest.mark.parametrize("name", SIZED)
def test_a_ratio_is_stated_where_the_seed_changes_the_split_and_it_is_that_of_the_split(name, tmp_path):
    data = open_small(name, tmp_path / name)
    for protocol in data.protocols:
        first, second = data.split(protocol, 0), data.split(protocol, 1)
        stated = data_set(name).resampled.get(protocol, 0.0)
        assert bool(stated) == (not np.array_equal(first.test, second.test)), protocol
        identity = data.table.identity
        tested, trained = (len(np.unique(identity[rows])) for rows in (first.test, first.train))
        if stated and set(identity[first.test]).isdisjoint(identity[first.train]):
            rounded = ((tested - 1) / (trained + 1), (tested + 1) / (trained - 1))
            assert rounded[0] <= stated <= rounded[1], protocol


def test_the_whole_sets_by_hand():
    ratios = {(name, p): ratio for name in names() for p, ratio in data_set(name).resampled.items()}
    assert ratios["cufs", "404-202"] == 202 / 404 and ratios["tufts", "standard"] == 22 / 90
    assert ratios["rruff", "A"] == pytest.approx(146 / 219) and ratios["cufsf", "700-494"] == 494 / 700
    assert not any(name in ("sysu-mm01", "llcm", "folder") for name, _ in ratios)


def test_the_real_spectra_have_the_ratio_of_specimens(rruff_real):
    data = load("rruff", rruff_real)
    split, pair = data.split("B", 0), data.table.pair
    tested, trained = (len(np.unique(pair[rows])) for rows in (split.test, split.train))
    assert data_set("rruff").resampled["B"] == tested / trained
