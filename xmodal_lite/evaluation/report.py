"""A report names its whole protocol: a rank-1 without the protocol beside it compares with nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


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
        The same measures for each trial; a protocol without trials has one.
    """

    protocol: str
    metrics: dict[str, float]
    trials: tuple[dict[str, float], ...]

    @classmethod
    def of_trials(cls, protocol: str, trials: Sequence[Mapping[str, float]]) -> Report:
        """Average the measures of all trials; ValueError if there is none or their measures differ."""
        if not trials:
            raise ValueError("a report needs at least one trial")
        if any(trial.keys() != trials[0].keys() for trial in trials):
            raise ValueError("the trials of one report must hold the same measures")
        means = {name: float(np.mean([trial[name] for trial in trials])) for name in trials[0]}
        return cls(protocol, means, tuple(dict(trial) for trial in trials))

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
            "trials": [dict(trial) for trial in self.trials],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Report:
        """Rebuild what ``to_dict`` wrote."""
        return cls(
            record["protocol"], dict(record["metrics"]), tuple(dict(trial) for trial in record["trials"])
        )
