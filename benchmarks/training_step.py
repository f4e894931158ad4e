"""Time and memory of a training step, against the two-stream network as it was published.

    python benchmarks/training_step.py --rounds 3
    python benchmarks/training_step.py --method two-stream mun enhancing --device cuda --batch 64 128 --compile

The published version (AGW, Ye et al., TPAMI 2022, public code) holds three whole ResNets, of which two give their stems
alone, and trains in float32 with the images' channels outermost. Ours is `fit` itself, in the precision asked for.
Every version runs in a process of its own, in turns, so that memory is its own and a busy machine hits all alike; the
time is the best of all steps after the first ones. On a busy machine the processor's time, which adds up over threads,
says more than the clock, best with `--threads 1`. Pictures are random and lie on the device already: `data_path.py`
measures their way there. On 2 cores a round takes a minute for each version at the default size.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision
from _table import Row, peak, print_and_store
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional

from xmodal_lite.losses import weighted_triplet
from xmodal_lite.models import Batch, build
from xmodal_lite.training import Recipe, fit

IDENTITIES, SAMPLES = 395, 4  # of SYSU-MM01's training set; K, pairs of one identity in a batch
WARM, TIMED = {"cpu": 1, "cuda": 10}, {"cpu": 2, "cuda": 30}  # steps
PUBLISHED = "as published"


@dataclass(frozen=True)
class Case:
    """What is measured: a version of the training step and its size."""

    method: str
    backbone: str
    size: tuple[int, int]
    batch: int
    precision: str
    compile: bool
    device: str
    threads: int

    def __str__(self) -> str:
        """Name it as the table does."""
        how = "float32" if self.precision == "no" else self.precision
        shape = " x ".join(map(str, (self.batch, *self.size)))
        return f"{self.method}, {how}{', compiled' if self.compile else ''}, {self.backbone}, {shape}"


class Clock:
    """Stands for a training set of one batch, and notes when each step asks for it."""

    steps_per_epoch = 1

    def __init__(self, pairs: Batch) -> None:
        self.pairs, self.times = pairs, []

    def to(self, device: torch.device) -> Clock:
        """Return itself: the batch is on the device."""
        return self

    def batch(self, step: int) -> Batch:
        """Return the batch, once the steps before are done."""
        if self.pairs.v.is_cuda:
            torch.cuda.synchronize()
        self.times.append((time.perf_counter(), time.process_time()))
        return self.pairs


class Published(nn.Module):
    """Two-stream network as the public code builds it: `branches` are whole networks that give their stems alone."""

    def __init__(self, backbone: str) -> None:
        super().__init__()
        self.branches = nn.ModuleList(whole_network(backbone) for _ in range(2))
        self.shared = whole_network(backbone)
        self.neck = nn.BatchNorm1d(self.shared.features)
        self.neck.bias.requires_grad_(False)
        self.classifier = nn.Linear(self.shared.features, IDENTITIES, bias=False)

    def forward(self, v: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
        """Return f and the classifier's scores."""
        z = torch.cat([stem_of(branch, x) for branch, x in zip(self.branches, (v, r), strict=True)])
        net = self.shared
        z = net.layer4(net.layer3(net.layer2(net.layer1(z)))).flatten(2)
        f = ((z**3.0).mean(dim=2) + 1e-12) ** (1 / 3)
        return f, self.classifier(self.neck(f))


def whole_network(backbone: str) -> nn.Module:
    """Return torchvision's network without its classifier, the last stage at full resolution."""
    network = torchvision.models.get_model(backbone)
    network.features, network.fc = network.fc.in_features, nn.Identity()
    for layer in network.layer4[0].modules():
        if isinstance(layer, nn.Conv2d):
            layer.stride = (1, 1)
    return network


def stem_of(network: nn.Module, x: Tensor) -> Tensor:
    """Run the first layers of a network."""
    return network.maxpool(network.relu(network.bn1(network.conv1(x))))


def pairs(case: Case) -> Batch:
    """Draw random pictures, half of the batch in each modality."""
    n = case.batch // 2
    shape = (n, 3, *case.size)
    v, r = (torch.randint(0, 256, shape, dtype=torch.uint8, device=case.device) for _ in range(2))
    labels = torch.arange(n, device=case.device) // SAMPLES
    return Batch(v, r, labels, torch.zeros(n, dtype=torch.bool, device=case.device))


def published_steps(case: Case, clock: Clock, steps: int) -> None:
    """Train as the public code does."""
    model = Published(case.backbone).to(case.device)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, nesterov=True)
    drawn = clock.pairs
    clock.pairs = Batch(drawn.v.float() / 255, drawn.r.float() / 255, drawn.labels, drawn.aligned)
    for step in range(steps):
        seen = clock.batch(step)
        labels = seen.labels.repeat(2)
        f, scores = model(seen.v, seen.r)
        loss = functional.cross_entropy(scores, labels) + weighted_triplet(f, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()  # the public code prints it


def our_steps(case: Case, clock: Clock, steps: int) -> None:
    """Train by `fit`."""
    model = build(case.method, dims=2, num_classes=IDENTITIES, backbone=case.backbone)
    if case.compile:
        model.compile()
    recipe = Recipe(
        steps=steps,
        identities=case.batch // 2 // SAMPLES,
        samples=SAMPLES,
        learning_rate=3e-4,
        augment={"flip": 0.0},
        precision=case.precision,
    )
    accelerator = Accelerator(mixed_precision=case.precision, cpu=case.device == "cpu")
    fit(model, clock, recipe, seed=0, accelerator=accelerator)


def measure(case: Case) -> tuple[float, float, float]:
    """Return seconds of the fastest step, by the clock and of processor, and the peak memory in MB.

    The memory is that of the GPU, or of this process.
    """
    torch.set_num_threads(case.threads)
    warm, timed = (steps[case.device] for steps in (WARM, TIMED))
    clock = Clock(pairs(case))
    run = published_steps if case.method == PUBLISHED else our_steps
    run(case, clock, warm + timed + 1)  # a step lasts until the next one begins, so the last has no end
    steps = np.diff(clock.times[warm:], axis=0).min(axis=0).tolist()
    memory = peak() if case.device == "cpu" else torch.cuda.max_memory_allocated() / 1e6
    return *steps, memory


def measure_apart(case: Case) -> tuple[float, float, float]:
    """Measure in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, case).result()


def row(case: Case, found: dict[Case, tuple[float, float, float]]) -> Row:
    """Return the row of a case, beside the published version and our two-stream network at the same size."""
    seconds, processor, memory = found[case]
    others = {other.method: times[0] for other, times in found.items() if other.batch == case.batch}
    base = others.get("two-stream")
    return {
        "what": str(case),
        "step_s": seconds,
        "processor_s": processor if case.device == "cpu" else None,
        "images/s": case.batch / seconds,
        "ratio": others[PUBLISHED] / seconds,
        "of two-stream": base and seconds / base,
        "peak_MB": memory,
    }


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", nargs="+", default=["two-stream"])
    parser.add_argument("--backbone", default="resnet50", choices=["resnet18", "resnet50"])
    parser.add_argument("--size", type=int, nargs=2, default=(288, 144), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument(
        "--batch", type=int, nargs="+", default=[64], help="images of both modalities together"
    )
    parser.add_argument("--precision", default="bf16", choices=["no", "bf16", "fp16"])
    parser.add_argument("--compile", action="store_true", help="by torch.compile, which needs a C++ compiler")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1, help="of all versions in turn; the best counts")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    cases = [
        Case(
            method,
            chosen.backbone,
            tuple(chosen.size),
            batch,
            precision,
            compiled,
            chosen.device,
            chosen.threads,
        )
        for batch in chosen.batch
        for method, precision, compiled in [
            (PUBLISHED, "no", False),
            *((method, chosen.precision, chosen.compile) for method in chosen.method),
        ]
    ]
    rounds = [[measure_apart(case) for case in cases] for _ in range(chosen.rounds)]
    found = {
        case: (min(seconds), min(processor), max(memory))
        for case, times in zip(cases, zip(*rounds, strict=True), strict=True)
        for seconds, processor, memory in [zip(*times, strict=True)]
    }
    print_and_store(
        "training step", [row(case, found) for case in cases], chosen.output, chosen.device, chosen.threads
    )


if __name__ == "__main__":
    main()
