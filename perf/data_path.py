"""Time to make a training batch of images, and its memory, against the loop of public re-identification code.

    python perf/data_path.py --output data_path.json

The loop holds all images in memory and changes them one by one, Pillow's image for Pillow's image, with torchvision's
transforms; ours copies a batch from disk and changes it whole. Both end with normalised float32 on the device. Memory
is the peak of a process of its own, at the size of SYSU-MM01's 34,167 images; for that a file of that size is made,
empty, so that it takes no room on most file systems. The loop's process needs 5 GB. Takes two minutes, on one core.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from _table import Row, compared, peak, print_and_store, time_of
from PIL import Image
from torch import Tensor
from torchvision import transforms

from xmodal_lite.benchmarks import check
from xmodal_lite.data.table import SampleTable
from xmodal_lite.training import Recipe, TrainingSet

IMAGES, IDENTITIES = (22258, 11909), 395  # of SYSU-MM01's training set
P, K = 8, 4  # 64 images a step
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, to normalise by
CAJ = {"colour": "exchange", "erase": 0.5}
CASES = {
    "64 images of 288 x 144, pad, crop, flip": ((288, 144), 10, {}),
    "64 images of 288 x 144, also exchange, erase": ((288, 144), 10, CAJ),
    "64 images of 96 x 48, pad, crop, flip": ((96, 48), 4, {}),
    "64 images of 96 x 48, also exchange, erase": ((96, 48), 4, CAJ),
}
STEPS = {"plain": 5, "ours": 300}  # batches before the memory is read
Batches = Callable[[int], tuple[Tensor, Tensor]]


def make_file(folder: Path, size: tuple[int, int]) -> Path:
    """Write an .npy of black images (n, 3, H, W) without writing its bytes."""
    path, shape = folder / f"{size[0]}.npy", (sum(IMAGES), 3, *size)
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + int(np.prod(shape)))
    return path


def table() -> SampleTable:
    """Describe the images, spread evenly over the identities."""
    n = sum(IMAGES)
    numbers = np.concatenate([np.arange(count) for count in IMAGES])
    return SampleTable(
        path=np.full(n, ""),
        identity=numbers % IDENTITIES,
        camera=np.zeros(n, np.int64),
        modality=np.repeat(np.array([0, 1], np.int8), IMAGES),
        pair=np.full(n, -1),
        identity_names=tuple(map(str, range(IDENTITIES))),
    )


def ours(path: Path, pad: int, changes: dict, device: torch.device) -> Batches:
    """Make batches as `fit` does, and normalise them."""
    augment = {"pad": pad, "flip": 0.5, **changes}
    recipe = Recipe(steps=1, num_identities=P, num_instances=K, lr=1, augment=augment)
    samples = np.load(path, mmap_mode="r")
    data = TrainingSet.from_split(table(), samples, np.arange(len(samples)), recipe, seed=0).to(device)
    mean, spread = (255 * torch.tensor(values, device=device)[:, None, None] for values in (MEAN, SPREAD))

    def batch(step: int) -> tuple[Tensor, Tensor]:
        drawn = data.batch(step)
        return drawn.v.float().sub_(mean).div_(spread), drawn.r.float().sub_(mean).div_(spread)

    return batch


def plain(path: Path, pad: int, changes: dict, device: torch.device) -> Batches:
    """Make batches image by image, of an array in memory that is already in Pillow's order (n, H, W, 3)."""
    images = np.load(path).transpose(0, 2, 3, 1)
    last = [transforms.ToTensor(), transforms.Normalize(MEAN, SPREAD)]
    common = [
        transforms.Pad(pad),
        transforms.RandomCrop(images.shape[1:3]),
        transforms.RandomHorizontalFlip(),
    ]
    if changes:
        last.append(transforms.RandomErasing(0.5, (0.02, 0.4)))
    change_v = transforms.Compose([*([transforms.Lambda(exchange)] if changes else []), *common, *last])
    change_r = transforms.Compose([*common, *last])
    rng = np.random.default_rng(0)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        v, r = (rng.integers(count, size=P * K) for count in IMAGES)
        return (
            torch.stack([change_v(Image.fromarray(images[i])) for i in v]).to(device),
            torch.stack([change_r(Image.fromarray(images[IMAGES[0] + i])) for i in r]).to(device),
        )

    return batch


def exchange(image: Image.Image) -> Image.Image:
    """Leave a image alone, make it grey, or make it of one of its channels."""
    chosen = random.randrange(5)
    if chosen == 0:
        return image
    one = image.convert("L") if chosen == 1 else image.getchannel(chosen - 2)
    return Image.merge("RGB", [one] * 3)


def make_faces(root: Path, count: int = 3000) -> list[Path]:
    """Write small JPEG images in the layout of a folder of one's own: 96 x 288, some 9 KB each."""
    rng, paths = np.random.default_rng(0), []
    for number in range(count):
        part, modality = ("train", "test")[number % 2], ("visible", "infrared")[number // 2 % 2]
        path = root / part / modality / f"{part}{number // 4 % 50}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(0, 256, (16, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((96, 288)).save(path, quality=88)
        paths.append(path)
    return paths


def decode_all(paths: list[Path]) -> None:
    """Decode every image and do nothing else: the least that a check can cost."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(
            lambda path: np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1).copy(), paths
        ):
            pass


def checked(folder: Path) -> Row:
    """Compare `check` of a folder of images with decoding them, in processor time."""
    paths = make_faces(folder)
    times = [
        time_of(run, 3, time.process_time)
        for run in (lambda: decode_all(paths), lambda: check("folder", folder))
    ]
    return {
        **compared(f"check of {len(paths):,} images, plain: decoding alone", *times),
        "plain_MB": None,
        "ours_MB": None,
    }


def memory(make: Callable[..., Batches], steps: int, path: Path, device: torch.device) -> tuple[float, float]:
    """Return the peak of this process's resident memory in MB before the first image and after some batches."""
    torch.set_num_threads(1)
    libraries = peak()
    batch = make(path, 10, CAJ, device)
    for step in range(steps):
        batch(step)
    return libraries, peak()


def memory_apart(
    make: Callable[..., Batches], steps: int, path: Path, device: torch.device
) -> tuple[float, float]:
    """Return what `memory` finds in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(memory, (make, steps, path, device))


def main() -> None:
    """Print one table."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--output", type=Path)
    chosen = arguments.parse_args()
    device = torch.device(chosen.device)
    torch.set_num_threads(1)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for what, (size, pad, changes) in CASES.items():
            path = make_file(Path(folder), size)
            times = []
            for make in (plain, ours):
                batch = make(path, pad, changes, device)
                times.append(time_of(lambda batch=batch: batch(0), 10))
            rows.append({**compared(what, *times), "plain_MB": None, "ours_MB": None})
        rows.append(checked(Path(folder) / "faces"))
        path = make_file(Path(folder), (288, 144))
        peaks = [memory_apart(make, STEPS[make.__name__], path, device) for make in (plain, ours)]
        names = "resident, libraries alone", f"resident, SYSU-MM01's size, {STEPS['ours']} batches"
        for what, theirs, own in zip(names, *peaks, strict=True):
            times = {"plain_ms": None, "ours_ms": None, "ratio": theirs / own}
            rows.append({"what": what, **times, "plain_MB": theirs, "ours_MB": own})
    print_and_store("data path", rows, chosen.output, chosen.device, threads=1)


if __name__ == "__main__":
    main()
