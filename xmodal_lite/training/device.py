"""Where a run trains and in which precision: what was asked for, what is there, and what is used."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, GradientAccumulationPlugin, InitProcessGroupKwargs

from xmodal_lite.errors import DeviceError
from xmodal_lite.training.environment import check_environment, several_processes, told_to_use_cpu

DEVICES = ("auto", "cpu", "cuda")
# others wait while the main process reads data, or evaluates; the launcher ends them all if one of them fails
PATIENCE = timedelta(hours=2)


def make_accelerator(precision: str = "no", device: str = "auto") -> Accelerator:
    """Return the device, the precision and the processes of a run, as `accelerate launch` (if used) set them up.

    Parameters
    ----------
    precision : {"no", "bf16", "fp16"}
        What the recipe asks for; see `usable_precision` for what is used.
    device : {"auto", "cpu", "cuda"}
        "auto" takes a GPU where there is one; where there is none, several processes share the processor.

    Returns
    -------
    Accelerator
        Its `mixed_precision` is the precision in use.

    Raises
    ------
    DeviceError
        The device is unknown, or CUDA is asked for and cannot be had; the message says why. Or an environment variable
        asks for what no recipe says; the message names it.
    """
    check_environment()
    on_gpu = choose_device(device).type == "cuda"
    used, note = usable_precision(
        precision, on_gpu, on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    )
    if note:
        warnings.warn(note, stacklevel=2)
    AcceleratorState._reset_state(reset_partial_state=not several_processes())
    return Accelerator(
        mixed_precision=used,
        cpu=not on_gpu and (device == "cpu" or several_processes()),
        # said here, or Accelerate takes them from the environment
        dynamo_backend="no",
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        kwargs_handlers=[
            # every step has the same graph; in it some methods have parameters that no loss reaches
            DistributedDataParallelKwargs(static_graph=True),
            InitProcessGroupKwargs(timeout=PATIENCE),
        ],
    )


def choose_device(device: str = "auto") -> torch.device:
    """Return the device that `make_accelerator` would take, and set nothing up.

    Raises
    ------
    DeviceError
        The device is unknown, or CUDA is asked for and cannot be had.
    """
    check_device(device)
    on_gpu = device != "cpu" and not told_to_use_cpu() and torch.cuda.is_available()
    return torch.device("cuda" if on_gpu else "cpu")


def check_device(device: str) -> None:
    """Refuse a device that is not there, and take nothing of one that is.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        As for `make_accelerator`.

    Raises
    ------
    DeviceError
        The device is unknown, or CUDA is asked for and cannot be had; the message says why.
    """
    if device not in DEVICES:
        raise DeviceError(f"unknown device '{device}'; known: {', '.join(DEVICES)}")
    if device == "cuda":
        _require_cuda()


@contextmanager
def main_process_first(accelerator: Accelerator | None) -> Iterator[None]:
    """Let the first process of each machine go in alone, then the others; one process just goes in.

    Accelerate's own way asks for a barrier on the kind of device that torch was built for, which need not be there.

    Parameters
    ----------
    accelerator : Accelerator, optional
        Of several processes, or of one; without it there is no waiting.
    """
    if accelerator is None or accelerator.num_processes == 1:
        yield
        return
    if not accelerator.is_local_main_process:
        _meet(accelerator)
    try:
        yield
    finally:  # where the first one fails, the others go in and fail alike
        if accelerator.is_local_main_process:
            _meet(accelerator)


def _meet(accelerator: Accelerator) -> None:
    """Wait until every process is here."""
    accelerator.reduce(torch.zeros(1, device=accelerator.device)).item()  # .item() waits for a GPU, too


def usable_precision(asked: str, on_gpu: bool, has_bf16: bool) -> tuple[str, str]:
    """Return the precision to use, and a note where it is not the one asked for.

    Parameters
    ----------
    asked : {"no", "bf16", "fp16"}
        As Accelerate names them.
    on_gpu : bool
        Else on a processor, where torch has bf16 and no scaling for fp16.
    has_bf16 : bool
        Whether the GPU computes in bf16 by itself (compute capability 8.0 or more).
    """
    if asked == "bf16" and on_gpu and not has_bf16:
        return (
            "fp16",
            "this GPU has no bf16: fp16 with scaled gradients instead; --set precision=no is float32",
        )
    if asked == "fp16" and not on_gpu:
        return "bf16", "fp16 needs a GPU, so the run uses bf16; --set precision=no is float32"
    return asked, ""


def _require_cuda() -> None:
    if told_to_use_cpu():
        raise DeviceError(
            "CUDA is asked for, but ACCELERATE_USE_CPU is set; unset it, or choose --device cpu"
        )
    if torch.version.cuda is None:
        raise DeviceError(
            f"CUDA is asked for, but this torch ({torch.__version__}) was built without it; install a CUDA build of "
            "torch, or choose --device cpu"
        )
    if not torch.cuda.is_available():
        raise DeviceError(
            f"CUDA is asked for, but torch finds no GPU that its CUDA {torch.version.cuda} can use; nvidia-smi should "
            "list one, with a driver as new as that, and CUDA_VISIBLE_DEVICES should not hide it. Or use --device cpu"
        )
