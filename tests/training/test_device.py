"""What a device has decides the precision that is used, and a device that is not there is one clear error."""

import pytest
import torch

from xmodal_lite.errors import DeviceError
from xmodal_lite.training import Recipe, device, make_accelerator, usable_precision
from xmodal_lite.training.memory import advice_if_full, what_would_fit


@pytest.mark.parametrize(
    ("asked", "on_gpu", "has_bf16", "used"),
    [
        ("no", True, False, "no"),
        ("no", False, False, "no"),
        ("bf16", True, True, "bf16"),
        ("bf16", True, False, "fp16"),
        ("bf16", False, False, "bf16"),
        ("fp16", True, True, "fp16"),
        ("fp16", False, False, "bf16"),
    ],
)
def test_precision_asked_and_used(asked, on_gpu, has_bf16, used):
    precision, note = usable_precision(asked, on_gpu, has_bf16)
    assert precision == used
    assert bool(note) == (used != asked)


def test_runs_of_several_precisions_follow_each_other_in_one_process():
    for precision in ("no", "bf16", "no"):
        accelerator = make_accelerator(precision, "cpu")
        assert (accelerator.mixed_precision, accelerator.device.type) == (precision, "cpu")


def test_what_is_used_instead_is_said():
    with pytest.warns(UserWarning, match="fp16 needs a GPU, so the run uses bf16"):
        assert make_accelerator("fp16", "cpu").mixed_precision == "bf16"


def test_several_processes_without_a_gpu_meet_on_the_processor(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    launched = {
        "WORLD_SIZE": "2",
        "RANK": "0",
        "LOCAL_RANK": "0",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "1",
    }
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(device, "Accelerator", lambda **options: options["cpu"])
    assert make_accelerator() is True


def test_an_unknown_device_is_refused():
    with pytest.raises(DeviceError, match="unknown device 'tpu'; known: auto, cpu, cuda"):
        make_accelerator(device="tpu")


@pytest.mark.parametrize(
    ("version", "told", "message"),
    [
        (None, "", "was built without it; install a CUDA build"),
        ("13.0", "", "torch finds no GPU that its CUDA 13.0 can use; nvidia-smi"),
        ("13.0", "true", "ACCELERATE_USE_CPU is set"),
    ],
)
def test_cuda_that_is_not_there_is_explained(monkeypatch, version, told, message):
    monkeypatch.setattr(torch.version, "cuda", version)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("ACCELERATE_USE_CPU", told)
    with pytest.raises(DeviceError, match=message):
        make_accelerator(device="cuda")


def recipe(**changes):
    return Recipe(**{"steps": 1, "num_identities": 8, "num_instances": 4, "lr": 0.1, **changes})


def test_full_memory_is_answered_with_numbers():
    told = what_would_fit(recipe(), held=1_000_000_000, peak=7_000_000_000, total=8_000_000_000)
    assert "7.0 GB of 8.0 GB were in use, 1.0 GB of them before the first step" in told
    assert "--set grad_accumulation=2 needs about 4.0 GB" in told
    assert "--set grad_accumulation=4 needs about 2.5 GB" in told
    assert "--set num_identities=4 about 4.0 GB (another batch" in told
    assert "--set precision=bf16" in told


def test_what_cannot_be_halved_is_not_advised():
    told = what_would_fit(recipe(grad_accumulation=4, precision="bf16"), held=0, peak=9, total=9)
    assert "grad_accumulation" not in told
    assert "num_identities" not in told
    assert "precision" not in told
    assert "larger GPU" in told


def test_out_of_memory_becomes_the_advice(monkeypatch):
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2_000_000_000)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 15_000_000_000)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0, 16_000_000_000))
    with (
        pytest.raises(DeviceError, match=r"15\.0 GB of 16\.0 GB"),
        advice_if_full(recipe(), torch.device("cuda")),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")
