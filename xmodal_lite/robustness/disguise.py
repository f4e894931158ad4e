"""Disguise: a face wears sunglasses, a mask or a wig. Synthetic faces alone, which can be drawn again.

Ours. The paper on cmUNet is said to speak of robustness to disguise; its form there is not known.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark
from xmodal_lite.data.images import decode_image
from xmodal_lite.errors import SpecError
from xmodal_lite.robustness.changes import Change
from xmodal_lite.synthetic import FACES, disguised

STREAM = 47  # keeps these draws apart from those of the faces themselves


class Disguise(Change):
    """Synthetic faces, drawn again with something on them; pose, light, background and noise stay as they were.

    Attributes
    ----------
    item : {"sunglasses", "mask", "wig"}
        What every face wears. Its form and colour are drawn for each image.
    """

    kind: Literal["disguise"] = "disguise"
    item: Literal["sunglasses", "mask", "wig"]

    @property
    def curve(self) -> str:
        """See `Change.curve`."""
        return self.item

    @property
    def level(self) -> float:
        """1: it is worn."""
        return 1.0

    def check(self, benchmark: Benchmark) -> None:
        """See `Change.check`."""
        if benchmark.source != "synthetic" or benchmark.name not in FACES:
            raise SpecError(
                f"a disguise is drawn by the generator of synthetic faces, and these are {benchmark.source} data of "
                f"{benchmark.name}; test one of {', '.join(FACES)} without a data root"
            )

    def of(self, benchmark: Benchmark, rows: np.ndarray, seed: int) -> np.ndarray:
        """See `Change.of`."""
        assert benchmark.root is not None  # of images on a disk
        paths = benchmark.table.path[rows].tolist()
        chances = [np.random.default_rng([seed, STREAM, row]) for row in rows.tolist()]
        size = benchmark.samples.shape[2:]
        files = zip(paths, disguised(benchmark.root, paths, self.item, chances), strict=True)
        return np.stack([decode_image(path, content, size) for path, content in files])
