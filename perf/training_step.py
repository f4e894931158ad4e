"""Time and memory of a training step, against the two-stream network as it was published.

    python perf/training_step.py --method published two-stream mun enhancing marrnet --rounds 3
    python perf/training_step.py --method two-stream marrnet --size 112 112 --like cufs
    python perf/training_step.py --device cuda --graph --method published two-stream mun enhancing --profile
    python perf/training_step.py --device cuda --method two-stream --batch 64 128 256 512 1024
    python perf/training_step.py --device cuda --graph --compile default

On a GPU the first two of these take a minute or two each; the last one compiles for a minute or more. *Replayed* is a
step whose passes are recorded as a CUDA graph (`Recipe.graph`). The file of results is written after every case, so a
run that is cut short leaves what it had. A case that fails, as one does that needs more memory or that torch cannot
compile, has no numbers. `AGW_min` is 81 epochs of 695 steps, as at SYSU size.

The published version (AGW, Ye et al., TPAMI 2022, public code) holds three whole ResNets, of which two give their stems
alone, and trains in float32 with the images' channels outermost. Ours is `fit` itself, in the precision asked for.
Every version runs in a process of its own, so that memory is its own, and those that are not compiled take turns, then
the others, so that a busy machine hits all alike; the time is the best of all steps after the first ones. On a busy
machine the processor's time, which adds up over threads, says more than the clock, best with `--threads 1`. Images
are random and lie on the device already: `data_path.py` measures their way there. On 2 cores a round takes a minute for
each version at the default size.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from _table import Row, peak, print_and_store, store
from torch import Tensor, nn
from torch.autograd import DeviceType
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from xmodal_lite.experiments import resolve
from xmodal_lite.losses import weighted_triplet
from xmodal_lite.models import Batch, Matcher, build
from xmodal_lite.training import Recipe, fit, make_accelerator, step_flop
from xmodal_lite.training.flops import PEAK

NAME = "training step"
IDENTITIES, SAMPLES = 395, 4  # of SYSU-MM01's training set; K, pairs of one identity in a batch
WARMUP, TIMED = {"cpu": 1, "cuda": 10}, {"cpu": 2, "cuda": 20}  # steps
PROFILED = 5  # steps
PUBLISHED = "published"
BATCH, SIZE, SCHEDULE = 64, (288, 144), 81 * 695  # images a step, their size, and steps of AGW at SYSU size
MODES = ("no", "default", "reduce-overhead")  # of torch.compile; the last one records CUDA graphs
IMPORTED = ["torchvision", "xmodal_lite.experiments"]  # once, for the processes of all cases
KINDS = {  # of operations in a profile, by a part of their names, the first that fits
    "convolution": ("conv",),
    "batch norm": ("batch_norm",),
    "optimizer": ("_fused_sgd", "_fused_adam", "foreach"),
    "matrix product": ("mm", "linear", "matmul"),
    "pooling": ("pool",),
    "distances": ("pdist", "index", "gather", "scatter", "sort"),
    "copies and casts": ("copy", "_to_copy", "contiguous", "fill", "zero"),
    "fused by the compiler": ("triton", "CompiledFunction", "cpp_fused"),
}


@dataclass(frozen=True)
class Case:
    """What is measured: a version of the training step and its size."""

    method: str
    backbone: str
    size: tuple[int, int]
    batch: int
    precision: str
    compile: str
    graph: bool
    like: str
    device: str
    threads: int

    def __str__(self) -> str:
        """Name it as the table does."""
        how = "float32" if self.precision == "no" else self.precision
        shape = " x ".join(map(str, (self.batch, *self.size)))
        method = "as published" if self.method == PUBLISHED else self.method
        return f"{method}, {how}{self.compiled}, {self.backbone}, {shape}"

    @property
    def compiled(self) -> str:
        """Say how it is compiled."""
        compiled = {"no": "", "default": ", compiled"}.get(self.compile, f", compiled {self.compile}")
        return compiled + (", replayed" if self.graph else "")


@dataclass(frozen=True)
class Measured:
    """What a step took: seconds by the clock and of the processor, MB at most, floating-point operations."""

    seconds: float
    processor: float
    memory: float
    flop: int


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
    """Draw random images, half of the batch in each modality."""
    n = case.batch // 2
    shape = (n, 3, *case.size)
    v, r = (torch.randint(0, 256, shape, dtype=torch.uint8, device=case.device) for _ in range(2))
    labels = torch.arange(n, device=case.device) // SAMPLES
    return Batch(v, r, labels, torch.zeros(n, dtype=torch.bool, device=case.device))


def published_steps(case: Case, clock: Clock, steps: int) -> None:
    """Train as the public code does."""
    torch.backends.cudnn.benchmark = True
    model = Published(case.backbone).to(case.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, nesterov=True)
    drawn = clock.pairs
    clock.pairs = Batch(drawn.v.float() / 255, drawn.r.float() / 255, drawn.labels, drawn.aligned)
    for step in range(steps):
        seen = clock.batch(step)
        labels = seen.labels.repeat(2)
        f, scores = model(seen.v, seen.r)
        loss = functional.cross_entropy(scores, labels) + weighted_triplet(f, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # the public code prints it


def our_steps(case: Case, clock: Clock, steps: int) -> None:
    """Train by `fit`."""
    model = model_of(case)
    if case.compile != "no":
        model.compile(dynamic=False, mode=case.compile)
    recipe = Recipe(
        steps=steps,
        num_identities=case.batch // 2 // SAMPLES,
        num_instances=SAMPLES,
        lr=3e-4,
        augment={"flip": 0.0},
        precision=case.precision,
        cuda_graph=case.graph,
    )
    accelerator = make_accelerator(case.precision, case.device)
    fit(model, clock, recipe, seed=0, accelerator=accelerator)


def measure(case: Case) -> Measured:
    """Measure the fastest step and the peak memory, of the GPU or of this process."""
    torch.set_num_threads(case.threads)
    warm, timed = (steps[case.device] for steps in (WARMUP, TIMED))
    run = published_steps if case.method == PUBLISHED else our_steps
    clock = Clock(pairs(case))
    run(case, clock, warm + timed + 1)  # a step lasts until the next one begins, so the last has no end
    seconds, processor = np.diff(clock.times[warm:], axis=0).min(axis=0).tolist()
    memory = peak() if case.device == "cpu" else torch.cuda.max_memory_allocated() / 1e6
    return Measured(seconds, processor, memory, flop_of(case))


def flop_of(case: Case) -> int:
    """Count the operations of a step; the published version's are those of the two-stream network."""
    return step_flop(model_of(case), pairs(case))


def model_of(case: Case) -> Matcher:
    """Build a method as the recipe of a benchmark has it, with fresh weights."""
    method = "two-stream" if case.method == PUBLISHED else case.method
    options = resolve(method, case.like, "paper", {}).model | {
        "backbone": case.backbone,
        "pretrained": False,
    }
    return build(method, dims=2, num_classes=IDENTITIES, **options)


def apart(run: Callable[[Case], Any], case: Case) -> Any:
    """Return what a function says of a case in a fresh process; None, and why in print, where it fails."""
    context = multiprocessing.get_context("forkserver")  # its server imports, and never touches a GPU
    context.set_forkserver_preload(IMPORTED)
    try:
        with ProcessPoolExecutor(1, context) as pool:
            return pool.submit(attempt, run, case).result()
    except BrokenExecutor:
        print(f"{case}: not measured, the process died", flush=True)
        return None


def attempt(run: Callable[[Case], Any], case: Case) -> Any:
    """Call a function; None where it fails, whatever the reason, since other cases come after this one."""
    try:
        return run(case)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        print(f"{case}: not measured, {type(error).__name__}: {reason}", flush=True)
        return None


def best(rounds: list[Measured | None]) -> Measured | None:
    """Return the shortest times and the highest memory of some rounds."""
    done = [one for one in rounds if one is not None]
    if not done:
        return None
    return Measured(
        min(one.seconds for one in done),
        min(one.processor for one in done),
        max(one.memory for one in done),
        done[0].flop,
    )


def row(case: Case, found: dict[Case, Measured | None]) -> Row:
    """Return the row of a case, beside the published version and our two-stream network at the same size."""
    own = found[case]
    alike = {
        other.method: measured
        for other, measured in found.items()
        if measured and other.batch == case.batch and other.compile in ("no", case.compile)
    }
    plain, base = alike.get(PUBLISHED), alike.get("two-stream")
    on_gpu, agw = case.device == "cuda", (case.batch, case.size) == (BATCH, SIZE)
    limit = PEAK.get(torch.cuda.get_device_name()) if on_gpu else None
    achieved = own and own.flop / own.seconds / 1e12
    return {
        "what": str(case),
        "step_s": own and own.seconds,
        "processor_s": own.processor if own and not on_gpu else None,
        "images/s": own and case.batch / own.seconds,
        "ratio": own and plain and plain.seconds / own.seconds,
        "of two-stream": own and base and own.seconds / base.seconds,
        "peak_MB": own and own.memory,
        "TFLOP/s": achieved,
        "MFU": achieved and limit and achieved / limit,
        "AGW_min": (own and agw and SCHEDULE * own.seconds / 60) or None,
    }


def profile_rows(case: Case) -> list[Row]:
    """Return where the time of a step goes, by the kind of operation: on the GPU, or on the processor."""
    torch.set_num_threads(case.threads)
    drawn = pairs(case)
    our_steps(case, Clock(drawn), WARMUP[case.device])  # libraries choose their algorithms here
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (case.device == "cuda")
    with profile(activities=activities) as seen:
        our_steps(case, Clock(drawn), PROFILED)
    which = "self_device_time_total" if case.device == "cuda" else "self_cpu_time_total"
    times: dict[str, float] = {}
    for event in seen.key_averages():
        if event.device_type == DeviceType.CPU:  # an operation; what it starts on a GPU is counted with it
            kind = kind_of(event.key)
            times[kind] = times.get(kind, 0.0) + getattr(event, which) / 1e3 / PROFILED
    total = sum(times.values())
    ordered = sorted(times.items(), key=lambda item: -item[1])
    return [{"what": kind, "step_ms": time, "share": time / total} for kind, time in ordered if time > 0]


def kind_of(operation: str) -> str:
    """Return the kind of an operation by its name."""
    fitting = (kind for kind, names in KINDS.items() if any(name in operation for name in names))
    return next(fitting, "else: element by element, sums, draws")


def main() -> None:
    """Print a table of times, and on CUDA one of where they go."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--method", nargs="+", default=[PUBLISHED, "two-stream"], help=f"'{PUBLISHED}' is the plain version"
    )
    parser.add_argument("--backbone", default="resnet50", choices=["resnet18", "resnet50"])
    parser.add_argument("--size", type=int, nargs=2, default=SIZE, metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--batch", type=int, nargs="+", default=[BATCH], help="images of both modalities")
    parser.add_argument("--precision", default="bf16", choices=["no", "bf16", "fp16"])
    parser.add_argument("--compile", nargs="+", choices=MODES, default=["no"], help="needs a C++ compiler")
    parser.add_argument(
        "--like", default="sysu-mm01", help="the benchmark whose recipe says how models are built"
    )
    parser.add_argument("--graph", action="store_true", help="record a step as a CUDA graph and replay it")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--profile", action="store_true", help="also where the time goes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1, help="of all versions in turn; the best counts")
    parser.add_argument("--output", type=Path, help="a profile goes beside it, with -profile in its name")
    chosen = parser.parse_args()
    cases = cases_of(chosen)
    found: dict[Case, Measured | None] = {}
    measure_in_turns([case for case in cases if case.compile == "no"], chosen, found)
    if chosen.profile:
        ours = next(replace(case, graph=False) for case in cases if case.method != PUBLISHED)
        output = chosen.output and chosen.output.with_stem(f"{chosen.output.stem}-profile")
        if rows := apart(profile_rows, ours):
            name = f"where the time of a step goes, {ours}"
            print_and_store(name, rows, output, chosen.device, chosen.threads)
    measure_in_turns([case for case in cases if case.compile != "no"], chosen, found)
    rows = [row(case, found) for case in found]
    print_and_store(NAME, rows, chosen.output, chosen.device, chosen.threads)


def cases_of(chosen: argparse.Namespace) -> list[Case]:
    """List the cases: not compiled before compiled, small batches before large ones, the published version as it is."""
    size, device, threads = tuple(chosen.size), chosen.device, chosen.threads
    cases = [
        Case(method, chosen.backbone, size, batch, precision, mode, graph, chosen.like, device, threads)
        for batch in chosen.batch
        for method in chosen.method
        for precision, mode, graph in (
            [("no", "no", False)]
            if method == PUBLISHED
            else [(chosen.precision, mode, chosen.graph) for mode in chosen.compile]
        )
    ]
    return sorted(cases, key=lambda case: MODES.index(case.compile))


def measure_in_turns(
    cases: Sequence[Case], chosen: argparse.Namespace, found: dict[Case, Measured | None]
) -> None:
    """Measure some cases in as many rounds as were asked for, and store all that is found after each."""
    for _ in range(chosen.rounds):
        for case in cases:
            found[case] = best([found.get(case), apart(measure, case)])
            if (measured := found[case]) is not None:
                print(f"{case}: {measured.seconds:.3g} s, {measured.memory:,.0f} MB", flush=True)
            if chosen.output:
                rows = [row(case, found) for case in found]
                store(NAME, rows, chosen.output, chosen.device, chosen.threads)


if __name__ == "__main__":
    main()
