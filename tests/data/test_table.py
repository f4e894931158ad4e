from dataclasses import replace

import numpy as np
import pytest

from xmodal_lite.data.table import SampleTable


def table() -> SampleTable:
    return SampleTable(
        path=np.array(["raman/a", "raman/b", "infrared/a", "infrared/c", "raman/a2"]),
        identity=np.array([2, 4, 2, 7, 2]),
        camera=np.array([532, 780, 0, 0, 514]),
        modality=np.array([0, 0, 1, 1, 0], dtype=np.int8),
        pair=np.array([0, -1, 0, -1, 1]),
        identity_names=tuple("abcdefgh"),
    )


def test_counts() -> None:
    assert len(table()) == 5
    assert table().counts() == {
        "samples": 5,
        "v": 3,
        "r": 2,
        "identities": 3,
        "paired identities": 1,
        "specimens in both": 1,  # the two rows with -1 are no specimen
    }


@pytest.mark.parametrize("rows", [np.array([3, 0]), np.array([True, False, False, True, False])])
def test_select_keeps_numbers_and_names(rows: np.ndarray) -> None:
    part = table().select(rows)
    assert part.path.tolist() == table().path[rows].tolist()
    assert part.identity_names == table().identity_names
    assert part.identity.tolist() == table().identity[rows].tolist()
    assert len(part) == 2


def test_columns_of_different_lengths_are_refused() -> None:
    whole = table()
    with pytest.raises(ValueError, match="equally long"):
        replace(whole, path=whole.path[:4])
