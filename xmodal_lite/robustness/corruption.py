"""Corruption of visible images at test, as in the corrupted test sets SYSU-MM01-C and RegDB-C.

Chen, Wang and Zheng, Benchmarks for Corruption Invariant Person Re-identification (NeurIPS 2021, datasets and
benchmarks), and their public code: visible images alone are corrupted, so the gallery where queries are infrared, and
the queries where the gallery is; each image by one of twenty corruptions and one of five severities, both at random.
Theirs are corrupted before the resize and drawn anew in each test; ours after it, and by the seed of the run.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator

from xmodal_lite.data.corruption import check_corruption, corrupt_images
from xmodal_lite.robustness.changes import SampleChange

MEAN_SEVERITY = 3.0


class Corruption(SampleChange):
    """Visible images, corrupted. Needs the extra "corruption" when it is applied.

    Attributes
    ----------
    name : str, optional
        One of `xmodal_lite.data.corruption.CORRUPTIONS`; by default one is drawn for each image.
    severity : int, optional
        1 to 5; by default one is drawn for each image.
    """

    kind: Literal["corruption"] = "corruption"
    name: str | None = None
    severity: int | None = None
    modalities: ClassVar[tuple[int, ...]] = (0,)

    @model_validator(mode="after")
    def _exists(self) -> Self:
        check_corruption(self.name, self.severity)
        return self

    @property
    def curve(self) -> str:
        """See `Change.curve`."""
        return self.name.replace("_", " ") if self.name else "visible images corrupted at random"

    @property
    def level(self) -> float:
        """The severity; where one is drawn for each image, their mean."""
        return float(self.severity or MEAN_SEVERITY)

    def change(self, samples: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        """See `Change.apply`."""
        return corrupt_images(samples, rows, seed, self.name, self.severity)
