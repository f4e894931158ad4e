"""A checkpoint whose tensors no training of this model could have left is refused, and nothing is restored of it."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from xmodal_lite.errors import CheckpointError
from xmodal_lite.models import Batch, build
from xmodal_lite.training import Recipe, make_accelerator
from xmodal_lite.training.state import TrainState

SMALL = {"width": 2, "features": 8, "segments": 4}
PATH = Path("runs/abc/checkpoint-0000002")


def make_state(optimizer="adamw", steps=4):
    torch.manual_seed(0)
    recipe = Recipe(
        steps=steps, num_identities=2, num_instances=1, lr=0.1, ema_decay=0.9, optimizer=optimizer
    )
    return TrainState(
        build("two-stream", dims=1, num_classes=2, **SMALL), recipe, make_accelerator("no", "cpu")
    )


def trained(optimizer="adamw", steps=2):
    """Return the checkpoint of a few steps, and the state that it was made of."""
    state = make_state(optimizer)
    batch = Batch(torch.rand(4, 1, 64), torch.rand(4, 1, 64), torch.arange(4) // 2, torch.ones(4) > 0)
    for step in range(steps):
        sum(state.matcher(batch).values()).backward()
        state.optimizer.step()
        state.average.update(step)
        state.optimizer.zero_grad()
    return state, copy.deepcopy(state.checkpoint(steps, "abc", "", [], 1.0))


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_what_was_kept_is_restored_bit_for_bit(optimizer):
    before, checkpoint = trained(optimizer)
    after = make_state(optimizer)
    after.restore(PATH, checkpoint)
    for own, other in ((before.matcher, after.matcher), (before.tested, after.tested)):
        assert all(torch.equal(x, other.state_dict()[name]) for name, x in own.state_dict().items())
    states = [s.optimizer.state_dict()["state"] for s in (before, after)]
    assert states[0].keys() == states[1].keys()
    for number, kept in states[0].items():
        assert all(torch.equal(x, states[1][number][name]) for name, x in kept.items())


WEIGHT = "model.classifier.weight"


def changed_model(checkpoint, name, value):
    return replace(checkpoint, model={**checkpoint.model, name: value})


def changed_optimizer(checkpoint, name, value, number=0):
    kept = {**checkpoint.optimizer[number], name: value}
    return replace(checkpoint, optimizer={**checkpoint.optimizer, number: kept})


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


BROKEN = {
    "missing": (lambda c: replace(c, model=without(c.model, WEIGHT)), f"lacks {WEIGHT}"),
    "no average": (
        lambda c: replace(c, model={k: v for k, v in c.model.items() if k.startswith("model.")}),
        "lacks average.classifier.weight",
    ),
    "extra": (lambda c: changed_model(c, "model.zzz", torch.zeros(1)), "has an unknown model.zzz"),
    "shape": (
        lambda c: changed_model(c, WEIGHT, torch.zeros(3, 8)),
        r"is float32 \(3, 8\) where the recipe makes float32 \(2, 8\)",
    ),
    "half": (lambda c: changed_model(c, WEIGHT, c.model[WEIGHT].half()), r"is float16 \(2, 8\)"),
    "integer": (lambda c: changed_model(c, WEIGHT, c.model[WEIGHT].long()), r"is int64 \(2, 8\)"),
    "complex": (
        lambda c: changed_model(c, WEIGHT, c.model[WEIGHT].to(torch.complex64)),
        r"is complex64 \(2, 8\)",
    ),
    "no optimizer": (lambda c: replace(c, optimizer={}), "state of its optimizer is empty"),
    "another parameter": (
        lambda c: replace(c, optimizer={**c.optimizer, 999: c.optimizer[0]}),
        "of parameter 999, which is not there",
    ),
    "another optimizer": (
        lambda c: replace(c, optimizer={0: {"momentum_buffer": c.optimizer[0]["exp_avg"]}}),
        "keeps momentum_buffer of parameter 0",
    ),
    "moment of another shape": (
        lambda c: changed_optimizer(c, "exp_avg", torch.zeros(1)),
        r"exp_avg of parameter 0 is float32 \(1,\)",
    ),
    "half moment": (
        lambda c: changed_optimizer(c, "exp_avg_sq", c.optimizer[0]["exp_avg_sq"].half()),
        "exp_avg_sq of parameter 0 is float16",
    ),
    "more steps than there were": (
        lambda c: changed_optimizer(c, "step", torch.tensor(3.0)),
        "made 3 of 2 steps",
    ),
    "steps that are no number": (
        lambda c: changed_optimizer(c, "step", torch.tensor(float("nan"))),
        "made nan of 2 steps",
    ),
    "a scaler": (lambda c: replace(c, scaler={"scale": 8.0}), "gradient scaler"),
    "beyond the end": (lambda c: replace(c, step=5), "of step 5, and the run has 4"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_no_training_leaves_is_refused_before_anything_is_restored(kind):
    change, words = BROKEN[kind]
    _, checkpoint = trained()
    state = make_state()
    before = copy.deepcopy(state.matcher.state_dict())
    with pytest.raises(
        CheckpointError, match=rf"{PATH.name} does not fit this run.*{words}.*delete that folder"
    ):
        state.restore(PATH, change(checkpoint))
    assert all(torch.equal(x, before[name]) for name, x in state.matcher.state_dict().items())
    assert not state.optimizer.state_dict()["state"]
