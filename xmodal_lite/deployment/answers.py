"""The ranked answers of a finished run to test queries of its benchmark, as arrays for a figure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark
from xmodal_lite.deployment.load import LoadedRun
from xmodal_lite.errors import SpecError
from xmodal_lite.evaluation import cosine_distances
from xmodal_lite.experiments import embed


class Answers(NamedTuple):
    """Queries, the gallery and how alike they are: the first arguments of `xmodal_lite.plots.plot_answers`.

    Attributes
    ----------
    queries, gallery : np.ndarray, shape (Q, C, ...) and (G, C, ...)
        Samples.
    similarity : np.ndarray, shape (Q, G)
        Cosines of the embeddings.
    right : np.ndarray, shape (Q, G), bool
        Whether both show one identity.
    """

    queries: np.ndarray
    gallery: np.ndarray
    similarity: np.ndarray
    right: np.ndarray


def answers_at_test(run: LoadedRun, benchmark: Benchmark, direction: str = "r2v", count: int = 8) -> Answers:
    """Compare some test queries of a run, evenly spaced in the order of the table, with the gallery of its test.

    Parameters
    ----------
    run : LoadedRun
        From `load_run`.
    benchmark : Benchmark
        The data of the run.
    direction : str
        One of the directions of the run's protocol, such as "r2v" (queries of modality 1).
    count : int
        Queries.

    Raises
    ------
    SpecError
        The data are not those of the run, or its protocol has no such direction.
    """
    spec = run.record.spec
    if benchmark.fingerprint != run.record.fingerprint:
        raise SpecError(f"run {spec.hash} is of data {spec.data}; give that benchmark")
    split = benchmark.split(spec.protocol, spec.seed)
    tasks = {task.direction: task for task in split.tasks}
    if direction not in tasks:
        raise SpecError(f"protocol {spec.protocol} has no direction '{direction}'; known: {', '.join(tasks)}")
    every, first = tasks[direction].queries, tasks[direction].trials[0]
    rows = split.test[every[np.linspace(0, len(every) - 1, count).astype(int)]], split.test[first]
    queries, gallery = (embed(run.matcher, benchmark, chosen) for chosen in rows)  # (Q, D), (G, D)
    identities = [benchmark.table.identity[chosen] for chosen in rows]
    return Answers(
        benchmark.samples[rows[0]],
        benchmark.samples[rows[1]],
        1 - cosine_distances(queries, gallery),
        identities[0][:, None] == identities[1],
    )
