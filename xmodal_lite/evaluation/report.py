"""A report names its whole protocol: a rank-1 without the protocol beside it compares with nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xmodal_lite.evaluation.distance import cosine_distances
from xmodal_lite.evaluation.nearest_sample import nearest_sample_metrics


@dataclass(frozen=True)
class Report:
    """The result of one protocol.

    Attributes
    ----------
    protocol : str
        The whole protocol in words.
    metrics : dict of str to float
        Fractions from 0 to 1, named "direction/measure" such as "v2r/rank1"; the means over the trials.
    trials : tuple of dict
        The same measures for each draw of the gallery; a protocol without trials has one.
    """

    protocol: str
    metrics: dict[str, float]
    trials: tuple[dict[str, float], ...]

    @classmethod
    def of_trials(cls, protocol: str, trials: Sequence[Mapping[str, float]]) -> Report:
        """Average the measures of all trials; ValueError if there is none or their measures differ."""
        if not trials:
            raise ValueError("a report needs at least one draw")
        if any(draw.keys() != trials[0].keys() for draw in trials):
            raise ValueError("the trials of one report must hold the same measures")
        means = {name: float(np.mean([draw[name] for draw in trials])) for name in trials[0]}
        return cls(protocol, means, tuple(dict(draw) for draw in trials))

    def __str__(self) -> str:
        """Print the protocol, then one line of percentages for each direction."""
        lines: dict[str, str] = {}
        for name, value in self.metrics.items():
            direction, _, measure = name.rpartition("/")
            lines[direction] = lines.get(direction, f"  {direction}") + f"  {measure} {100 * value:5.1f}"
        note = f" (%, mean of {len(self.trials)} trials)" if len(self.trials) > 1 else " (%)"
        return "\n".join([self.protocol + note, *lines.values()])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        return {
            "protocol": self.protocol,
            "metrics": dict(self.metrics),
            "trials": [dict(draw) for draw in self.trials],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Report:
        """Rebuild what ``to_dict`` wrote."""
        return cls(
            record["protocol"], dict(record["metrics"]), tuple(dict(draw) for draw in record["trials"])
        )


def rruff_report(
    features: ArrayLike, identities: ArrayLike, modality: ArrayLike, protocol_name: str
) -> Report:
    """Measure Raman-infrared matching both ways: cosine, and the best spectrum of each mineral (ours).

    Distances are float64 rounded to nine decimals, so that equal features tie whatever the order in which a
    matrix product adds up; and ties count against the query.

    Parameters
    ----------
    features : array_like, shape (n, D)
        Embeddings of all test spectra, of any length; a row of zeros is at distance 1 from everything.
    identities : array_like, shape (n,)
        Mineral of each spectrum.
    modality : array_like, shape (n,)
        0 (``v``, Raman) or 1 (``r``, infrared).
    protocol_name : str
        The whole protocol in words.

    Returns
    -------
    Report
        ``metrics`` "v2r/rank1", "v2r/rank5", "v2r/rank10" and "v2r/mrr" (Raman query, infrared gallery), and
        the same four for "r2v". With fewer than k minerals in the gallery, rank-k is 1.

    Raises
    ------
    ValueError
        If lengths disagree, a modality is neither 0 nor 1 or has no sample, a feature is NaN or infinite, or
        no mineral was measured both ways.
    """
    x = np.asarray(features, dtype=np.float64)
    identity, side = np.asarray(identities), np.asarray(modality)
    if x.ndim != 2 or identity.shape != x.shape[:1] or side.shape != x.shape[:1]:
        raise ValueError(
            "features, identities and modality must have shapes (n, D), (n,) and (n,), "
            f"not {x.shape}, {identity.shape} and {side.shape}"
        )
    if set(np.unique(side).tolist()) != {0, 1}:
        raise ValueError(f"modality must hold both 0 and 1 and nothing else, not {np.unique(side).tolist()}")
    if not np.isfinite(x).all():
        bad = np.count_nonzero(~np.isfinite(x).all(axis=1))
        raise ValueError(f"features hold NaN or infinite values in {bad} of {len(x)} rows")
    v, r = side == 0, side == 1
    distances = cosine_distances(x[v], x[r]).round(9)  # (Raman spectra, infrared spectra)
    measures: dict[str, float] = {}
    for direction, matrix, query, gallery in (("v2r", distances, v, r), ("r2v", distances.T, r, v)):
        scores = nearest_sample_metrics(matrix, identity[query], identity[gallery])
        for k in (1, 5, 10):
            measures[f"{direction}/rank{k}"] = scores.rank(min(k, len(scores.cmc)))
        measures[f"{direction}/mrr"] = scores.mrr
    return Report.of_trials(protocol_name, [measures])
