"""A checkpoint is whole or absent, belongs to one run, carries no code, and is believed only as it was written."""

import errno
import json
import pickle
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from xmodal_lite import files
from xmodal_lite.errors import CheckpointError
from xmodal_lite.training import Checkpoint, latest_checkpoint, load_checkpoint, save_checkpoint
from xmodal_lite.training import checkpoint as module

FILES = ["model.safetensors", "optimizer.safetensors", "state.json"]


@pytest.fixture
def checkpoint():
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()["state"]
    return Checkpoint(40, "abc", layer.state_dict(), state, [{"step": 40.0, "id": 0.5}], 1.5)


def rewrite(path, **changes):
    """Change `state.json` and give it the right checksum again, as no accident does."""
    state = json.loads((path / "state.json").read_text()) | changes
    state["sha256"] = {name: files.sha256(path / name) for name in FILES[:2]}
    state = {name: value for name, value in state.items() if value is not None}
    del state["checksum"]
    (path / "state.json").write_text(json.dumps(state | {"checksum": module._digest(state)}))


def test_what_is_saved_comes_back(tmp_path, checkpoint):
    path = save_checkpoint(tmp_path, replace(checkpoint, scaler={"scale": 8.0, "_growth_tracker": 3}))
    back = load_checkpoint(path, "abc")
    assert (back.step, back.history, back.seconds) == (40, [{"step": 40.0, "id": 0.5}], 1.5)
    assert all(torch.equal(back.model[name], value) for name, value in checkpoint.model.items())
    for number, kept in checkpoint.optimizer.items():
        assert back.optimizer[number].keys() == kept.keys()
        assert all(torch.equal(back.optimizer[number][name], value) for name, value in kept.items())
    assert back.scaler == {"scale": 8.0, "_growth_tracker": 3}
    assert isinstance(back.scaler["_growth_tracker"], int)


def test_a_layer_under_two_names_is_kept_under_both(tmp_path, checkpoint):
    layer = torch.nn.Linear(2, 2)
    model = torch.nn.ModuleList([layer, layer]).state_dict()
    back = load_checkpoint(save_checkpoint(tmp_path, replace(checkpoint, model=model)), "abc").model
    assert back.keys() == model.keys()
    assert all(torch.equal(back[name], value) for name, value in model.items())


def test_only_the_newest_is_kept(tmp_path, checkpoint):
    for step in (40, 80, 120):
        save_checkpoint(tmp_path, replace(checkpoint, step=step))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-0000120"]
    assert latest_checkpoint(tmp_path).name == "checkpoint-0000120"


def test_no_checkpoint_is_none(tmp_path):
    assert latest_checkpoint(tmp_path) is None


def test_another_runs_checkpoint_is_refused(tmp_path, checkpoint):
    path = save_checkpoint(tmp_path, checkpoint)
    with pytest.raises(CheckpointError, match=r"belongs to run abc, not to xyz"):
        load_checkpoint(path, "xyz")


def test_code_and_precision_are_kept_and_others_do_not_resume(tmp_path, checkpoint):
    path = save_checkpoint(tmp_path, replace(checkpoint, code="c0de", precision="bf16"))
    back = load_checkpoint(path, "abc", code="c0de", precision="bf16")
    assert (back.code, back.precision) == ("c0de", "bf16")
    with pytest.raises(
        CheckpointError, match=r"by other code \(c0de, not 0ther\).*use that version, or delete"
    ):
        load_checkpoint(path, "abc", code="0ther", precision="bf16")
    with pytest.raises(CheckpointError, match=r"trained in bf16, not in float32 as this device would"):
        load_checkpoint(path, "abc", code="c0de", precision="no")
    assert load_checkpoint(path, "abc").step == 40  # to read it, anybody may


def test_a_checkpoint_of_an_older_version_is_one_clear_error(tmp_path, checkpoint):
    """It had no checksum, and pickled the state of its optimizer."""
    path = save_checkpoint(tmp_path, checkpoint)
    state = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(
        json.dumps({k: state[k] for k in ("step", "owner", "history", "seconds")})
    )
    (path / "optimizer.safetensors").rename(path / "optimizer.pt")
    with pytest.raises(CheckpointError, match=r"no checksum.*older version.*use that version, or delete"):
        load_checkpoint(path, "abc")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["half", "gone", "empty", "one bit"])
def test_a_damaged_file_is_named(tmp_path, checkpoint, name, damage):
    path = save_checkpoint(tmp_path, checkpoint)
    file, whole = path / name, (path / name).read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        flipped = whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]
        file.write_bytes({"half": whole[: len(whole) // 2], "empty": b"", "one bit": flipped}[damage])
    with pytest.raises(CheckpointError, match=f"{path.name} is damaged.*{name}.*delete that folder"):
        load_checkpoint(path, "abc")


@pytest.mark.parametrize(
    "changes",
    [{"step": 80}, {"seconds": 2.0}, {"history": []}, {"code": "0ther"}, {"precision": "bf16"}, {"more": 1}],
)
def test_a_changed_state_is_refused_by_its_checksum(tmp_path, checkpoint, changes):
    path = save_checkpoint(tmp_path, checkpoint)
    state = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps(state | changes))
    with pytest.raises(CheckpointError, match=r"state\.json is not the file that was written: its SHA-256"):
        load_checkpoint(path, "abc")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"step": 80}, "it holds step 80"),
        ({"step": 0}, "step"),
        ({"step": -1}, "step"),
        ({"step": "40"}, "step"),
        ({"step": 40.5}, "step"),
        ({"step": True}, "step"),
        ({"seconds": -1.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": float("inf")}, "seconds"),
        ({"seconds": "1"}, "seconds"),
        ({"history": {"step": 40.0}}, "history"),
        ({"history": [40.0]}, "history"),
        ({"history": [{"step": "40"}]}, "history"),
        ({"history": [{"step": 40.0, "id": float("nan")}]}, "history"),
        ({"history": [{"step": 40.0}, {"step": 20.0}]}, "history do not rise"),
        ({"history": [{"step": 44.0}]}, "history goes to step 44"),
        ({"history": [{"id": 4.0}]}, "history do not rise"),
        ({"owner": 5}, "owner"),
        ({"precision": "int8"}, "precision"),
        ({"scaler": {"scale": "8"}}, "scaler"),
        ({"more": 1}, "more"),
        ({"seconds": None}, "seconds"),  # taken out
    ],
)
def test_a_state_that_no_training_writes_is_refused(tmp_path, checkpoint, changes, words):
    path = save_checkpoint(tmp_path, checkpoint)
    rewrite(path, **changes)
    with pytest.raises(CheckpointError, match=rf"(?s){path.name} is damaged.*{words}.*delete that folder"):
        load_checkpoint(path, "abc")


@pytest.mark.parametrize("text", ["[]", "3", "null", "{", "[" * 100_000, "\x00"])
def test_a_state_that_is_no_state_is_refused(tmp_path, checkpoint, text):
    path = save_checkpoint(tmp_path, checkpoint)
    (path / "state.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"state\.json"):
        load_checkpoint(path, "abc")


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


@pytest.mark.parametrize("name", FILES[:2])
def test_no_pickle_is_executed(tmp_path, checkpoint, name):
    path = save_checkpoint(tmp_path, checkpoint)
    (path / name).write_bytes(pickle.dumps(Trap(tmp_path / "executed")))
    rewrite(path)
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(path, "abc")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("key", ["exp_avg", "a.b", "-", ""])
def test_a_state_of_no_parameter_is_refused(tmp_path, checkpoint, key):
    path = save_checkpoint(tmp_path, checkpoint)
    tensors = load_file(path / "optimizer.safetensors")
    save_file(tensors | {key: torch.zeros(1)}, path / "optimizer.safetensors")
    rewrite(path)
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(path, "abc")


def full(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_previous_checkpoint_whole(tmp_path, checkpoint, monkeypatch):
    first = save_checkpoint(tmp_path, checkpoint)
    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(CheckpointError, match=r"No space left.*The checkpoint before it is whole"):
        save_checkpoint(tmp_path, replace(checkpoint, step=80))
    assert [path.name for path in tmp_path.iterdir()] == [first.name]
    assert load_checkpoint(first, "abc").step == 40


def test_a_full_disk_at_the_first_checkpoint_promises_none(tmp_path, checkpoint, monkeypatch):
    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(CheckpointError, match=r"No space left.*There is none before it: free some space"):
        save_checkpoint(tmp_path, checkpoint)


def test_a_half_written_folder_is_never_taken(tmp_path, checkpoint):
    save_checkpoint(tmp_path, checkpoint)
    (tmp_path / ".checkpoint-0000080.partial").mkdir()
    assert latest_checkpoint(tmp_path).name == "checkpoint-0000040"
