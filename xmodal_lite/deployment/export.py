"""Export a trained run: one folder with what matching needs, where the numbers come from, and checksums of it all."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from xmodal_lite.deployment.load import SUMS, WEIGHTS, LoadedRun, embedding_tensors, load_run, random_samples
from xmodal_lite.deployment.model_card import CARD, LOG, history_text, model_card
from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments.store import CALIBRATION, RECORD
from xmodal_lite.files import atomic_folder, sha256
from xmodal_lite.models.matcher import Matcher

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
        Also write `embed_v.onnx` and `embed_r.onnx`: samples (B, C, ...) as `FileReader.read` returns them in,
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
    loaded = load_run(folder)
    if loaded.exported:
        raise SpecError(f"{folder} is an exported run; copy that folder, or export the run itself")
    tensors = {name: x.contiguous() for name, x in embedding_tensors(loaded.matcher).items()}
    try:
        with atomic_folder(target) as partial:
            # not save_file: it wraps what the system says of a full disk, and makes a file that only its owner can read
            (partial / WEIGHTS).write_bytes(save(tensors, {"format": "pt", "run": loaded.record.spec.hash}))
            for name in ("spec.json", RECORD, CALIBRATION):
                if (folder / name).exists():
                    shutil.copyfile(folder / name, partial / name)
            differences = _write_onnx(loaded, partial) if onnx else {}
            (partial / LOG).write_text(history_text(loaded.history), encoding="utf-8")
            (partial / CARD).write_text(model_card(loaded, tensors, list(differences)), encoding="utf-8")
            sums = "".join(f"{sha256(path)}  {path.name}\n" for path in sorted(partial.iterdir()))
            (partial / SUMS).write_text(sums, encoding="utf-8")
            _check_same(loaded, load_run(partial))
    except OSError as error:
        raise CheckpointError(
            f"cannot write {target}: {error}; free some space or choose another folder"
        ) from error
    return differences


def _check_same(loaded: LoadedRun, written: LoadedRun) -> None:
    """Refuse an export whose embeddings differ from those of the run."""
    samples = random_samples(loaded.recipe, 3)
    with torch.inference_mode():
        same = all(torch.equal(*(x.matcher.embed(samples, m) for x in (loaded, written))) for m in (0, 1))
    if not same:
        raise CheckpointError(
            f"the export of {loaded.folder} gives other embeddings than the run; please report this"
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


def _write_onnx(loaded: LoadedRun, folder: Path) -> dict[str, float]:
    """Write a file for each modality, and return how far its embeddings are from torch's."""
    differences = {}
    for modality, letter in enumerate("vr"):
        path = folder / f"embed_{letter}.onnx"
        model = _Embed(loaded.matcher, modality).eval()
        torch.onnx.export(
            model,
            (random_samples(loaded.recipe, 2),),
            path,
            input_names=["samples"],
            output_names=["embeddings"],
            dynamic_shapes={"samples": {0: torch.export.Dim("batch")}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        differences[path.name] = _difference(model, path, random_samples(loaded.recipe, 5))
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
