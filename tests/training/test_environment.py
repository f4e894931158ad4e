"""Environment variables of launchers and of Accelerate change no number of a run, or are refused by name."""

import numpy as np
import pytest
import torch

from xmodal_lite.data.sampler import PairSampler
from xmodal_lite.errors import DeviceError
from xmodal_lite.models import build
from xmodal_lite.training import Recipe, TrainingSet, fit, make_accelerator, several_processes

SMALL = {"width": 2, "features": 8, "segments": 4}
LAUNCHED = {
    "WORLD_SIZE": "2",
    "RANK": "1",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in (*LAUNCHED, "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


def trained():
    """Return the weights after three steps of a small network on the processor."""
    identity = np.repeat(np.arange(4), 2)
    samples = torch.rand(2, 8, 1, 64, generator=torch.Generator().manual_seed(0))
    sampler = PairSampler(*[identity] * 4, identities=4, samples=2, seed=1)
    data = TrainingSet(samples[0], samples[1], sampler, lambda v, r: (v, r))
    torch.manual_seed(0)
    model = build("two-stream", dims=1, num_classes=4, **SMALL)
    recipe = Recipe(steps=3, num_identities=4, num_instances=2, lr=0.01)
    return fit(model, data, recipe, seed=3, accelerator=make_accelerator("no", "cpu")).matcher.state_dict()


OVERRULED = {
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4",
    "ACCELERATE_MIXED_PRECISION": "bf16",
    "ACCELERATE_DYNAMO_BACKEND": "inductor",
    "ACCELERATE_DYNAMO_MODE": "max-autotune",
    "ACCELERATE_DYNAMO_USE_FULLGRAPH": "true",
    "ACCELERATE_DYNAMO_USE_DYNAMIC": "true",
    "ACCELERATE_DYNAMO_USE_REGIONAL_COMPILATION": "true",
    "ACCELERATE_DOWNCAST_BF16": "true",
    "ACCELERATE_DEBUG_MODE": "true",
    "ACCELERATE_USE_DEEPSPEED": "false",
    "ACCELERATE_USE_FSDP": "False",
    "FSDP_OFFLOAD_PARAMS": "true",
    "WORLD_SIZE": "1",
    "LOCAL_RANK": "-1",
    "OMPI_COMM_WORLD_SIZE": "1",
}


def test_what_a_recipe_sets_is_not_taken_from_the_environment(monkeypatch):
    expected = trained()
    for name, value in OVERRULED.items():
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            found = trained()
            accelerator = make_accelerator("no", "cpu")
        assert all(torch.equal(found[key], x) for key, x in expected.items()), name
        assert accelerator.gradient_accumulation_steps == 1, name
        assert (accelerator.mixed_precision, accelerator.num_processes) == ("no", 1), name
        assert accelerator.state.dynamo_plugin.backend.value.lower() == "no", name


REFUSED = [
    ("ACCELERATE_USE_DEEPSPEED", "true", "trains in another way.*unset it"),
    ("ACCELERATE_USE_FSDP", "True", "trains in another way.*unset it"),
    ("ACCELERATE_USE_MEGATRON_LM", "1", "trains in another way.*unset it"),
    ("ACCELERATE_USE_PARALLELISM_CONFIG", "true", "trains in another way.*unset it"),
    ("ACCELERATE_USE_SAGEMAKER", "true", "trains in another way.*unset it"),
    ("ACCELERATE_TORCH_DEVICE", "meta", "choose the device with --device"),
    ("ACCELERATE_FP8_BACKEND", "TE", "no recipe trains in 8 bits"),
    ("ACCELERATE_USE_CPU", "maybe", "is 'maybe'; set it to true or false"),
    ("ACCELERATE_CPU_AFFINITY", "2", "is '2'; set it to true or false"),
    ("ACCELERATE_DYNAMO_USE_DYNAMIC", "maybe", "set it to true or false"),
    ("WORLD_SIZE", "2", "but RANK, LOCAL_RANK, MASTER_ADDR, MASTER_PORT is not; unset"),
    ("WORLD_SIZE", "two", "is 'two', no whole number"),
    ("WORLD_SIZE", "0", "is 0, which is too small"),
    ("RANK", "0", "but WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT is not"),
    ("LOCAL_RANK", "0", "but WORLD_SIZE, RANK, MASTER_ADDR, MASTER_PORT is not"),
    ("LOCAL_RANK", "a", "is 'a', no whole number"),
    ("PMI_SIZE", "2", "started with 'accelerate launch'"),
    ("OMPI_COMM_WORLD_SIZE", "4", "started with 'accelerate launch'"),
    ("MV2_COMM_WORLD_SIZE", "2", "started with 'accelerate launch'"),
]


@pytest.mark.parametrize(("name", "value", "words"), REFUSED)
def test_what_cannot_be_honoured_is_refused_by_name(monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    with pytest.raises(DeviceError, match=f"{name}.*{words}"):
        make_accelerator("no", "cpu")


def test_a_launcher_is_honoured(monkeypatch):
    assert not several_processes()
    for name, value in LAUNCHED.items():
        monkeypatch.setenv(name, value)
    assert several_processes()
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(DeviceError, match="RANK is 2, but WORLD_SIZE is 2"):
        several_processes()
    monkeypatch.setenv("RANK", "1")
    monkeypatch.delenv("MASTER_PORT")
    with pytest.raises(DeviceError, match="but MASTER_PORT is not"):
        several_processes()


def test_one_launched_process_is_not_several(monkeypatch):
    for name, value in (LAUNCHED | {"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"}).items():
        monkeypatch.setenv(name, value)
    assert not several_processes()
