"""The page of an exported run, as a model hub shows it, and its training log as columns."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from xmodal_lite.deployment.load import SUMS, WEIGHTS, LoadedRun
from xmodal_lite.escape import markdown, markdown_code
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.store import RECORD

CARD, LOG = "README.md", "history.txt"


def history_text(history: Sequence[dict[str, float]]) -> str:
    """Lay a training log out in columns: step, learning rate, and the mean of each loss since the line before."""
    names = list(dict.fromkeys(name for line in history for name in line))
    rows = [names, *([f"{line[name]:.6g}" if name in line else "-" for name in names] for line in history)]
    return "".join(" ".join(f"{cell:>12}" for cell in row) + "\n" for row in rows)


def model_card(loaded: LoadedRun, tensors: dict[str, Tensor], onnx: Sequence[str]) -> str:
    """Write the page that a model hub shows: what this is, what it scored under which protocol, how to load it."""
    record, spec = loaded.record, loaded.record.spec
    v, r = map(markdown, loaded.modalities)
    numbers = sum(x.numel() for x in tensors.values())
    height, width = loaded.recipe.image_size or (0, 0)
    kind = f"images of {height} x {width} pixels (height x width)" if height else "spectra"
    made_up = spec.source == "synthetic"
    return f"""---
library_name: xmodal-lite
license: {"mit" if made_up else "other"}
pipeline_tag: feature-extraction
tags:
- cross-modality-matching
- {spec.method}
- {spec.benchmark}
- {spec.source}
---

# {spec.method} on {spec.benchmark}{" (SYNTHETIC DATA)" if made_up else ""}

{_warning(record)}Embeds {kind} of two modalities, v ({v}) and r ({r}), so that the cosine of two embeddings tells how
likely both show the same identity. Run `{spec.hash}` of xmodal-lite: method `{spec.method}`, profile `{spec.profile}`,
seed {spec.seed}. `{WEIGHTS}` holds the {numbers:,} numbers that embedding needs; what only training needs is not in it.

## Numbers

{_numbers(record)}

## Data

{_data(record)}

## How to load

```python
from xmodal_lite.deployment import open_run

retriever = open_run("path/to/this/folder")
matches = retriever.match(["query"], gallery="folder", k=5)
```

or `xmodal match QUERY --gallery FOLDER --run path/to/this/folder`. Every file is checked against `{SUMS}`.
{_onnx_text(onnx)}
## Limits

{_calibrated(loaded)}
Trained on one data set; how it does on another was not measured. Do not decide about people by it.

## Licence

{_licence(record)}
"""


def _warning(record: RunRecord) -> str:
    if record.spec.source != "synthetic":
        return ""
    return (
        "> **SYNTHETIC DATA.** This model was trained and tested on made-up, procedurally drawn data. Its numbers say "
        f"that the code works. They say nothing about {record.spec.benchmark} itself: do not set them beside numbers "
        "of real data, and do not use these weights on real data.\n\n"
    )


def _numbers(record: RunRecord) -> str:
    rows = [
        f"| {markdown(name.rpartition('/')[0])} | {markdown(name.rpartition('/')[2])} | {100 * value:.1f} |"
        for name, value in record.metrics.items()
    ]
    # else by search, as SYSU-MM01's
    directed = any(name.startswith(("v2r/", "r2v/")) for name in record.metrics)
    legend = "v2r: queries of modality v, gallery of modality r; r2v the reverse. " if directed else ""
    head = [f"| {'Direction' if directed else 'Search'} | Measure | % |", "|:---|:---|---:|"]
    table = "\n".join([*head, *rows])
    end = f"{legend}One seed; the whole record is in `{RECORD}`, the losses of the training in `{LOG}`."
    return f"Protocol: {markdown(record.protocol)}.\n\n{table}\n\n{end}"


def _calibrated(loaded: LoadedRun) -> str:
    if loaded.calibration is None:
        return "There is no calibration, so there are no prediction sets."
    queries = " and ".join(
        f"{len(scores)} queries of modality {name[0]}" for name, scores in loaded.calibration.scores.items()
    )
    return (
        f"Prediction sets are calibrated on {queries} of the run's own test. Their coverage holds for queries that are "
        "exchangeable with those, and for no others; it is approximate where several of them show one identity."
    )


def _data(record: RunRecord) -> str:
    made = "A procedural synthetic data set for" if record.spec.source == "synthetic" else "A copy of"
    return (
        f"{made} `{record.spec.benchmark}`, SHA-256 {markdown_code(record.fingerprint)}. The data are not part of this "
        "folder. `xmodal_lite/benchmarks` says where they come from and what to cite."
    )


def _licence(record: RunRecord) -> str:
    code = "The code of xmodal-lite is under the MIT licence."
    if record.spec.source == "synthetic":
        return f"{code} So are these weights, as they were trained on data that this code draws."
    return (
        f"{code} The weights were trained on data whose owners have terms of their own, which may not allow to pass "
        "weights on or to use them for a profit: ask them first."
    )


def _onnx_text(onnx: Sequence[str]) -> str:
    if not onnx:
        return ""
    names = " and ".join(f"`{name}`" for name in onnx)
    return (
        f"\n{names} take `samples` (B, C, ...), as `FileReader.read` returns them, and give `embeddings` (B, D) of "
        "unit length, in float32.\n"
    )
