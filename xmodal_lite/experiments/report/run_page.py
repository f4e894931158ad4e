"""What the page of a run shows: where its numbers come from, and how to start it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from xmodal_lite.escape import markdown, markdown_code
from xmodal_lite.experiments.data import root_option
from xmodal_lite.experiments.spec import RunRecord


@dataclass(frozen=True)
class RunReport:
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
        commit = f", commit {markdown_code(record.commit)}" if record.commit else ""
        lines = {
            "Run": f"`{spec.hash}`, finished {markdown(record.finished)}",
            "Data": f"{spec.benchmark}, {spec.source}, fingerprint {markdown_code(record.fingerprint[:12])}",
            "Time": f"{record.seconds:.0f} s of training and evaluation",
            "Speed": markdown(record.speed()),
            "Peak memory": f"{record.peak_memory_mb:.0f} MB",
            "Machine": markdown(f"{record.device}; {versions}"),
            "Parameters": f"{record.parameters:,}" if record.parameters else "",
            "Code": markdown_code(record.code[:12]) + commit,
            "Recipe": markdown_code(spec.recipe.model_dump_json(exclude_defaults=True)),
        }
        rows = [f"| {name} | {text} |" for name, text in lines.items() if text]
        return "\n".join(["| | |", "|:---|:---|", *rows])

    def commands(self) -> str:
        """Write how the same run is started from a terminal."""
        spec = self.record.spec
        root = root_option(spec.benchmark, spec.source)
        changes = [f"{name}={json.dumps(value)}" for name, value in spec.overrides.items()]
        quoted = "".join(" --set '{}'".format(change.replace("'", "'\\''")) for change in changes)
        options = f"--protocol {spec.protocol} --profile {spec.profile} --seed {spec.seed}{quoted}"
        return f"```bash\nxmodal run {spec.method} {spec.benchmark}{root} \\\n  {options}\n```"
