"""Hand a trained run on: one folder with what matching needs, how the numbers came about, and checksums of it all."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments.calibration import FILE as CALIBRATION
from xmodal_lite.experiments.spec import RunRecord
from xmodal_lite.experiments.stored import (
    SUMS,
    WEIGHTS,
    LoadedRun,
    embedding_tensors,
    load_run,
    random_samples,
    sha256,
)
from xmodal_lite.models import Matcher

CARD, LOG = "README.md", "history.txt"
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-4  # of an embedding of unit length, between torch and onnxruntime


def export(folder: Path, target: Path, *, onnx: bool = False) -> dict[str, float]:
    """Write a finished run into a folder of its own: weights, record, calibration, model card, log, checksums.

    `open_run` opens that folder, too.

    Parameters
    ----------
    folder : Path
        Of a finished run, from `find_run`.
    target : Path
        Made; it must not be there yet.
    onnx : bool
        Also write `embed_v.onnx` and `embed_r.onnx`: samples (B, C, ...) as `Retriever.read` returns them in,
        embeddings (B, D) out, for any B.

    Returns
    -------
    dict of str to float
        For each ONNX file, the largest difference between its embeddings and torch's.

    Raises
    ------
    CheckpointError
        The run cannot be opened, the folder is there already or cannot be written, or an ONNX file does not compute
        what torch does.
    SpecError
        The run is an exported one, or a package that ONNX needs is missing.
    """
    if onnx:
        _require_onnx()
    if target.exists():
        raise CheckpointError(f"{target} is there already; remove it or choose another folder")
    stored = load_run(folder)
    if stored.exported:
        raise SpecError(f"{folder} is an exported run; copy that folder, or export the run itself")
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        tensors = embedding_tensors(stored.matcher)
        whole = {name: x.contiguous() for name, x in tensors.items()}
        # not save_file: it wraps what the system says of a full disk, and makes a file that only its owner can read
        (partial / WEIGHTS).write_bytes(save(whole, {"format": "pt", "run": stored.record.spec.hash}))
        for name in ("spec.json", "record.json", CALIBRATION):
            if (folder / name).exists():
                shutil.copyfile(folder / name, partial / name)
        differences = _write_onnx(stored, partial) if onnx else {}
        (partial / LOG).write_text(history_text(stored.history), encoding="utf-8")
        (partial / CARD).write_text(model_card(stored, whole, list(differences)), encoding="utf-8")
        files = sorted(path for path in partial.iterdir())
        sums = "".join(f"{sha256(path)}  {path.name}\n" for path in files)
        (partial / SUMS).write_text(sums, encoding="utf-8")
        _check_same(stored, load_run(partial))
        partial.rename(target)
    except OSError as error:
        raise CheckpointError(
            f"cannot write {target}: {error}; free some space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return differences


def history_text(history: Sequence[dict[str, float]]) -> str:
    """Lay a training log out in columns: step, learning rate, and the mean of each loss since the line before."""
    names = list(dict.fromkeys(name for line in history for name in line))
    rows = [names, *([f"{line[name]:.6g}" if name in line else "-" for name in names] for line in history)]
    return "".join(" ".join(f"{cell:>12}" for cell in row) + "\n" for row in rows)


def model_card(stored: LoadedRun, tensors: dict[str, Tensor], onnx: Sequence[str]) -> str:
    """Write the page that a model hub shows: what this is, what it scored under which protocol, how to load it."""
    record, spec = stored.record, stored.record.spec
    v, r = stored.modalities
    numbers = sum(x.numel() for x in tensors.values())
    height, width = stored.recipe.image_size or (0, 0)
    kind = f"images of {height} x {width} pixels (height x width)" if height else "spectra"
    rows = [
        f"| {name.rpartition('/')[0]} | {name.rpartition('/')[2]} | {100 * value:.1f} |"
        for name, value in record.metrics.items()
    ]
    made_up = spec.source == "synthetic"
    # else by search, as SYSU-MM01's
    directed = any(name.startswith(("v2r/", "r2v/")) for name in record.metrics)
    legend = "v2r: queries of modality v, gallery of modality r; r2v the reverse. " if directed else ""
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

# {spec.method} on {spec.benchmark}{" (STAND-IN)" if made_up else ""}

{_warning(record)}Embeds {kind} of two modalities, v ({v}) and r ({r}), so that the cosine of two embeddings tells how
likely both show the same identity. Run `{spec.hash}` of xmodal-lite: method `{spec.method}`, profile `{spec.profile}`,
seed {spec.seed}. `{WEIGHTS}` holds the {numbers:,} numbers that embedding needs; what only training needs is left out.

## Numbers

Protocol: {record.protocol}.

| {"Direction" if directed else "Search"} | Measure | % |
|:---|:---|---:|
{chr(10).join(rows)}

{legend}One seed; the whole record is in `record.json`, the losses of the training in `{LOG}`.

## Data

{_data(record)}

## How to load

```python
from xmodal_lite.experiments import open_run

matcher = open_run("path/to/this/folder")
matches = matcher.match(["query"], gallery="folder", k=5)
```

or `xmodal match QUERY --gallery FOLDER --run path/to/this/folder`. Every file is checked against `{SUMS}`.
{_onnx_text(onnx)}
## Limits

{_calibrated(stored)}
Trained on one data set; how it does on another was not measured. Do not decide about people by it.

## Licence

{_licence(record)}
"""


def _warning(record: RunRecord) -> str:
    if record.spec.source != "synthetic":
        return ""
    return (
        "> **STAND-IN DATA.** This model was trained and tested on made-up, procedurally drawn data. Its numbers say "
        f"that the code works. They say nothing about {record.spec.benchmark} itself: do not set them beside numbers "
        "of real data, and do not use these weights on real data.\n\n"
    )


def _calibrated(stored: LoadedRun) -> str:
    if stored.calibration is None:
        return "There is no calibration, so there are no prediction sets."
    queries = " and ".join(
        f"{len(scores)} queries of modality {name[0]}" for name, scores in stored.calibration.scores.items()
    )
    return (
        f"Prediction sets are calibrated on {queries} of the run's own test. Their coverage holds for queries that are "
        "exchangeable with those, and for no others."
    )


def _data(record: RunRecord) -> str:
    made = "A procedural synthetic for" if record.spec.source == "synthetic" else "A copy of"
    return (
        f"{made} `{record.spec.benchmark}`, SHA-256 `{record.fingerprint}`. The data are not part of this folder. "
        f"`xmodal_lite/benchmarks` says where they come from and what to cite."
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
        f"\n{names} take `samples` (B, C, ...), as `Retriever.read` returns them, and give `embeddings` (B, D) of "
        "unit length, in float32.\n"
    )


def _check_same(stored: LoadedRun, written: LoadedRun) -> None:
    """Refuse an export that embeds otherwise than the run does."""
    samples = random_samples(stored.recipe, 3)
    with torch.inference_mode():
        same = all(torch.equal(*(x.matcher.embed(samples, m) for x in (stored, written))) for m in (0, 1))
    if not same:
        raise CheckpointError(
            f"what was exported of {stored.folder} embeds otherwise than the run; please report this"
        )


# ---- ONNX


class _Embed(nn.Module):
    """The part of a matcher that an ONNX file holds: one modality's way from samples to embeddings."""

    def __init__(self, matcher: Matcher, modality: int) -> None:
        super().__init__()
        self.matcher, self.modality = matcher, modality

    def forward(self, samples: Tensor) -> Tensor:
        return self.matcher.embed(samples, self.modality)


def _require_onnx() -> None:
    if missing := [name for name in ONNX_PACKAGES if importlib.util.find_spec(name) is None]:
        raise SpecError(f"--onnx needs {', '.join(missing)}: pip install {' '.join(missing)}")


def _write_onnx(stored: LoadedRun, folder: Path) -> dict[str, float]:
    """Write a file for each modality, and return how far its embeddings are from torch's."""
    differences = {}
    for modality, letter in enumerate("vr"):
        path = folder / f"embed_{letter}.onnx"
        model = _Embed(stored.matcher, modality).eval()
        torch.onnx.export(
            model,
            (random_samples(stored.recipe, 2),),
            path,
            input_names=["samples"],
            output_names=["embeddings"],
            dynamic_shapes={"samples": {0: torch.export.Dim("batch")}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        differences[path.name] = _difference(model, path, random_samples(stored.recipe, 5))
    return differences


def _difference(model: nn.Module, path: Path, samples: Tensor) -> float:
    """Return the largest difference between torch's embeddings and onnxruntime's, of another batch than was traced."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"samples": samples.numpy()})
    with torch.inference_mode():
        expected = model(samples).numpy()
    apart = float(np.abs(found - expected).max())
    if not apart <= TOLERANCE:
        raise CheckpointError(
            f"{path.name} differs from torch by {apart:.1e}, more than {TOLERANCE}; nothing is written"
        )
    return apart
