"""Time of one query against a gallery of stored embeddings, against a full matrix product and a full sort.

    python perf/match_gallery.py --output match.json

The gallery holds 1,000 to 100,000 unit-length embeddings of 512 numbers, memory-mapped from disk. Two tasks are
timed, best of five each: of an embedding that is at hand (ranking and prediction set), and the whole call, from the
query's file to its ranked matches. The plain version ranks by all cosines, sorted to the end. Both must find the same.
`processor_ms` is our search again in the processor's time, added up over threads: on a busy machine it says more.
The call needs a run: one step of the tiny profile on synthetic people, made on the way. Takes a minute.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from _table import Row, compared, print_and_store, time_of
from threadpoolctl import threadpool_limits

from xmodal_lite.deployment import Gallery, Retriever, open_run
from xmodal_lite.evaluation import topk
from xmodal_lite.experiments import RunStore, make_spec, open_benchmark, run

SIZES = (1_000, 10_000, 100_000)
WIDTH, K, REPEATS = 512, 5, 5
LEAST = 0.1  # score of the members of the prediction set, of some hundred in the largest gallery


def make_run(folder: Path) -> tuple[Retriever, Path]:
    """Train for one step, and return the opened run and an infrared image of its data."""
    data = open_benchmark("regdb", profile="tiny", folder=folder)
    spec = make_spec(
        "two-stream", data, protocol=data.protocols[0], profile="tiny", seed=0, overrides={"steps": 1}
    )
    run(spec, data, RunStore(folder / "runs"))
    image = next(folder.glob("synthetic-*/Thermal/*/*"))
    return open_run(folder / "runs" / spec.hash, device="cpu"), image


def write_gallery(path: Path, run: str) -> Gallery:
    """Write made-up embeddings of the largest size."""
    x = np.random.default_rng(0).standard_normal((SIZES[-1], WIDTH), dtype=np.float32)
    np.save(path, x / np.linalg.norm(x, axis=1, keepdims=True))
    names = np.array([f"{i // 10:05d}/{i % 10}.jpg" for i in range(SIZES[-1])])
    return Gallery(path.parent, 0, names, np.load(path, mmap_mode="r"), (), run)


def first(gallery: Gallery, size: int) -> Gallery:
    """Return a gallery of the first embeddings."""
    return replace(gallery, paths=gallery.paths[:size], embeddings=gallery.embeddings[:size])


def plain_search(query: np.ndarray, gallery: Gallery) -> list[str]:
    """Sort all cosines of a query (1, 512)."""
    cosine = query @ gallery.embeddings.T
    return gallery.paths[np.argsort(-cosine[0])[:K]].tolist()


def our_search(query: np.ndarray, gallery: Gallery) -> list[str]:
    """Take the largest cosines of a query (1, 512), and all members of a prediction set."""
    cosine = query @ gallery.embeddings.T
    np.flatnonzero(cosine[0] >= LEAST)
    return gallery.paths[topk(cosine, K).indices[0]].tolist()


def plain_call(matcher: Retriever, image: Path, gallery: Gallery) -> list[str]:
    """Read and embed a image, then sort all cosines."""
    return plain_search(matcher.embed([image], 1), gallery)


def our_call(matcher: Retriever, image: Path, gallery: Gallery) -> list[str]:
    """Match a image."""
    (answer,) = matcher.match([image], gallery, K).answers
    return [match.path for match in answer.matches]


def row(what: str, size: int, plain: Callable[[], object], ours: Callable[[], object]) -> Row:
    """Compare two calls that must find the same."""
    if plain() != ours():
        raise AssertionError(f"the two tasks among {size:,} embeddings found different ones")
    processor = 1e3 * time_of(ours, REPEATS, time.process_time)
    times = compared(f"{what}, {size:,}", time_of(plain, REPEATS), time_of(ours, REPEATS))
    return times | {"processor_ms": processor}


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name, threadpool_limits(chosen.threads):
        matcher, image = make_run(Path(name))
        whole = write_gallery(Path(name) / "gallery.npy", matcher.run.record.spec.hash)
        query = matcher.embed([image], 1)
        for size in SIZES:
            part = first(whole, size)
            rows.append(
                row(
                    "search",
                    size,
                    lambda part=part: plain_search(query, part),
                    lambda part=part: our_search(query, part),
                )
            )
            rows.append(
                row(
                    "whole call",
                    size,
                    lambda part=part: plain_call(matcher, image, part),
                    lambda part=part: our_call(matcher, image, part),
                )
            )
    print_and_store("match gallery", rows, chosen.output, threads=chosen.threads)


if __name__ == "__main__":
    main()
