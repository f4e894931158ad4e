"""What a study of several levels says of a run: a metric over the level, and the area under that curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from xmodal_lite.robustness.records import StudyRecord


def curve_frame(study: StudyRecord) -> pd.DataFrame:
    """Return every curve of a study, a line for each level; level 0 is the clean test.

    Returns
    -------
    pandas.DataFrame
        Columns `case` ("query", "gallery" or "both" are changed), `curve` (what the change is), `metric` (such as
        "v2r/rank1"), `level` and `value` (a fraction), by level within each curve.
    """
    lines = [
        (case, level.change.curve, metric, level.change.level, value)
        for level in study.levels
        for case, metrics in level.cases.items()
        for metric, value in metrics.items()
    ]
    starts = {(case, curve, metric, 0.0, study.clean[metric]) for case, curve, metric, *_ in lines}
    frame = pd.DataFrame([*starts, *lines], columns=["case", "curve", "metric", "level", "value"])
    return frame.sort_values(["case", "curve", "metric", "level"], ignore_index=True)


def summary(study: StudyRecord) -> dict[str, float]:
    """Return one number for each curve of a study, by "case/curve/metric".

    Of several levels it is the area under the curve, relative to no loss at any level: 1 is a metric that no level
    lowers. The area is that of straight lines between the levels. Of one level it is the metric itself. Ours.
    """
    groups = curve_frame(study).groupby(["case", "curve", "metric"], sort=False)
    return {
        f"{case}/{curve}/{metric}": relative_area(of["level"].to_numpy(), of["value"].to_numpy())
        if len(of) > 2
        else float(of["value"].iloc[-1])
        for (case, curve, metric), of in groups
    }


def relative_area(levels: Sequence[float] | np.ndarray, values: Sequence[float] | np.ndarray) -> float:
    """Return the area under a curve divided by that of its first value kept; 0 where the first value is 0.

    Parameters
    ----------
    levels, values : (n,) float
        Ascending levels, the first of which is that of no change.
    """
    span, first = levels[-1] - levels[0], values[0]
    return float(np.trapezoid(values, levels) / (span * first)) if span and first else 0.0
