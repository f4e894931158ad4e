"""The training loop, for every Matcher: read it top to bottom.

Every random draw of step s comes from a generator seeded by (run seed, s). So nothing has to be remembered about
random states, and a run that was killed and resumed draws what the uninterrupted run would have drawn.

Several processes (`accelerate launch`) train as one would: each draws the whole batch and takes its own identities, and
`xmodal_lite.models.distributed` lets losses and batch norms see all of them. The main process alone writes.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm import tqdm

from xmodal_lite.errors import CheckpointError, SpecError, XmodalError
from xmodal_lite.models.distributed import convert_sync_batchnorm, global_batch
from xmodal_lite.models.matcher import Batch, Matcher
from xmodal_lite.recipe import Recipe
from xmodal_lite.training.checkpoint import Checkpoint, latest_checkpoint, load_checkpoint, save_checkpoint
from xmodal_lite.training.cuda_graph import GraphedStep
from xmodal_lite.training.device import make_accelerator
from xmodal_lite.training.memory import AT_START, advice_if_full, error_if_full, keep_freed_memory
from xmodal_lite.training.training_set import TrainingSet


class DivergedError(XmodalError, ArithmeticError):
    """A loss or a weight became infinite or not a number; the message says at which step and which one."""


@dataclass(frozen=True)
class TrainResult:
    """A trained model and how it came about.

    Attributes
    ----------
    matcher : Matcher
        In evaluation mode, with the averaged weights where the recipe averages them.
    history : list of dict
        One line per `log_every` steps: step, rate, and the mean of each loss.
    seconds : float
        Training time, over all the sittings that the run took.
    """

    matcher: Matcher
    history: list[dict[str, float]]
    seconds: float


@error_if_full(AT_START)  # in the steps themselves, advice_if_full is quicker
def fit(
    matcher: Matcher,
    data: TrainingSet,
    recipe: Recipe,
    *,
    seed: int,
    folder: Path | None = None,
    owner: str = "",
    code: str = "",
    accelerator: Accelerator | None = None,
) -> TrainResult:
    """Train a matcher, going on from the last checkpoint in `folder` if there is one.

    Parameters
    ----------
    matcher : Matcher
        The model, with fresh weights; trained in place.
    data : TrainingSet
        Samples of both modalities, and how to draw batches from them.
    recipe : Recipe
        The settings.
    seed : int
        Seeds every draw.
    folder : Path, optional
        Where checkpoints go; without it none is written.
    owner : str
        Hash of the run specification; a checkpoint of another one is refused.
    code : str
        Hash of the code that trains; a checkpoint of another one, or in another precision, is refused.
    accelerator : Accelerator, optional
        Device, precision and processes; by default those of `make_accelerator` for the recipe's precision.

    Raises
    ------
    DivergedError
        A loss, or a weight that would be kept, is infinite or not a number. The last checkpoint is from before that.
    CheckpointError
        A checkpoint cannot be written, is damaged, or is of another run, other code or another precision.
    SpecError
        The identities of a step cannot be dealt out evenly, or the recipe names a loss or a part that the matcher lacks.
    DeviceError
        The GPU's memory is full; the message says what would fit.
    """
    _refuse_unknown_names(matcher, recipe)
    accelerator = accelerator or make_accelerator(recipe.precision)
    if accelerator.device.type == "cpu":
        keep_freed_memory()
    torch.backends.cudnn.benchmark = accelerator.device.type == "cuda"  # every step has the same shapes
    matcher, data = matcher.to(accelerator.device), data.to(accelerator.device)
    if accelerator.num_processes > 1:
        convert_sync_batchnorm(matcher)
    if recipe.compile:
        matcher.compile(dynamic=False)
    optimiser = _optimiser(matcher, recipe)
    average = _MovingAverage(matcher, recipe.ema_decay) if recipe.ema_decay else None
    done, before = 0, 0.0
    history: list[dict[str, float]] = []
    if folder is not None and (found := latest_checkpoint(folder)):
        kept = load_checkpoint(found, owner, code=code, precision=accelerator.mixed_precision)
        done, history, before = _restore(kept, matcher, average, optimiser, accelerator)
    _agree_on(done, folder, accelerator)
    # all is on the device already; placed again, "cpu:0" makes copies, and the average would follow the old weights
    model, prepared = accelerator.prepare(matcher, optimiser, device_placement=[False, False])
    passes = _make_forward_backward(model, recipe, accelerator)
    log = _LossLog(history, kept=done)
    started = time.perf_counter()
    # the bar tells epoch, losses and time left; it is silent where the output is not a terminal
    silent = None if accelerator.is_main_process else True
    with (
        global_batch(accelerator.num_processes),
        advice_if_full(recipe, accelerator.device),
        tqdm(total=recipe.steps, initial=done, unit="step", disable=silent, dynamic_ncols=True) as bar,
    ):
        for step in range(done, recipe.steps):
            terms = _step(passes, prepared, data, recipe, step, seed, accelerator)
            if average is not None:
                average.update(step)
            log.add(step, terms | {name: value.detach() for name, value in matcher.diagnostics().items()})
            last = step + 1 == recipe.steps
            keep = folder is not None and (last or (step + 1) % recipe.checkpoint_every == 0)
            if keep or last or (step + 1) % recipe.log_every == 0:
                _update_progress(bar, step, data.steps_per_epoch, log.flush(recipe.lr_at(step), accelerator))
            if keep or last:
                _refuse_non_finite_weights(matcher, step, log.kept)
            if keep and folder is not None and accelerator.is_main_process:
                seconds = before + time.perf_counter() - started
                state = _snapshot(
                    step + 1, owner, code, matcher, average, optimiser, accelerator, log.lines, seconds
                )
                save_checkpoint(folder, state)
            if keep:
                log.kept = step + 1
    seconds = before + time.perf_counter() - started
    tested = matcher if average is None else average.matcher
    return TrainResult(tested.eval(), log.lines, seconds)


def draw_seed(seed: int, step: int) -> int:
    """Return the seed of all random draws of one step: the same for the same (seed, step), on every machine."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))


ForwardBackward = Callable[[Batch], dict[str, Tensor]]


def _make_forward_backward(
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


def _step(
    passes: ForwardBackward,
    optimiser: torch.optim.Optimizer,
    data: TrainingSet,
    recipe: Recipe,
    step: int,
    seed: int,
    accelerator: Accelerator,
) -> dict[str, Tensor]:
    for group in optimiser.param_groups:
        group["lr"] = group["factor"] * recipe.lr_at(step)
    torch.manual_seed(draw_seed(seed, step))
    seen = [passes(part) for part in _micro_batches(data.batch(step), recipe, accelerator)]
    optimiser.step()
    optimiser.zero_grad(
        set_to_none=not recipe.cuda_graph
    )  # a recorded pass adds to the gradients where they lie
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
            f"processes, equally many to each and two or more a part; set identities to a multiple of {shares} that is "
            f"{2 * recipe.grad_accumulation} or more, or accumulate lower"
        )
    columns = [x.chunk(shares) for x in batch.columns()]
    return [
        Batch(*(column[share] for column in columns))
        for share in range(accelerator.process_index, shares, processes)
    ]


def _refuse_unknown_names(matcher: Matcher, recipe: Recipe) -> None:
    """Refuse weights of losses and multipliers of parts that the matcher does not have; a loss may be switched off."""
    for what, given, known in (
        ("weights losses", recipe.loss_weights, matcher.loss_names),
        ("multiplies the learning rate of parts", recipe.lr_multipliers, tuple(matcher.lr_groups)),
    ):
        if known and (unknown := [name for name in given if name not in known]):
            raise SpecError(
                f"the recipe {what} that {type(matcher).__name__} does not have: {', '.join(unknown)}; known: "
                f"{', '.join(known)}"
            )


def _refuse_non_finite_weights(matcher: Matcher, step: int, kept: int) -> None:
    """Raise DivergedError where a step left a weight infinite or not a number; asks the device once."""
    names, parameters = zip(*matcher.named_parameters(), strict=True)
    finite = torch.stack([parameter.isfinite().all() for parameter in parameters]).tolist()
    if not all(finite):
        name = names[finite.index(False)]
        raise _diverged(f"after step {step} '{name}' holds numbers that are not finite", kept, "Lower lr.")


def _diverged(what: str, kept: int, advice: str) -> DivergedError:
    """Return the error; `kept` is the step of the last checkpoint, 0 where there is none."""
    left = "The last checkpoint is from before it" if kept else "There is no checkpoint from before it"
    return DivergedError(f"{what}. {left}. {advice}")


def _agree_on(done: int, folder: Path | None, accelerator: Accelerator) -> None:
    """Refuse to go on where processes found different checkpoints."""
    if accelerator.num_processes == 1:
        return
    found = accelerator.gather(torch.tensor([done], device=accelerator.device)).tolist()
    if len(set(found)) > 1:
        raise CheckpointError(
            f"the processes found checkpoints of different steps ({found}) in {folder}; put --store on a disk that all "
            "machines share"
        )


def _optimiser(matcher: Matcher, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimiser; what has one dimension (scales, biases) is not decayed.

    CmUNet's offsets of a modality have more, and are.
    """
    groups = [
        {"params": parameters, "weight_decay": recipe.weight_decay * decayed, "factor": factor}
        for factor, named in _param_groups(matcher, recipe).items()
        for decayed in (True, False)
        if (parameters := [p for p in named if (p.ndim > 1) == decayed])
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=0.9, nesterov=True, fused=True)


def _param_groups(matcher: Matcher, recipe: Recipe) -> dict[float, list[torch.nn.Parameter]]:
    """Return the trained parameters by the factor of their learning rate; see `Matcher.lr_groups`."""
    factors = {
        part: recipe.lr_multipliers.get(group, 1.0)
        for group, parts in matcher.lr_groups.items()
        for part in parts
    }
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in matcher.named_parameters():
        if parameter.requires_grad:
            factor = next((factors[part] for part in name.split(".") if part in factors), 1.0)
            groups.setdefault(factor, []).append(parameter)
    return groups


class _MovingAverage:
    """A copy of a model that follows its weights, and its batch statistics, as an exponential moving average.

    After n steps it keeps min(decay, (n + 1) / (n + 10)) of itself, so that it soon forgets the initial weights.
    """

    def __init__(self, matcher: Matcher, decay: float) -> None:
        self.matcher = copy.deepcopy(matcher).requires_grad_(False)
        self._decay = decay
        self._own, self._theirs = (
            # torch hands these out once each, where a state_dict has a shared layer under every name
            [x.detach() for x in (*model.parameters(), *model.buffers()) if x.is_floating_point()]
            for model in (self.matcher, matcher)
        )

    def update(self, step: int) -> None:
        if step == 0:  # what starts as NaN, such as MUN's prototypes, is taken over
            for own, theirs in zip(self._own, self._theirs, strict=True):
                own.copy_(torch.where(own.isnan(), theirs, own))
        keep = min(self._decay, (step + 1) / (step + 10))
        torch._foreach_lerp_(self._own, self._theirs, 1 - keep)


class _LossLog:
    """Keeps the losses on the device until a line is due, so that a step never waits for the host."""

    def __init__(self, lines: list[dict[str, float]], kept: int) -> None:
        self.lines, self.kept = lines, kept  # the latter: step of the last checkpoint, 0 without one
        self._steps: list[int] = []
        self._terms: list[Tensor] = []  # each (number of losses,)
        self._names: list[str] = []

    def add(self, step: int, terms: dict[str, Tensor]) -> None:
        self._names = list(terms)
        self._steps.append(step)
        self._terms.append(torch.stack([term.float() for term in terms.values()]))

    def flush(self, rate: float, accelerator: Accelerator) -> dict[str, float]:
        values = torch.stack(self._terms)  # (steps since the last line, losses)
        if accelerator.num_processes > 1:  # a loss may be of each process's own samples
            values = accelerator.reduce(values, "mean")
        values = values.cpu()
        self._refuse_non_finite(values)
        means = values.mean(dim=0).tolist()
        line = {
            "step": float(self._steps[-1] + 1),
            "rate": rate,
            **dict(zip(self._names, means, strict=True)),
        }
        self.lines.append(line)
        self._steps, self._terms = [], []
        return line

    def _refuse_non_finite(self, values: Tensor) -> None:
        bad = (~values.isfinite()).nonzero()
        if len(bad):
            row, column = bad[0].tolist()
            raise _diverged(
                f"loss '{self._names[column]}' is {values[row, column]} at step {self._steps[row]}",
                self.kept,
                "Lower lr or the weight of that loss.",
            )


def _snapshot(
    step: int,
    owner: str,
    code: str,
    matcher: Matcher,
    average: _MovingAverage | None,
    optimiser: torch.optim.Optimizer,
    accelerator: Accelerator,
    history: list[dict[str, float]],
    seconds: float,
) -> Checkpoint:
    model = {f"model.{name}": value for name, value in matcher.state_dict().items()}
    if average is not None:
        model |= {f"average.{name}": value for name, value in average.matcher.state_dict().items()}
    state = optimiser.state_dict()
    if accelerator.scaler is not None:  # of fp16
        state["scaler"] = accelerator.scaler.state_dict()
    return Checkpoint(step, owner, model, state, history, seconds, code, accelerator.mixed_precision)


def _restore(
    checkpoint: Checkpoint,
    matcher: Matcher,
    average: _MovingAverage | None,
    optimiser: torch.optim.Optimizer,
    accelerator: Accelerator,
) -> tuple[int, list[dict[str, float]], float]:
    def part(prefix: str) -> dict[str, Tensor]:
        return {
            name.removeprefix(prefix): v for name, v in checkpoint.model.items() if name.startswith(prefix)
        }

    matcher.load_state_dict(part("model."))
    if average is not None:
        average.matcher.load_state_dict(part("average."))
    state = dict(checkpoint.optimiser)
    scaler = state.pop("scaler", None)
    if scaler is not None and accelerator.scaler is not None:
        accelerator.scaler.load_state_dict(scaler)
    optimiser.load_state_dict(state)
    return checkpoint.step, checkpoint.history, checkpoint.seconds


def _update_progress(bar: tqdm, step: int, steps_per_epoch: int, line: dict[str, float]) -> None:
    losses = {name: f"{value:.3f}" for name, value in line.items() if name not in ("step", "rate")}
    bar.set_postfix(epoch=step // steps_per_epoch, **losses)
    bar.update(step + 1 - bar.n)
