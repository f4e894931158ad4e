"""Time to make a training batch of images, and its memory, against the loop of public re-identification code.

    python perf/data_path.py --output data_path.json

The loop holds all images in memory and changes them one by one, Pillow's image for Pillow's image, with torchvision's
transforms; ours copies a batch from disk and changes it whole. Both end with normalised float32 on the device. Memory
is the peak of a process of its own, at the size of SYSU-MM01's 34,167 images; for that a file of that size is made,
empty, so that it takes no room on most file systems. The loop's process needs 5 GB. Takes two minutes, on one core.

The row of spectra compares `check` of synthetic RRUFF files with a loop that parses and prepares the same files and
looks at nothing: the ratio is what the checks cost, 0.77 (1.3 times as long) at the least. The row of images does the
same with 3,000 small JPEG images that are decoded alone.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _table import Row, compared, peak, print_and_store, time_of
from PIL import Image
from torch import Tensor
from torchvision import transforms

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import check
from xmodal_lite.data.spectra import Spectrum, prepare
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
SPECTRA = 60  # minerals
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
    """Leave an image alone, make it grey, or make it of one of its channels."""
    chosen = random.randrange(5)
    if chosen == 0:
        return image
    one = image.convert("L") if chosen == 1 else image.getchannel(chosen - 2)
    return Image.merge("RGB", [one] * 3)


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


def parse_and_prepare(root: Path) -> None:
    """Parse and prepare all spectra as filed, with nothing looked at: what a check takes at the least."""
    for path in sorted(root.rglob("*.txt")):
        content = path.read_bytes()
        hashlib.sha256(content).digest()
        text = content.decode().replace("\r\n", "\n").partition("\n##END")[0]
        body = [line for line in text.split("\n") if not line.startswith("##")]
        x, inverse = np.unique(
            (values := np.loadtxt(body, delimiter=",", comments=None))[:, 0], return_inverse=True
        )
        y = np.bincount(inverse, weights=values[:, 1]) / np.bincount(inverse)
        hashlib.sha256(x.tobytes() + y.tobytes()).digest()
        prepare(Spectrum(x, y, "", "", {}, ()))


def spectra(folder: Path) -> Row:
    """Time `check` of synthetic spectra."""
    root = folder / "rruff"
    synthetic.write("rruff", root, seed=0, identities=SPECTRA)
    count = len(list(root.rglob("*.txt")))
    clock = time.process_time
    times = [
        time_of(lambda run=run: run(root), 3, clock) for run in (parse_and_prepare, partial(check, "rruff"))
    ]
    return compared(f"check of {count} spectra", *times)


def make_images(root: Path, count: int = 3000) -> list[Path]:
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


def decode(path: Path) -> np.ndarray:
    """Decode an image and look at nothing."""
    return np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1).copy()


def checked_images(folder: Path) -> Row:
    """Compare the processor time of `check` of a folder of images with that of decoding them."""
    paths = make_images(folder)

    def decode_all() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(decode, paths):
                pass

    clock = time.process_time
    times = [time_of(run, 3, clock) for run in (decode_all, partial(check, "folder", folder))]
    return compared(f"check of {len(paths)} images", *times)


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
        rows.append({**spectra(Path(folder)), "plain_MB": None, "ours_MB": None})
        rows.append({**checked_images(Path(folder) / "images"), "plain_MB": None, "ours_MB": None})
        path = make_file(Path(folder), (288, 144))
        peaks = [memory_apart(make, STEPS[make.__name__], path, device) for make in (plain, ours)]
        names = "resident, libraries alone", f"resident, SYSU-MM01's size, {STEPS['ours']} batches"
        for what, theirs, own in zip(names, *peaks, strict=True):
            times = {"plain_ms": None, "ours_ms": None, "ratio": theirs / own}
            rows.append({"what": what, **times, "plain_MB": theirs, "ours_MB": own})
    print_and_store("data path", rows, chosen.output, chosen.device, threads=1)


if __name__ == "__main__":
    main()
