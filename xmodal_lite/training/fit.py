"""The training loop, for every Matcher: read it top to bottom.

Every random draw of step s comes from a generator seeded by (run seed, s). So nothing has to be remembered about
random states, and a run that was killed and resumed draws what the uninterrupted run would have drawn.

Several processes (`accelerate launch`) train as one would: each draws the whole batch and takes its own identities, and
`xmodal_lite.models.distributed` lets losses and batch norms see all of them. The main process alone writes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from tqdm import tqdm

from xmodal_lite.errors import CheckpointError, SpecError
from xmodal_lite.models.distributed import convert_sync_batchnorm, global_batch
from xmodal_lite.models.matcher import Matcher
from xmodal_lite.recipe import Recipe
from xmodal_lite.training.checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint
from xmodal_lite.training.device import make_accelerator
from xmodal_lite.training.loss_log import LossLog, refuse_non_finite_weights
from xmodal_lite.training.memory import AT_START, advice_if_full, error_if_full, keep_freed_memory
from xmodal_lite.training.state import TrainState
from xmodal_lite.training.step import make_forward_backward, train_step
from xmodal_lite.training.training_set import TrainingSet


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
    """Train a matcher; resume from the last checkpoint in `folder` if there is one.

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
    owner, code : str
        Hash of the run specification, and of the code that trains; a checkpoint of others is refused.
    accelerator : Accelerator, optional
        Device, precision and processes; by default those of `make_accelerator` for the recipe's precision.

    Raises
    ------
    DivergedError
        A loss, or a weight that would be kept, is infinite or not a number. The last checkpoint is from before that.
    CheckpointError
        A checkpoint cannot be written, is damaged, or is of another run, other code or another precision.
    SpecError
        The identities of a step cannot be dealt out evenly, or the recipe names a loss or a part that is not there.
    DeviceError
        The GPU's memory is full; the message says what would fit.
    """
    _refuse_unknown_names(matcher, recipe)
    accelerator = accelerator or make_accelerator(recipe.precision)
    data = data.to(accelerator.device)
    state = TrainState(_on_device(matcher, recipe, accelerator), recipe, accelerator)
    log, before = _resume(state, folder, owner, code)
    seconds = _train(state, log, data, seed, before, folder, (owner, code))
    return TrainResult(state.tested.eval(), log.lines, seconds)


def _on_device(matcher: Matcher, recipe: Recipe, accelerator: Accelerator) -> Matcher:
    """Return the matcher as it is trained: on its device, with its batch norms shared, compiled if asked for."""
    if accelerator.device.type == "cpu":
        keep_freed_memory()
    torch.backends.cudnn.benchmark = accelerator.device.type == "cuda"  # every step has the same shapes
    matcher = matcher.to(accelerator.device)
    if accelerator.num_processes > 1:
        convert_sync_batchnorm(matcher)
    if recipe.compile:
        matcher.compile(dynamic=False)
    return matcher


def _resume(state: TrainState, folder: Path | None, owner: str, code: str) -> tuple[LossLog, float]:
    """Restore the last checkpoint, if there is one; return the log and the seconds of training so far."""
    log, seconds = LossLog([], kept=0), 0.0
    if folder is not None and (found := latest_checkpoint(folder)):
        precision = state.accelerator.mixed_precision
        checkpoint = load_checkpoint(found, owner, code=code, precision=precision)
        state.restore(found, checkpoint)
        log, seconds = LossLog(checkpoint.history, kept=checkpoint.step), checkpoint.seconds
    _refuse_different_steps(log.kept, folder, state.accelerator)
    return log, seconds


def _train(
    state: TrainState,
    log: LossLog,
    data: TrainingSet,
    seed: int,
    before: float,
    folder: Path | None,
    origin: tuple[str, str],
) -> float:
    """Train from the last checkpoint to the end of the recipe; return all seconds of training, also those before."""
    recipe, accelerator, matcher = state.recipe, state.accelerator, state.matcher
    # all is on the device already; placed again, "cpu:0" makes copies, and the average would follow the old weights
    model, optimizer = accelerator.prepare(matcher, state.optimizer, device_placement=[False, False])
    forward_backward = make_forward_backward(model, recipe, accelerator)
    started = time.perf_counter()
    # the bar tells epoch, losses and time left; it is silent where the output is not a terminal
    silent = None if accelerator.is_main_process else True
    with (
        global_batch(accelerator.num_processes),
        advice_if_full(recipe, accelerator.device),
        tqdm(total=recipe.steps, initial=log.kept, unit="step", disable=silent, dynamic_ncols=True) as bar,
    ):
        for step in range(log.kept, recipe.steps):
            terms = train_step(forward_backward, optimizer, data, recipe, step, seed, accelerator)
            if state.average is not None:
                state.average.update(step)
            log.add(step, terms | {name: value.detach() for name, value in matcher.diagnostics().items()})
            last = step + 1 == recipe.steps
            keep = folder is not None and (last or (step + 1) % recipe.checkpoint_every == 0)
            if keep or last or (step + 1) % recipe.log_every == 0:
                _update_progress(bar, step, data.steps_per_epoch, log.flush(recipe.lr_at(step), accelerator))
            if keep or last:
                refuse_non_finite_weights(matcher, step, log.kept)
            if keep and folder is not None and accelerator.is_main_process:
                seconds = before + time.perf_counter() - started
                save_checkpoint(folder, state.checkpoint(step + 1, *origin, log.lines, seconds))
            if keep:
                log.kept = step + 1
    return before + time.perf_counter() - started


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


def _refuse_different_steps(done: int, folder: Path | None, accelerator: Accelerator) -> None:
    """Refuse to resume where processes found different checkpoints."""
    if accelerator.num_processes == 1:
        return
    found = accelerator.gather(torch.tensor([done], device=accelerator.device)).tolist()
    if len(set(found)) > 1:
        raise CheckpointError(
            f"the processes found checkpoints of different steps ({found}) in {folder}; put --store on a disk that all "
            "machines share"
        )


def _update_progress(bar: tqdm, step: int, steps_per_epoch: int, line: dict[str, float]) -> None:
    losses = {name: f"{value:.3f}" for name, value in line.items() if name not in ("step", "rate")}
    bar.set_postfix(epoch=step // steps_per_epoch, **losses)
    bar.update(step + 1 - bar.n)
