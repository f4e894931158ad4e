"""What all writers of image sets share: checked parameters, worker processes, and files with their masks."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TypeVar

import numpy as np
from PIL import Image

Item = TypeVar("Item")


def check_parameters(identities: int, most: int, images: int, seed: int, gap: float, workers: int) -> None:
    """Refuse parameters out of range."""
    if not 10 <= identities <= most:
        raise ValueError(f"identities={identities}: give 10 to {most}, which is the real set's number")
    if not 1 <= images <= 99:
        raise ValueError(f"images={images}: give 1 to 99 images of an identity by each camera")
    if seed < 0:
        raise ValueError(f"seed={seed}: give 0 or a larger integer")
    if not 0 <= gap <= 1:
        raise ValueError(
            f"gap={gap}: give a value from 0 (both modalities show luminance) to 1 (each its own reflectance)"
        )
    if workers < 1:
        raise ValueError(f"workers={workers}: give one process or more")


def run_all(job: Callable[[Item], None], items: Sequence[Item], workers: int) -> None:
    """Do a job for every item, in this process or in ``workers`` others, which end when this process ends."""
    if workers == 1:
        for item in items:
            job(item)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_end_with_parent) as pool:
        list(pool.map(job, items, chunksize=2))


def _end_with_parent() -> None:
    """End this worker when its parent ends, even by a kill that leaves the parent no time to stop its workers."""
    Thread(target=_wait_and_exit, daemon=True).start()


def _wait_and_exit() -> None:
    parent = parent_process()
    assert parent is not None  # the pool's initializer runs in a child only
    parent.join()
    os._exit(1)


def encode(image: Image.Image, path: str, quality: int) -> bytes:
    """Return an image as the file of that name; the quality is that of a JPEG."""
    content = io.BytesIO()
    kind = Image.registered_extensions()[Path(path).suffix]
    image.save(content, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return content.getvalue()


def save(root: Path, path: str, image: Image.Image, mask: np.ndarray, quality: int) -> None:
    """Write a image and its mask, (H, W) bool or uint8, which is 0 where the person is not."""
    target, shadow = root / path, (root / "masks" / path).with_suffix(".png")
    for folder in (target.parent, shadow.parent):
        folder.mkdir(parents=True, exist_ok=True)
    target.write_bytes(encode(image, path, quality))
    Image.fromarray(mask).save(shadow, compress_level=1)
