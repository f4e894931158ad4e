"""An exported run is small, complete, and gives the embeddings of the run; any other file in it is refused."""

import importlib.util
import json
import shutil
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from xmodal_lite.deployment import export, open_run
from xmodal_lite.deployment.export import TOLERANCE
from xmodal_lite.deployment.load import build_untrained, embedding_tensors, random_samples
from xmodal_lite.deployment.model_card import history_text, model_card
from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.experiments import resolve
from xmodal_lite.files import sha256
from xmodal_lite.models import model_names

module = sys.modules["xmodal_lite.deployment.export"]  # under that name the package has the function


@pytest.fixture
def exported(spectrum_run, tmp_path):
    export(spectrum_run.folder, tmp_path / "out")
    return tmp_path / "out"


def skip_without_onnx():
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install {package}")


def sign_again(folder):
    """Bring the checksums up to date, as somebody who swaps files on purpose would."""
    sums = folder / "SHA256SUMS"
    names = [line.split("  ")[1] for line in sums.read_text().splitlines()]
    sums.write_text("".join(f"{sha256(folder / name)}  {name}\n" for name in names))


def recipes():
    """Yield a small recipe of every trained method, for spectra and for images where it takes them."""
    for method in model_names():
        for benchmark in ("rruff", "regdb"):
            try:
                yield pytest.param(method, resolve(method, benchmark, "tiny", {}), id=f"{method}-{benchmark}")
            except SpecError:
                assert benchmark != "rruff"  # every method is for spectra, not every one for images


@pytest.mark.parametrize(("method", "recipe"), recipes())
def test_embedding_needs_what_is_kept_and_nothing_else(method, recipe):
    torch.manual_seed(0)
    model, other = (build_untrained(method, recipe).eval() for _ in range(2))
    samples, kept = random_samples(recipe, 3), embedding_tensors(model)
    with torch.inference_mode():
        expected = [model.embed(samples, m) for m in (0, 1)]
        assert not torch.equal(other.embed(samples, 0), expected[0])
        for name, own in embedding_tensors(other).items():
            own.copy_(kept[name])
        for name, x in other.state_dict().items():
            if name not in kept and x.is_floating_point():
                x.fill_(torch.nan)
        for m in (0, 1):
            torch.testing.assert_close(other.embed(samples, m), expected[m], rtol=0, atol=0)
    parts = {name.partition(".")[0] for name in kept}
    assert parts <= {"extractor", "unet"}, "a classifier, a discriminator, a branch or a prototype is kept"


def test_an_exported_run_matches_as_the_run_does(spectrum_run, exported):
    queries = sorted((spectrum_run.root / "infrared").rglob("*.txt"))[:3]
    first, second = (
        open_run(folder).match(queries, spectrum_run.root / "raman")
        for folder in (spectrum_run.folder, exported)
    )
    assert first.answers == second.answers
    assert first.rule == second.rule
    assert first.names == second.names == ("infrared", "Raman")


def test_the_folder_holds_all_that_matching_needs(spectrum_run, exported):
    files = {path.name for path in exported.iterdir()}
    assert files == {
        "README.md", "SHA256SUMS", "calibration.json", "history.txt", "model.safetensors", "record.json", "spec.json"
    }  # fmt: skip
    (checkpoint,) = spectrum_run.folder.glob("checkpoint-*")
    used = (exported / "model.safetensors").stat().st_size
    assert used < 0.6 * (checkpoint / "model.safetensors").stat().st_size  # which has the average as well
    assert "rate" in (exported / "history.txt").read_text()


def test_the_card_says_first_that_the_data_are_synthetic(spectrum_run, exported):
    card = (exported / "README.md").read_text()
    assert card.startswith("---\n") and "license: mit" in card
    assert "(SYNTHETIC DATA)" in card and "> **SYNTHETIC DATA.**" in card
    assert spectrum_run.record.protocol in card and spectrum_run.data.fingerprint in card
    for name, value in spectrum_run.record.metrics.items():
        assert f"| {name.replace('/', ' | ')} | {100 * value:.1f} |" in card
    assert "| Direction |" in card and "v2r: queries of modality v, gallery of modality r" in card


def test_the_card_explains_directions_only_where_there_are_some(spectrum_run):
    stored = open_run(spectrum_run.folder).run
    record = stored.record.model_copy(update={"metrics": {"all/rank1": 0.25, "indoor/rank1": 0.5}})
    card = model_card(replace(stored, record=record), {}, [])
    assert "| Search |" in card and "| indoor | rank1 | 50.0 |" in card
    assert "v2r" not in card and "Direction" not in card


def test_the_card_of_real_data_names_the_owners_terms(spectrum_run, tmp_path):
    folder = shutil.copytree(spectrum_run.folder, tmp_path / "run")
    stored = open_run(folder).run
    spec = stored.record.spec.model_copy(update={"data": "real:0123456789ab"})
    object.__setattr__(stored, "record", stored.record.model_copy(update={"spec": spec}))
    card = model_card(stored, {}, [])
    assert "SYNTHETIC" not in card
    assert "license: other" in card and "owners have terms of their own" in card


@pytest.mark.parametrize("name", ["model.safetensors", "record.json", "calibration.json", "README.md"])
def test_an_altered_or_missing_file_is_named(exported, name):
    path = exported / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(
        CheckpointError, match=rf"{name} is not the file that was exported \(its SHA-256 differs\)"
    ):
        open_run(exported)
    path.unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        open_run(exported)


def test_weights_of_another_run_too_few_or_too_many_are_refused(exported):
    path = exported / "model.safetensors"
    tensors = load_file(path)
    first, *rest = sorted(tensors)
    run = {"run": exported.joinpath("calibration.json").read_text().split('"')[3]}
    for written, owner, words in (
        (tensors, {"run": "0" * 16}, "belongs to 0000"),
        (tensors, None, "belongs to no run"),
        ({name: tensors[name] for name in rest}, run, f"lack {first}"),
        ({**tensors, "classifier.weight": torch.ones(2, 2)}, run, "has not: classifier.weight"),
        ({**tensors, first: torch.ones(1, 1)}, run, r"have shape \(1, 1\)"),
    ):
        save_file(written, path, owner)
        sign_again(exported)
        with pytest.raises(CheckpointError, match=words):
            open_run(exported)
    (exported / "SHA256SUMS").write_text("")
    with pytest.raises(CheckpointError, match="does not list"):
        open_run(exported)


def test_nothing_is_overwritten_and_nothing_half_written_stays(spectrum_run, exported, monkeypatch):
    with pytest.raises(CheckpointError, match="is there already"):
        export(spectrum_run.folder, exported)
    with pytest.raises(SpecError, match="is an exported run"):
        export(exported, exported.with_name("again"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save", full)
    with pytest.raises(CheckpointError, match="No space left"):
        export(spectrum_run.folder, exported.with_name("full"))
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]


def test_the_log_has_a_column_for_each_loss():
    text = history_text([{"step": 2.0, "rate": 0.1, "id": 1.5}, {"step": 4.0, "rate": 0.05, "id": 1.25}])
    assert [line.split() for line in text.splitlines()] == [
        ["step", "rate", "id"],
        ["2", "0.1", "1.5"],
        ["4", "0.05", "1.25"],
    ]


def test_without_onnx_installed_it_is_said_before_anything_is_written(spectrum_run, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        SpecError, match="needs onnx, onnxscript, onnxruntime: pip install onnx onnxscript onnxruntime"
    ):
        export(spectrum_run.folder, tmp_path / "out", onnx=True)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["image_run", "spectrum_run"])
def test_onnx_files_compute_what_torch_does(request, tmp_path, name):
    skip_without_onnx()
    finished = request.getfixturevalue(name)
    differences = export(finished.folder, tmp_path / "out", onnx=True)
    assert set(differences) == {"embed_v.onnx", "embed_r.onnx"}
    assert all(0 <= apart <= TOLERANCE for apart in differences.values())
    assert "`embed_v.onnx`" in (tmp_path / "out" / "README.md").read_text()
    open_run(tmp_path / "out")


def test_an_onnx_file_that_computes_something_else_is_refused(spectrum_run, tmp_path, monkeypatch):
    skip_without_onnx()
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    with pytest.raises(CheckpointError, match="differs from torch"):
        export(spectrum_run.folder, tmp_path / "out", onnx=True)
    assert not any(tmp_path.iterdir())


def test_an_exchanged_calibration_is_refused_listed_or_not(exported):
    path, sums = exported / "calibration.json", exported / "SHA256SUMS"
    calibration = json.loads(path.read_text())
    calibration["scores"] = {"v2r": [2.0], "r2v": [2.0]}
    path.write_text(json.dumps(calibration))
    with pytest.raises(CheckpointError, match="is not the file that was exported"):
        open_run(exported)
    lines = [line for line in sums.read_text().splitlines() if "calibration" not in line]
    sums.write_text("\n".join(lines) + "\n")
    with pytest.raises(CheckpointError, match=r"does not list calibration\.json"):
        open_run(exported)


def test_checksums_of_files_elsewhere_or_of_no_text_are_refused(exported, tmp_path):
    sums = exported / "SHA256SUMS"
    (tmp_path / "secret").write_text("x")
    whole = sums.read_text()
    sums.write_text(f"{whole}{sha256(tmp_path / 'secret')}  ../secret\n")
    with pytest.raises(CheckpointError, match=r"lists files of other folders: \.\./secret"):
        open_run(exported)
    sums.write_bytes(b"\xff\xfe")
    with pytest.raises(CheckpointError, match="cannot be read"):
        open_run(exported)


def test_markup_in_the_names_of_modalities_is_escaped_in_the_card(spectrum_run):
    loaded = open_run(spectrum_run.folder).run
    calibration = loaded.calibration.model_copy(update={"modalities": ("<img src=x>", "$a$|*b*")})
    card = model_card(replace(loaded, calibration=calibration), {}, [])
    assert "<img" not in card.replace(r"\<img", "") and r"\$a\$\|\*b\*" in card
