"""How cmUNet is held to the space of samples: in-modality reconstruction and cross-modality transformation."""

from __future__ import annotations

import torch
from torch import Tensor


def reconstruction(output: Tensor, sample: Tensor, measured: Tensor | None = None) -> Tensor:
    r"""Mean absolute difference :math:`|U(x^v) - x^v|_1` over the measured points.

    Parameters
    ----------
    output : Tensor
        (N, C, ...) what cmUNet made of the samples.
    sample : Tensor
        (N, C, ...) the samples themselves.
    measured : Tensor, optional
        Bool, of a shape that fits `sample`: the points that set a target. By default all that are not exactly 0, which
        is how a spectrum marks what lies outside its range, or at its floor.

    Returns
    -------
    Tensor
        Scalar, the mean over all points, those without a target counting 0.

    Raises
    ------
    ValueError
        The shapes differ, or there is no sample.

    Notes
    -----
    The paper names the task (Niu et al. 2024); norm, mask and mean are ours.
    """
    if output.shape != sample.shape or len(sample) == 0:
        raise ValueError(
            f"need two equal shapes (N, C, ...) with N > 0, got {tuple(output.shape)}, {tuple(sample.shape)}"
        )
    return _distance(output, sample, measured).mean()


def transformation(output: Tensor, sample: Tensor, aligned: Tensor, measured: Tensor | None = None) -> Tensor:
    r"""Mean absolute difference :math:`|U(x^r) - x^v|_1` over the pairs that show the very same specimen.

    Parameters
    ----------
    output : Tensor
        (N, C, ...) what cmUNet made of the samples of the other modality.
    sample : Tensor
        (N, C, ...) the partners in the target modality.
    aligned : Tensor
        (N,) bool; only these pairs count.
    measured : Tensor, optional
        As for `reconstruction`.

    Returns
    -------
    Tensor
        Scalar; 0, with a gradient of 0, where no pair is aligned.

    Raises
    ------
    ValueError
        The shapes do not fit, or there is no sample.

    Notes
    -----
    The paper names the task (Niu et al. 2024); norm, mask and mean are ours.
    """
    if output.shape != sample.shape or aligned.shape != sample.shape[:1] or len(sample) == 0:
        raise ValueError(
            f"need two equal shapes (N, C, ...) and aligned (N,) with N > 0, got {tuple(output.shape)}, "
            f"{tuple(sample.shape)} and {tuple(aligned.shape)}"
        )
    each = _distance(output, sample, measured).flatten(1).mean(dim=1)  # (N,)
    return torch.where(aligned, each, 0.0).sum() / aligned.sum().clamp_min(1)


def _distance(output: Tensor, sample: Tensor, measured: Tensor | None) -> Tensor:
    """Return the absolute difference (N, C, ...), 0 where nothing was measured."""
    return (output - sample).abs() * (sample != 0 if measured is None else measured)
