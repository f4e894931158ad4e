"""Several processes, one batch: each holds a part of its rows; losses, batch norms and draws are those of the whole.

In one process, and outside `global_batch`, everything here leaves tensors as they are.

The whole batch has its processes' rows one after the other, equally many of each. Every process computes the whole
loss L. What autograd differentiates across W processes is then the sum of W equal losses, and the mean over processes
that `DistributedDataParallel` takes of the gradients is the gradient of L, wherever a parameter stands. For the same
reason a loss that is a plain mean over samples may be left to each process's own rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

_processes = 1


@contextmanager
def global_batch(processes: int) -> Iterator[None]:
    """Let batches be shared among so many processes here; torch's process group must be there if it is not one."""
    global _processes
    before, _processes = _processes, processes
    try:
        yield
    finally:
        _processes = before


def all_gather(x: Tensor, blocks: int = 1) -> Tensor:
    """Return the rows of all processes; the gradient goes back to where each row came from.

    Parameters
    ----------
    x : Tensor
        (blocks * n, ...) rows of this process, such as n of v and then n of r.
    blocks : int
        How many groups of rows stand one behind the other; they do in the result, too.

    Returns
    -------
    Tensor
        (blocks * N, ...), N = n * processes.
    """
    if _processes == 1:
        return x
    from torch.distributed.nn.functional import all_gather  # only here: importing it makes a folder

    every = all_gather(x.unflatten(0, (blocks, -1)).contiguous())
    return torch.cat(every, dim=1).flatten(0, 1)


def global_batch_size(rows: int) -> int:
    """Return the number of rows in all processes, where this one has `rows`."""
    return rows * _processes


def local_rows(whole: Tensor) -> Tensor:
    """Return this process's rows (n, ...) of what was drawn for the whole batch (N, ...)."""
    return whole if _processes == 1 else whole.chunk(_processes)[distributed.get_rank()]


class Dropout(nn.Dropout):
    """Dropout that draws for the whole batch, so that a sample loses the same in however many processes."""

    def forward(self, x: Tensor) -> Tensor:
        """Take (n, ...), return the same shape."""
        if _processes == 1 or not self.training:
            return super().forward(x)
        whole = torch.ones(global_batch_size(len(x)), *x.shape[1:], dtype=x.dtype, device=x.device)
        return x * local_rows(functional.dropout(whole, self.p))


class CpuSyncBatchNorm(_BatchNorm):
    """Batch normalisation by the statistics of all processes, on processors, where torch's `SyncBatchNorm` refuses."""

    @classmethod
    def from_batch_norm(cls, norm: _BatchNorm) -> CpuSyncBatchNorm:
        """Return one with the parameters and the running statistics of another normalisation, not copies of them."""
        made = cls(norm.num_features, norm.eps, norm.momentum)
        made.train(norm.training)
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            setattr(made, name, getattr(norm, name))
        return made

    def forward(self, x: Tensor) -> Tensor:
        """Take (n, C, ...), return the same shape."""
        if _processes == 1 or not self.training:
            return super().forward(x)
        axes, spread = [0, *range(2, x.ndim)], (1, -1, *[1] * (x.ndim - 2))
        values = x.float()
        mean = _mean_of_all(values.mean(axes))  # (C,)
        centred = values - mean.view(spread)
        variance = _mean_of_all(centred.square().mean(axes))
        self._follow(mean.detach(), variance.detach(), global_batch_size(x.numel() // len(mean)))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale.view(spread) + self.bias.view(spread)).to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics, of which the variance is the unbiased one."""
        assert self.momentum is not None  # which would be a mean over all steps; no model asks for that
        self.get_buffer("running_mean").lerp_(mean, self.momentum)
        self.get_buffer("running_var").lerp_(variance * count / (count - 1), self.momentum)
        self.get_buffer("num_batches_tracked").add_(1)

    def _check_input_dim(self, input: Tensor) -> None:
        """Take any number of axes: the three classes of torch differ in nothing else."""


def convert_sync_batchnorm(model: nn.Module) -> None:
    """Let every batch normalisation of a model see all processes; names, parameters and buffers stay as they are."""
    if next(model.parameters()).is_cuda:
        nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, _BatchNorm) and not isinstance(child, CpuSyncBatchNorm):
                setattr(module, name, CpuSyncBatchNorm.from_batch_norm(child))


def _mean_of_all(x: Tensor) -> Tensor:
    from torch.distributed.nn.functional import all_reduce

    return all_reduce(x) / _processes
