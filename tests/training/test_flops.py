"""A step's operations are counted without computing them, and no host reads a value while a step runs."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from xmodal_lite.models import Batch, build, model_names
from xmodal_lite.training import flop_counter, speed, step_flop

SMALL = {"width": 4, "features": 16, "segments": 16}


def pairs(dims, n=8):
    torch.manual_seed(0)
    shape = (n, 1, 512) if dims == 1 else (n, 3, 32, 16)
    v, r = (
        torch.rand(shape) if dims == 1 else torch.randint(0, 256, shape, dtype=torch.uint8) for _ in range(2)
    )
    labels = torch.arange(n) // 2
    return Batch(v, r, labels, labels % 2 == 0)


class Linear(torch.nn.Module):
    """A model whose operations can be counted by hand."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(5, 3, bias=False)

    def forward(self, batch):
        return {"sum": self.layer(batch.v).sum()}


def test_by_hand():
    v = torch.rand(7, 5)
    seen = Batch(v, v, torch.zeros(7), torch.zeros(7))
    forward, to_weights = 2 * 7 * 5 * 3, 2 * 7 * 5 * 3  # the samples take no gradient
    assert step_flop(Linear(), seen) == forward + to_weights


def forward_backward(counter, layer, channels):
    """Count the operations of a layer's forward pass, and of its forward and backward pass."""
    x, counts = torch.rand(2, channels, *[15] * (layer.weight.ndim - 2), requires_grad=True), []
    for back in (False, True):
        with counter:
            y = layer(x)
            if back:
                y.sum().backward()
        counts.append(counter.get_total_flops())
    return counts


GROUPED = [
    nn.Conv2d(6, 6, 5, padding=2, groups=6),
    nn.Conv1d(6, 8, 3, 2, groups=2),
    nn.ConvTranspose1d(6, 8, 3, groups=2),
]
WHOLE = [nn.Conv2d(6, 8, 3, 2, 1), nn.Conv1d(6, 8, 3, dilation=2), nn.ConvTranspose2d(6, 8, 3, 2)]


@pytest.mark.parametrize("layer", GROUPED, ids=str)
def test_a_grouped_convolution_takes_three_times_its_forward_pass(layer):
    forward, both = forward_backward(flop_counter(), layer, 6)
    assert both == 3 * forward
    if isinstance(layer, nn.Conv2d):
        assert forward == 2 * 2 * 6 * 15 * 15 * 25  # by hand


@pytest.mark.parametrize("layer", WHOLE, ids=str)
def test_other_convolutions_are_counted_as_torch_counts_them(layer):
    assert forward_backward(flop_counter(), layer, 6) == forward_backward(
        FlopCounterMode(display=False), layer, 6
    )


OPTIONS = [
    *((name, 1, {}) for name in model_names()),
    *((name, 2, {}) for name in model_names() if name != "contrastive"),
    ("enhancing", 1, {"consistency": "mmd"}),
    ("enhancing", 1, {"consistency": "per-identity"}),
    ("mun", 1, {"auxiliary": "mixup"}),
    ("marrnet", 1, {"triplet": "weighted", "target": "both"}),
]


@pytest.mark.parametrize(("name", "dims", "options"), OPTIONS)
def test_no_host_reads_a_value_in_a_step_of_any_method(name, dims, options):
    """On the meta device tensors have no values: what asks for one, and would make a GPU wait, fails there."""
    torch.manual_seed(0)
    sizes = SMALL if dims == 1 else {"backbone": "resnet10"}
    model = build(name, dims=dims, num_classes=4, **sizes, **options)
    before = copy.deepcopy(model.state_dict())
    count, twice = (step_flop(model, pairs(dims, n)) for n in (8, 16))
    assert 1.5 * count < twice < 2.5 * count
    after = dict(model.state_dict())  # MUN's centres start as NaN
    torch.testing.assert_close(after, dict(before), rtol=0, atol=0, equal_nan=True)
    assert {p.device.type for p in model.parameters()} == {"cpu"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dims", [1, 2])
def test_a_step_never_waits_for_the_gpu(dims):
    from xmodal_lite.training import Recipe, make_accelerator
    from xmodal_lite.training.optimizer import make_optimizer
    from xmodal_lite.training.step import make_forward_backward, train_step

    class One:
        def batch(self, step):
            return Batch(*(column.cuda() for column in vars(pairs(dims)).values()))

    recipe = Recipe(steps=9, num_identities=4, num_instances=2, lr=0.01, precision="bf16")
    model = build(
        "mun", dims=dims, num_classes=4, **(SMALL if dims == 1 else {"backbone": "resnet10"})
    ).cuda()
    accelerator = make_accelerator("bf16", "cuda")
    model, optimizer = accelerator.prepare(model, make_optimizer(model, recipe))
    passes, data = make_forward_backward(model, recipe, accelerator), One()
    drawn = data.batch(0)
    data.batch = lambda step: drawn
    train_step(passes, optimizer, data, recipe, 0, 0, accelerator)
    torch.cuda.set_sync_debug_mode("error")
    try:
        train_step(passes, optimizer, data, recipe, 1, 0, accelerator)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_speed_in_words():
    told = speed(2_000_000_000_000, 50.0, "NVIDIA H200")
    assert told == "2e+03 GFLOP a step, 50 steps/s, 100 TFLOP/s, MFU 10.1 % of 989.5 TFLOP/s"
    assert "MFU 5.1 % of 1979 TFLOP/s" in speed(2_000_000_000_000, 50.0, "NVIDIA H200", processes=2)
    assert "MFU" not in speed(2_000_000_000_000, 50.0, "a processor, 2 threads")
    assert "MFU 10.1 %" in speed(2_000_000_000_000, 50.0, "NVIDIA H200", precision="bf16")
    assert "MFU" not in speed(
        2_000_000_000_000, 50.0, "NVIDIA H200", precision="no"
    )  # the peak is of 16 bits


def test_a_step_at_full_size_keeps_the_marks_in_operations():
    """Ours: times the two-stream step at the same batch, at most 1.6 for MUN and 1.35 for the two others."""
    images, labels = torch.zeros((64, 3, 288, 144), dtype=torch.uint8), torch.arange(64) // 4
    batch = Batch(images, images, labels, labels < 0)
    unet = {"transform": "perceptual", "unet_width": 8, "unet_widest": 64}
    flop = {
        name: step_flop(build(name, dims=2, num_classes=395, backbone="resnet50", **options), batch)
        for name, options in (("two-stream", {}), ("mun", {}), ("enhancing", {}), ("marrnet", unet))
    }
    for name, most in (("mun", 1.6), ("enhancing", 1.35), ("marrnet", 1.35)):
        assert flop["two-stream"] < flop[name] <= most * flop["two-stream"]
