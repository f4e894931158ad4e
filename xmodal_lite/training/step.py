"""One training step: the losses of a batch, their gradients, and a move of the weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from xmodal_lite.errors import SpecError
from xmodal_lite.models.matcher import Batch
from xmodal_lite.recipe import Recipe
from xmodal_lite.training.cuda_graph import GraphedStep
from xmodal_lite.training.training_set import TrainingSet

ForwardBackward = Callable[[Batch], dict[str, Tensor]]


def draw_seed(seed: int, step: int) -> int:
    """Return the seed of all random draws of one step: the same for the same (seed, step), on every machine."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def make_forward_backward(
    model: torch.nn.Module, recipe: Recipe, accelerator: Accelerator
) -> ForwardBackward:
    """Return what computes the losses of a part of a batch and adds their gradients to those that are there."""

    def forward_backward(part: Batch) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = model(part)
        total = torch.stack([recipe.loss_weights.get(name, 1.0) * term for name, term in terms.items()]).sum()
        accelerator.backward(total / recipe.grad_accumulation)
        return {name: term.detach() for name, term in terms.items()}

    one_gpu = accelerator.device.type == "cuda" and accelerator.num_processes == 1
    recorded = recipe.cuda_graph and one_gpu and recipe.grad_accumulation == 1 and accelerator.scaler is None
    return GraphedStep(forward_backward) if recorded else forward_backward


def train_step(
    forward_backward: ForwardBackward,
    optimizer: torch.optim.Optimizer,
    data: TrainingSet,
    recipe: Recipe,
    step: int,
    seed: int,
    accelerator: Accelerator,
) -> dict[str, Tensor]:
    """Train on the batch of a step, counted from 0, and return its losses, not yet weighted.

    Raises
    ------
    SpecError
        The identities of a step cannot be dealt out evenly to its parts and processes.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["factor"] * recipe.lr_at(step)
    torch.manual_seed(draw_seed(seed, step))
    seen = [forward_backward(part) for part in _micro_batches(data.batch(step), recipe, accelerator)]
    optimizer.step()
    # a recorded pass adds to the gradients where they lie
    optimizer.zero_grad(set_to_none=not recipe.cuda_graph)
    return {name: torch.stack([terms[name] for terms in seen]).mean(dim=0) for name in seen[0]}


def _micro_batches(batch: Batch, recipe: Recipe, accelerator: Accelerator) -> list[Batch]:
    """Return this process's identities of each part that the step is computed in."""
    processes = accelerator.num_processes
    shares = recipe.grad_accumulation * processes
    if shares == 1:
        return [batch]
    identities = len(batch.labels) // recipe.num_instances
    if identities % shares or identities < 2 * recipe.grad_accumulation:
        raise SpecError(
            f"{identities} identities a step cannot be dealt out to {recipe.grad_accumulation} parts of {processes} "
            f"processes, equally many to each and two or more a part; set num_identities to a multiple of {shares} "
            f"that is {2 * recipe.grad_accumulation} or more, or grad_accumulation lower"
        )
    columns = [x.chunk(shares) for x in batch.columns()]
    return [
        Batch(*(column[share] for column in columns))
        for share in range(accelerator.process_index, shares, processes)
    ]
