"""How much a step computes, and how much of the device that uses."""

from __future__ import annotations

import copy

import torch
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from xmodal_lite.models.matcher import Batch, Matcher

# TFLOP/s of dense matrix products in 16 bits (bf16; on the T4 fp16), by the name that the driver gives. Vendor's data
# sheets: NVIDIA T4 (65), A100 (312), H100 (SXM 1979, PCIe 1513, both with sparsity, which is half without), H200 (SXM).
PEAK = {
    "Tesla T4": 65.0,
    "NVIDIA A100-SXM4-40GB": 312.0,
    "NVIDIA A100-SXM4-80GB": 312.0,
    "NVIDIA A100-PCIE-40GB": 312.0,
    "NVIDIA A100 80GB PCIe": 312.0,
    "NVIDIA H100 80GB HBM3": 989.5,
    "NVIDIA H100 PCIe": 756.5,
    "NVIDIA H200": 989.5,
}


def flop_counter() -> FlopCounterMode:
    """Return torch's counter of the operations of matrix products and convolutions, right for grouped ones too.

    Its own formula counts the gradient of a grouped convolution's weights as often as there are groups.
    """
    formulas = {torch.ops.aten.convolution_backward: _convolution_backward}
    return FlopCounterMode(display=False, custom_mapping=formulas)


def step_flop(matcher: Matcher, batch: Batch) -> int:
    """Count the floating-point operations of the matrix products and convolutions of a step, there and back.

    Nothing is computed: a copy of the model runs on torch's meta device, which knows shapes alone.

    Parameters
    ----------
    matcher : Matcher
        In training mode, before it is prepared for several processes; left as it is.
    batch : Batch
        The whole batch of a step.

    Returns
    -------
    int
        A multiplication and an addition count as two; 0 where torch cannot run some operation on the meta device.
    """
    model = copy.deepcopy(matcher).to("meta")
    seen = Batch(*(column.to("meta") for column in batch.columns()))
    with flop_counter() as counter:
        try:
            torch.stack(list(model(seen).values())).sum().backward()
        except NotImplementedError:
            return 0
    return counter.get_total_flops()


def speed(flop: int, rate: float, device: str, processes: int = 1, precision: str = "") -> str:
    """Say what a run computes: operations a step, steps a second, TFLOP/s, and its share of the devices' peak.

    Parameters
    ----------
    flop : int
        Of a step, from `step_flop`.
    rate : float
        Steps a second.
    device : str
        Name of each device, as the driver gives it; without a peak in `PEAK` the share is left out.
    processes : int
        How many such devices share a step.
    precision : {"", "no", "bf16", "fp16"}
        What the step was computed in; the peak is of 16 bits, so "no", which is float32, gets no share of it.
    """
    achieved = flop * rate / 1e12
    line = f"{flop / 1e9:.3g} GFLOP a step, {rate:.3g} steps/s, {achieved:.3g} TFLOP/s"
    share = utilisation(flop, rate, device, processes, precision)
    if share is None:
        return line
    return f"{line}, MFU {100 * share:.1f} % of {PEAK[device] * processes:g} TFLOP/s"


def utilisation(flop: int, rate: float, device: str, processes: int = 1, precision: str = "") -> float | None:
    """Return the share of the devices' peak that a run computes (MFU), or None; see `speed`."""
    if device not in PEAK or precision == "no":
        return None
    return flop * rate / 1e12 / (PEAK[device] * processes)


def _convolution_backward(
    grad: list[int],
    x: list[int],
    weight: list[int],
    bias: object,
    stride: object,
    padding: object,
    dilation: object,
    transposed: bool,
    output_padding: object,
    groups: object,
    wanted: list[bool],
    *,
    out_shape: object,
) -> int:
    """Count the way back of a convolution, by shapes: the gradients of x and weight take as much as the way there."""
    return sum(wanted[:2]) * conv_flop_count(x, weight, grad, transposed)
