"""Forward and backward pass as one CUDA graph: a single launch, where Python launches thousands of operations."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from xmodal_lite.models.matcher import Batch

WARMUP = 3  # calls before the recording, in which libraries choose their algorithms


class GraphedStep:
    """A function of a batch that runs on a GPU as it is at first, and from the fourth call on as a recorded CUDA graph.

    The operations stay those of the function, so what it computes does too; what is saved is the time that Python
    takes to launch them, which at 64 images a step is longer than the GPU takes to run them.

    Parameters
    ----------
    function : callable
        Takes a batch and returns tensors by name. It asks the GPU for no value, and sees the same shapes in each call.
        What it changes (gradients, running statistics) is changed in place: gradients have to be set to zero in
        between, not to None.
    """

    def __init__(self, function: Callable[[Batch], dict[str, Tensor]]) -> None:
        self._function, self._calls = function, 0
        # a recording needs a stream of its own, and the calls before it the same one
        self._stream = torch.cuda.Stream()
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Return what the function returns; the next call writes over it."""
        if self._calls < WARMUP:
            self._calls += 1
            return self._aside(batch)
        if self._graph is None:
            self._graph = self._record(batch)
        else:
            for own, given in zip(self._seen.columns(), batch.columns(), strict=True):
                own.copy_(given)
        self._graph.replay()
        return self._found

    def _aside(self, batch: Batch) -> dict[str, Tensor]:
        """Call the function on the stream that will record it."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            found = self._function(batch)
        torch.cuda.current_stream().wait_stream(self._stream)
        return found

    def _record(self, batch: Batch) -> torch.cuda.CUDAGraph:
        """Record the function; nothing is computed yet."""
        self._seen = Batch(*(x.clone() for x in batch.columns()))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            self._found = self._function(self._seen)
        return graph
