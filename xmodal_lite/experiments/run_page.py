"""The page of one run: made now or taken from the store, with its whole record, its losses and how to repeat it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xmodal_lite.experiments.data import dims_of, open_benchmark
from xmodal_lite.experiments.methods import resolve
from xmodal_lite.experiments.run import run
from xmodal_lite.experiments.spec import RunRecord, make_spec
from xmodal_lite.experiments.store import RunStore
from xmodal_lite.training import latest_checkpoint, load_checkpoint


@dataclass(frozen=True)
class RunPage:
    """What the page of a run shows.

    Attributes
    ----------
    record : RunRecord
        The outcome.
    history : sequence of dict
        The training log, as `xmodal_lite.training.fit` returns it; empty for methods without training.
    """

    record: RunRecord
    history: Sequence[dict[str, float]]

    def markdown(self) -> str:
        """Write where the numbers come from: time, memory, machine, code, data and recipe."""
        record, spec = self.record, self.record.spec
        versions = ", ".join(f"{name} {number}" for name, number in record.versions.items())
        lines = {
            "Run": f"`{spec.hash}`, finished {record.finished}",
            "Data": f"{spec.benchmark}, {spec.source}, fingerprint `{record.fingerprint[:12]}`",
            "Time": f"{record.seconds:.0f} s of training and evaluation",
            "Speed": record.speed(),
            "Peak memory": f"{record.peak_memory_mb:.0f} MB",
            "Machine": f"{record.device}; {versions}",
            "Parameters": f"{record.parameters:,}" if record.parameters else "",
            "Code": f"`{record.code[:12]}`" + (f", commit `{record.commit}`" if record.commit else ""),
            "Recipe": f"`{spec.recipe.model_dump_json(exclude_defaults=True)}`",
        }
        return "\n".join(
            ["| | |", "|:---|:---|", *(f"| {name} | {text} |" for name, text in lines.items() if text)]
        )

    def commands(self) -> str:
        """Write how the same run is started from a terminal."""
        spec = self.record.spec
        root = f" --data-root path/to/{spec.benchmark}" if spec.source == "real" else ""
        changes = "".join(f" --set '{name}={json.dumps(value)}'" for name, value in spec.overrides.items())
        options = f"--protocol {spec.protocol} --profile {spec.profile} --seed {spec.seed}{changes}"
        return f"```bash\nxmodal run {spec.method} {spec.benchmark}{root} \\\n  {options}\n```"


def run_page(
    method: str,
    benchmark: str,
    *,
    data_root: str = "",
    folder: Path | str = "data",
    protocol: str = "",
    profile: str = "demo",
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
    store: Path | str = "runs",
) -> RunPage:
    """Make a run, or what is left of it, and collect what its page shows.

    Parameters
    ----------
    method, benchmark, profile : str
        Names.
    data_root : str
        Folder in the benchmark's own layout; empty makes the synthetic data set.
    folder : Path or str
        Where synthetic data sets are kept.
    protocol : str
        Empty for the benchmark's first.
    seed : int
        Seeds the split, the weights and every draw in training.
    changes : mapping, optional
        Changes to the profile's recipe, by dotted name.
    store : Path or str
        Where runs are kept.

    Raises
    ------
    SpecError
        A name is unknown, or a value is out of range.
    DataError
        The data are not in their layout.
    CheckpointError, DivergedError, DeviceError
        See `xmodal_lite.experiments.run`.
    """
    overrides, runs = dict(changes or {}), RunStore(store)
    dims = dims_of(benchmark, data_root)
    recipe = resolve(
        method, benchmark, profile, overrides, dims=dims
    )  # a wrong name is told before data are made
    data = open_benchmark(benchmark, data_root, profile=profile, folder=folder, size=recipe.image_size)
    protocol = protocol or data.protocols[0]
    spec = make_spec(method, data, protocol=protocol, profile=profile, seed=seed, overrides=overrides)
    record = run(spec, data, runs)
    last = latest_checkpoint(runs.folder(spec))
    return RunPage(record, load_checkpoint(last, spec.hash).history if last else [])
