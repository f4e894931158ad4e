"""Steps replayed from a CUDA graph train as steps that Python launches; on a processor there is nothing to record."""

import numpy as np
import pytest
import torch

from xmodal_lite.data.sampler import PairSampler
from xmodal_lite.models import Batch, build
from xmodal_lite.training import Recipe, TrainingSet, augmentation, fit, make_accelerator
from xmodal_lite.training.cuda_graph import WARMUP, GraphedStep

on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="a CUDA graph needs a GPU")
MODELS = {
    "two-stream": {},
    "mun": {},
    "mun with grey images": {"auxiliary": "grey"},
    "enhancing": {},
    "marrnet": {"transform": "perceptual"},
    "marrnet both ways": {"target": "both", "adversary": "non_saturating"},
}


def train(name, device, *, steps=7, folder=None, **changes):
    identity = np.repeat(np.arange(6), 3)
    generator = torch.Generator().manual_seed(1)
    v, r = (torch.randint(256, (18, 3, 48, 32), dtype=torch.uint8, generator=generator) for _ in range(2))
    sampler = PairSampler(*[identity] * 4, identities=4, samples=2, seed=1)
    torch.manual_seed(0)
    model = build(name.split()[0], dims=2, num_classes=6, backbone="resnet10", **MODELS[name])
    settings = {"optimizer": "sgd", "ema_decay": 0.9, "log_every": 1, "checkpoint_every": 4, "warmup": 0}
    recipe = Recipe(
        steps=steps,
        num_identities=4,
        num_instances=2,
        lr=1e-3,
        augment={"flip": 0.5, "pad": 2},
        **settings,
        **changes,
    )
    data = TrainingSet(v, r, sampler, augmentation(recipe))
    return fit(model, data, recipe, seed=3, folder=folder, accelerator=make_accelerator("no", device))


def worst(a, b):
    """Return the largest difference between two histories' losses, in parts of the loss."""
    pairs = [(x[name], y[name]) for x, y in zip(a, b, strict=True) for name in x]
    return max(abs(x - y) / max(1.0, abs(x)) for x, y in pairs)


@on_gpu
@pytest.mark.parametrize("name", MODELS)
def test_replayed_steps_train_as_launched_ones(name, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    launched, replayed = train(name, "cuda"), train(name, "cuda", cuda_graph=True)
    assert len(launched.history) > WARMUP + 2
    assert worst(launched.history, replayed.history) < 1e-2
    assert launched.history[-1] != launched.history[WARMUP]  # else a record that never changes would pass


@on_gpu
def test_a_replayed_run_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    whole = train("two-stream", "cuda", steps=10, cuda_graph=True, milestones=(0.5,))
    for steps, milestone in ((5, 0.99), (10, 0.5)):
        halves = train(
            "two-stream", "cuda", steps=steps, cuda_graph=True, milestones=(milestone,), folder=tmp_path
        )
    assert worst(whole.history, halves.history) < 1e-2


@on_gpu
def test_the_first_calls_are_launched_and_the_others_see_their_own_batch():
    calls = []

    def double(batch):
        calls.append(1)
        return {"sum": 2 * batch.v.float().sum()}

    replay = GraphedStep(double)
    for number in range(1, WARMUP + 4):
        v = torch.full((2, 3), number, device="cuda")
        assert replay(Batch(v, v, v, v))["sum"].item() == 12 * number
    assert len(calls) == WARMUP + 1


def test_on_a_processor_nothing_is_recorded_and_nothing_changes():
    launched, asked = (
        train("two-stream", "cpu", steps=3),
        train("two-stream", "cpu", steps=3, cuda_graph=True),
    )
    assert launched.history == asked.history
