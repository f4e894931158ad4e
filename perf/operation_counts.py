"""Count what a training step of the paper profile computes, moves and keeps, for every method and benchmark.

    python perf/operation_counts.py --output results/perf/operation_counts.json

Nothing is computed: the real model sees the shapes of its real batch on torch's meta device, so this takes seconds and
needs neither data nor a GPU. Counted are the floating-point operations of matrix products and convolutions, there and
back; the bytes that all other operations read and write, the optimizer's included; the number of operations; and the
bytes that the forward pass keeps for the backward one. Where the recipe asks for 16 bits, moved and kept bytes are half
of what is counted in 32. The book's cost page estimates from these what a run takes on a card that was not at hand.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from _table import Row, print_and_store
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from xmodal_lite import benchmarks
from xmodal_lite.data.spectra import Preparation
from xmodal_lite.errors import SpecError
from xmodal_lite.experiments import resolve
from xmodal_lite.models import Batch, build, model_names
from xmodal_lite.training import Recipe, flop_counter

FLOAT = 4  # bytes
IMAGES = re.compile(r"((training|test) )?(visible|infrared|thermal) images")


class Traffic(TorchDispatchMode):
    """Adds up how many operations there are, and what those that are no matrix products read and write."""

    def __init__(self) -> None:
        super().__init__()
        self.operations, self.moved = 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and count it; one that only looks at a tensor in another way costs nothing."""
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.operations += 1
            if func._overloadpacket not in flop_registry:
                self.moved += sum(x.nbytes for x in tree_leaves((args, kwargs, out)) if isinstance(x, Tensor))
        return out


class Kept:
    """Adds up the storages that autograd keeps for the backward pass, parameters left out."""

    def __init__(self, model: nn.Module) -> None:
        self._own = {p.untyped_storage()._cdata for p in model.parameters()}
        self._seen: dict[int, torch.UntypedStorage] = {}  # held, so that no number is given twice

    def __call__(self, x: Tensor) -> Tensor:
        """Note a tensor that is kept."""
        storage = x.untyped_storage()
        if storage._cdata not in self._own:
            self._seen[storage._cdata] = storage
        return x

    @property
    def bytes(self) -> int:
        """What all of them take."""
        return sum(storage.nbytes() for storage in self._seen.values())


def pairs() -> Iterator[tuple[str, str, Recipe]]:
    """Yield every trained method and benchmark that has a recipe, with its paper profile."""
    for benchmark in filter(lambda name: benchmarks.data_set(name).synthetic, benchmarks.names()):
        for method in model_names():
            try:
                recipe = resolve(method, benchmark, "paper", {})
            except SpecError:
                continue
            assert isinstance(recipe, Recipe)
            yield method, benchmark, recipe


def shape(recipe: Recipe) -> tuple[int, ...]:
    """Return the shape of a sample: a image, or a spectrum."""
    return (1, len(Preparation().axis())) if recipe.image_size is None else (3, *recipe.image_size)


def batch(recipe: Recipe) -> Batch:
    """Return the batch of a step, shapes alone."""
    n = recipe.num_identities * recipe.num_instances
    kind = torch.float32 if recipe.image_size is None else torch.uint8
    v, r = (torch.empty((n, *shape(recipe)), dtype=kind, device="meta") for _ in range(2))
    labels = torch.empty(n, dtype=torch.int64, device="meta")
    return Batch(v, r, labels, torch.empty(n, dtype=torch.bool, device="meta"))


def images(benchmark: str) -> int | None:
    """Return how many images the whole set has, where its known totals tell."""
    totals = getattr(benchmarks.data_set(benchmark), "totals", {})
    return sum(count for name, count in totals.items() if IMAGES.fullmatch(name)) or None


def count(method: str, benchmark: str, recipe: Recipe) -> Row:
    """Count one step of a method on a benchmark."""
    classes = benchmarks.data_set(benchmark).synthetic["paper"][
        "identities"
    ]  # of the whole set, more than are trained on
    options = recipe.model | ({"pretrained": False} if "pretrained" in recipe.model else {})
    with torch.device("meta"):
        model = build(method, dims=1 if recipe.image_size is None else 2, num_classes=classes, **options)
    kept, traffic = Kept(model), Traffic()
    with flop_counter() as products, traffic:
        with torch.autograd.graph.saved_tensors_hooks(kept, lambda x: x):
            total = torch.stack(list(model(batch(recipe)).values())).sum()
        total.backward()
    numbers = sum(x.numel() for x in model.state_dict().values())
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    moments, average = {"sgd": 1, "adamw": 2}[recipe.optimizer], int(recipe.ema_decay > 0)
    narrow = 1 if recipe.precision == "no" else 2  # 32 bits over those of the precision
    many = images(benchmark)
    return {
        "what": f"{method} {benchmark}",
        "steps": recipe.steps,
        "bits": 32 // narrow,
        "GFLOP": products.get_total_flops() / 1e9,
        "moved_MB": (traffic.moved / narrow + FLOAT * trained * (3 + 2 * moments + 3 * average)) / 1e6,
        "operations": traffic.operations,
        "parameters_M": trained / 1e6,
        "kept_MB": kept.bytes / narrow / 1e6,
        "state_MB": FLOAT * (trained * (1 + moments) + numbers * (1 + average)) / 1e6,
        "checkpoint_MB": FLOAT * (trained * moments + numbers * (1 + average)) / 1e6,
        "cache_MB": many and many * math.prod(shape(recipe)) / 1e6,
    }


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path)
    output = parser.parse_args().output
    print_and_store("operation counts", [count(*pair) for pair in pairs()], output)


if __name__ == "__main__":
    main()
