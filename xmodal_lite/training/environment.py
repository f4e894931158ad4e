"""Environment variables of launchers and of Accelerate: what is honoured, and what would change a run unseen.

A run's numbers follow from its recipe. So variables that say how many processes there are and whether a GPU is used are
honoured, those that a recipe has a setting for are overruled by it, and those that train in another way are refused.
"""

from __future__ import annotations

import os

from xmodal_lite.errors import DeviceError

TRUE, FALSE = ("1", "true", "yes", "y", "t", "on"), ("", "0", "false", "no", "n", "f", "off")
ANOTHER_WAY = (  # of training, each of which computes other numbers
    "ACCELERATE_USE_DEEPSPEED",
    "ACCELERATE_USE_FSDP",
    "ACCELERATE_USE_MEGATRON_LM",
    "ACCELERATE_USE_PARALLELISM_CONFIG",
    "ACCELERATE_USE_SAGEMAKER",
)
FLAGS = (  # that Accelerate reads as true or false, and that change no number
    "ACCELERATE_USE_CPU",
    "ACCELERATE_CPU_AFFINITY",
    "ACCELERATE_DEBUG_MODE",
    "ACCELERATE_DYNAMO_USE_DYNAMIC",
    "ACCELERATE_DYNAMO_USE_FULLGRAPH",
    "ACCELERATE_DYNAMO_USE_REGIONAL_COMPILATION",
    "FORK_LAUNCHED",
)
RANKS, PLACE = ("RANK", "LOCAL_RANK"), ("MASTER_ADDR", "MASTER_PORT")
MPI_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")


def check_environment() -> None:
    """Refuse what would change a run's numbers, and what no launcher of ours sets.

    Raises
    ------
    DeviceError
        The message names the variable and the remedy.
    """
    for name in ANOTHER_WAY:
        if _flag(name):
            raise DeviceError(
                f"{name} is set, which trains in another way than the recipe says; unset it (to save memory, a recipe "
                "has precision and grad_accumulation)"
            )
    for name in FLAGS:
        _flag(name)
    if os.environ.get("ACCELERATE_TORCH_DEVICE"):
        raise DeviceError("ACCELERATE_TORCH_DEVICE is set; unset it and choose the device with --device")
    fp8 = os.environ.get("ACCELERATE_FP8_BACKEND", "NO")
    if fp8.upper() != "NO":
        raise DeviceError(f"ACCELERATE_FP8_BACKEND is '{fp8}', and no recipe trains in 8 bits; unset it")
    several_processes()


def told_to_use_cpu() -> bool:
    """Say whether `ACCELERATE_USE_CPU` keeps this process off the GPU."""
    return _flag("ACCELERATE_USE_CPU")


def several_processes() -> bool:
    """Say whether a launcher (`accelerate launch`, `torchrun`) started this process as one of several.

    Raises
    ------
    DeviceError
        What the launcher should have set is not there, is no number, or does not fit together.
    """
    size = _number("WORLD_SIZE", 1)
    ranks = {name: _number(name, -1) for name in RANKS}
    if size == 1 and set(ranks.values()) == {-1}:
        for name in MPI_SIZES:
            if _number(name, 1) > 1:
                raise DeviceError(
                    f"{name} is set and WORLD_SIZE is not: several processes are started with 'accelerate launch'; "
                    f"start them so, or unset {name}"
                )
        return False
    named = ("WORLD_SIZE", *RANKS, *PLACE)
    if missing := [name for name in named if not os.environ.get(name)]:
        found = [name for name in named if name not in missing]
        raise DeviceError(
            f"{', '.join(found)} is set as by a launcher of several processes, but {', '.join(missing)} is not; unset "
            "what another program left, or start with 'accelerate launch'"
        )
    _number("MASTER_PORT", 0)
    for name, rank in ranks.items():
        if not 0 <= rank < size:
            raise DeviceError(
                f"{name} is {rank}, but WORLD_SIZE is {size}; unset both, or start with 'accelerate launch'"
            )
    return size > 1


def _flag(name: str) -> bool:
    value = os.environ.get(name, "").lower()
    if value not in (*TRUE, *FALSE):
        raise DeviceError(f"{name} is '{os.environ[name]}'; set it to true or false, or unset it")
    return value in TRUE


def _number(name: str, default: int) -> int:
    value = os.environ.get(name, "") or str(default)
    if not value.removeprefix("-").isdecimal():
        raise DeviceError(
            f"{name} is '{value}', no whole number; unset it, or start with 'accelerate launch'"
        )
    if int(value) < min(default, 0) or (name == "WORLD_SIZE" and int(value) < 1):
        raise DeviceError(
            f"{name} is {value}, which is too small; unset it, or start with 'accelerate launch'"
        )
    return int(value)
