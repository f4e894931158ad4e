"""A checkpoint is whole or absent, belongs to one run, and carries no code."""

import errno
import json
from dataclasses import replace

import pytest
import torch

from xmodal_lite.errors import CheckpointError
from xmodal_lite.training import Checkpoint, latest_checkpoint, load_checkpoint, save_checkpoint
from xmodal_lite.training import checkpoint as module


@pytest.fixture
def checkpoint():
    layer = torch.nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return Checkpoint(40, "abc", layer.state_dict(), optimiser.state_dict(), [{"step": 40.0, "id": 0.5}], 1.5)


def test_what_is_saved_comes_back(tmp_path, checkpoint):
    path = save_checkpoint(tmp_path, checkpoint)
    back = load_checkpoint(path, "abc")
    assert (back.step, back.history, back.seconds) == (40, [{"step": 40.0, "id": 0.5}], 1.5)
    assert all(torch.equal(back.model[name], value) for name, value in checkpoint.model.items())
    moment = checkpoint.optimiser["state"][0]["exp_avg"]
    assert torch.equal(back.optimiser["state"][0]["exp_avg"], moment)


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


def test_code_and_precision_are_kept_and_others_do_not_go_on(tmp_path, checkpoint):
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


def test_a_checkpoint_from_before_code_was_kept_is_other_code(tmp_path, checkpoint):
    path = save_checkpoint(tmp_path, checkpoint)
    state = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(
        json.dumps({k: state[k] for k in ("step", "owner", "history", "seconds")})
    )
    assert load_checkpoint(path, "abc", precision="no").step == 40
    with pytest.raises(CheckpointError, match=r"by other code \(an older version, not c0de\)"):
        load_checkpoint(path, "abc", code="c0de", precision="no")


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "state.json"])
def test_a_damaged_file_is_named(tmp_path, checkpoint, name):
    path = save_checkpoint(tmp_path, checkpoint)
    whole = (path / name).read_bytes()
    (path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=f"{path.name} is damaged"):
        load_checkpoint(path, "abc")


def full(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_previous_checkpoint_whole(tmp_path, checkpoint, monkeypatch):
    first = save_checkpoint(tmp_path, checkpoint)
    monkeypatch.setattr(module.torch, "save", full)
    with pytest.raises(CheckpointError, match=r"No space left.*The checkpoint before it is whole"):
        save_checkpoint(tmp_path, replace(checkpoint, step=80))
    assert [path.name for path in tmp_path.iterdir()] == [first.name]
    assert load_checkpoint(first, "abc").step == 40


def test_a_full_disk_at_the_first_checkpoint_promises_none(tmp_path, checkpoint, monkeypatch):
    monkeypatch.setattr(module.torch, "save", full)
    with pytest.raises(CheckpointError, match=r"No space left.*There is none before it: free some space"):
        save_checkpoint(tmp_path, checkpoint)


def test_a_half_written_folder_is_never_taken(tmp_path, checkpoint):
    save_checkpoint(tmp_path, checkpoint)
    (tmp_path / ".checkpoint-0000080.partial").mkdir()
    assert latest_checkpoint(tmp_path).name == "checkpoint-0000040"
