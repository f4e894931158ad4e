"""Time and memory of a search as the gallery grows, against sorting the whole gallery, and against an index.

    python perf/gallery_growth.py --output growth.json
    pip install faiss-cpu && python perf/gallery_growth.py --index-up-to 100000

100 queries look for their nearest 20 among 1,000 to 1,000,000 features of 512 numbers, memory-mapped from disk. The
plain version loads the gallery, computes all cosines and sorts them. Time is the best of three tasks (of one beyond
100,000 features); memory is the peak of what numpy allocates, so the file's pages, which the system may drop at any
time, do not count. Both must find the same. With faiss there, an approximate index is measured as well: lists of
features around centroids, of which a search reads 16 (IVF); what building it takes, and which share of the true
neighbours it finds. Needs 2 GB of disk, 5 GB of memory for the plain version, and takes two minutes without an index.

The features scatter around centres, one for every 20 of them, as those of people do: an index finds little in features
without any order.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _table import Row, print_and_store, time_of
from threadpoolctl import threadpool_limits

from xmodal_lite.evaluation import nearest

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
WIDTH, QUERIES, K, PER_CENTRE = 512, 100, 20, 20
PART = 50_000  # features drawn at a time
PROBES = 16  # lists of the index that a search reads
Found = np.ndarray


def write_gallery(path: Path) -> np.ndarray:
    """Write the largest gallery, in parts, and return queries (100, 512) that look for some of its centres."""
    rng = np.random.default_rng(0)
    gallery = np.lib.format.open_memmap(path, "w+", np.float32, (SIZES[-1], WIDTH))
    for start in range(0, len(gallery), PART):
        part = gallery[start : start + PART]
        centres = rng.standard_normal((len(part) // PER_CENTRE, WIDTH), dtype=np.float32)
        if not start:
            sought = centres[: SIZES[0] // PER_CENTRE].repeat(QUERIES * PER_CENTRE // SIZES[0], axis=0)
        part[:] = scatter(rng, centres.repeat(PER_CENTRE, axis=0))
    gallery.flush()
    return scatter(rng, sought)


def scatter(rng: np.random.Generator, centres: np.ndarray) -> np.ndarray:
    """Return unit features (n, 512) around centres."""
    x = centres + rng.standard_normal(centres.shape, dtype=np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def sort_everything(queries: np.ndarray, path: Path, size: int) -> Found:
    """Return the first 20 columns of a sorted matrix of all distances."""
    gallery = np.array(np.load(path, mmap_mode="r")[:size])
    gallery = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
    return np.argsort(-queries @ gallery.T, axis=1)[:, :K]


def in_blocks(queries: np.ndarray, path: Path, size: int) -> Found:
    """Search a memory-mapped gallery."""
    return nearest(queries, np.load(path, mmap_mode="r")[:size], K).indices


def cost(run: Callable[[], Found], size: int) -> tuple[float, float, Found]:
    """Return seconds, peak MB and what was found."""
    seconds = time_of(run, 3 if size <= 100_000 else 1)
    tracemalloc.start()
    found = run()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return seconds, peak, found


def exact(queries: np.ndarray, path: Path, size: int) -> tuple[Row, Found]:
    """Compare ours with sorting everything at one size."""
    plain, fat, expected = cost(lambda: sort_everything(queries, path, size), size)
    ours, lean, found = cost(lambda: in_blocks(queries, path, size), size)
    if share_found(found, expected) < 0.999:  # rounding may swap near-ties
        raise AssertionError(f"the two tasks among {size:,} features found different ones")
    times = {"plain_s": plain, "ours_s": ours, "ratio": plain / ours, "us per feature": 1e6 * ours / size}
    return {"what": f"{size:,} features", **times, "plain_MB": fat, "ours_MB": lean}, found


def indexed(queries: np.ndarray, path: Path, size: int, expected: Found, threads: int) -> Row:
    """Build and search an index of faiss, and return further columns."""
    import faiss

    faiss.omp_set_num_threads(threads)
    gallery = np.array(np.load(path, mmap_mode="r")[:size])
    start = time.perf_counter()
    index = faiss.index_factory(WIDTH, f"IVF{int(2 * size**0.5)},Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(gallery)
    index.add(gallery)
    built = time.perf_counter() - start
    index.nprobe = PROBES
    seconds = time_of(lambda: index.search(queries, K), 3)
    found = index.search(queries, K)[1]
    return {"index_build_s": built, "index_s": seconds, "index finds": share_found(found, expected)}


def share_found(found: Found, expected: Found) -> float:
    """Return the share of the expected neighbours that were found, whatever their order."""
    return float(np.mean([np.isin(*pair).mean() for pair in zip(expected, found, strict=True)]))


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--index-up-to", type=int, default=0, help="largest gallery to build an index of")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    if chosen.index_up_to and importlib.util.find_spec("faiss") is None:
        parser.error("--index-up-to needs faiss: pip install faiss-cpu")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(chosen.threads):
        path = Path(folder) / "gallery.npy"
        queries = write_gallery(path)
        for size in SIZES:
            row, found = exact(queries, path, size)
            columns: Row = dict.fromkeys(("index_build_s", "index_s", "index finds"))
            if 10_000 <= size <= chosen.index_up_to:
                columns = indexed(queries, path, size, found, chosen.threads)
            rows.append({**row, **columns})
    print_and_store("gallery growth", rows, chosen.output, threads=chosen.threads)


if __name__ == "__main__":
    main()
