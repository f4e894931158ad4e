"""Emoji of two teams, part of this package: each in colour (Noto Emoji) and in lines (OpenMoji), 64 x 64 pixels.

The data lie in ``emoji/`` beside this file: ``colour.webp`` and ``line.xz`` hold the images without loss, ``names.tsv``
the name, the code points and the group of each emoji in the same order, ``train-K.txt`` and ``test-K.txt`` the names of
split K, ``SHA256SUMS`` the checksums, ``LICENSE`` the sources and the terms. Emoji that show the
same thing, such as the microphone and the singer with it, are one group, which is in the training part of a split or in
its test part as a whole. Most groups are one emoji.

The protocol is ours. ``numpy.random.default_rng(K).permutation`` orders the sorted group numbers; groups train in that
order until 612 emoji (60 % of 1,020) or more do. The lists are stored, so that no version of NumPy decides them.
"""

from __future__ import annotations

import hashlib
import lzma
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks.base import Benchmark, CheckReport, DataSet, Split
from xmodal_lite.benchmarks.division import divide, make_split
from xmodal_lite.data.problems import Problems
from xmodal_lite.data.table import SampleTable
from xmodal_lite.errors import DataError, SpecError
from xmodal_lite.evaluation import RetrievalTask

FOLDER = Path(__file__).with_name("emoji")
SIDE = 64  # pixels
SPLITS = 5
COLOUR, LINE, NAMES, MANIFEST = "colour.webp", "line.xz", "names.tsv", "SHA256SUMS"
LISTS = [f"{part}-{seed}.txt" for part in ("train", "test") for seed in range(SPLITS)]
REMEDY = "install xmodal-lite again"


class Drawings(DataSet):
    """The emoji, with the one protocol ``unseen-groups``; the seed of a split is its number, 0 to 4."""

    name = "drawings"
    title = "emoji"
    family = "drawings"
    modalities = ("colour", "line")
    colours = ("colour", "grey")
    embedded = True
    image_sizes = dict.fromkeys(("tiny", "demo", "paper"), (SIDE, SIDE))
    resampled = {"unseen-groups": 408 / 612}

    def load(self, root: str | Path = "", size: tuple[int, int] | None = None) -> Benchmark:
        """Decode the images.

        Parameters
        ----------
        root : str or pathlib.Path
            Empty: the data are part of the package.
        size : tuple of int, optional
            (64, 64) or nothing: the emoji are not resized.

        Returns
        -------
        Benchmark
            Samples (2040, 3, 64, 64) uint8 in memory; line images have three equal channels.

        Raises
        ------
        SpecError
            A folder or another size is given.
        DataError
            A file of the package is missing or damaged, or Pillow cannot read WebP.
        """
        _refuse_root(root)
        if size is not None and tuple(size) != (SIDE, SIDE):
            asked = " x ".join(map(str, size))
            raise SpecError(f"the emoji are {SIDE} x {SIDE} pixels, not {asked}; leave the size out")
        files, problems = _read(FOLDER)
        if problems:
            raise DataError(problems[0])
        names = _names(files)  # (n,)
        order = np.argsort(names)
        count = len(names)
        table = SampleTable(
            path=np.array([f"{style}/{name}" for style in self.modalities for name in names[order]]),
            identity=np.tile(np.arange(count), 2),
            camera=np.zeros(2 * count, dtype=np.int64),
            modality=np.repeat(np.array([0, 1], dtype=np.int8), count),
            pair=np.full(2 * count, -1),
            identity_names=tuple(names[order].tolist()),
        )
        return Benchmark(
            name=self.name,
            dims=2,
            modalities=self.modalities,
            table=table,
            samples=_images(files)[np.concatenate([order, count + order])],
            fingerprint=hashlib.sha256(files[MANIFEST]).hexdigest(),
            source="real",
            splitters={"unseen-groups": partial(_split, files)},
        )

    def check(self, root: str | Path = "") -> CheckReport:
        """Compare every file with its checksum.

        Parameters
        ----------
        root : str or pathlib.Path
            Empty: the data are part of the package.

        Raises
        ------
        SpecError
            A folder is given.
        """
        _refuse_root(root)
        return super().check(FOLDER)

    def inspect(self, root: Path, problems: Problems) -> dict[str, int]:
        """Compare every file of the package with its checksum, and count emoji, groups and splits."""
        files, found = _read(root)
        for problem in found:
            problems.add(problem)
        problems.note(f"licences of the two sets of images: {root / 'LICENSE'}")
        if found:
            return {"files": len(files)}
        groups = {line.split("\t")[2] for line in files[NAMES].decode().splitlines()[1:]}
        return {"files": len(files), "emoji": len(_names(files)), "groups": len(groups), "splits": SPLITS}


def _refuse_root(root: str | Path) -> None:
    if str(root):
        raise SpecError(f"the emoji are part of the package, so {root} is not read; leave the folder out")


def _read(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return the bytes of each file, and what is wrong with them."""
    files, problems = {}, []
    digests: dict[str, str] = {}
    for name in (MANIFEST, COLOUR, LINE, NAMES, *LISTS):
        try:
            files[name] = content = (folder / name).read_bytes()
        except OSError as error:
            problems.append(f"{folder / name}: cannot be read ({error.strerror}); {REMEDY}")
            continue
        if name == MANIFEST:
            lines = (line.partition("  ") for line in content.decode(errors="replace").splitlines())
            digests = {listed: digest for digest, _, listed in lines}
        elif hashlib.sha256(content).hexdigest() != digests.get(name):
            problems.append(f"{folder / name}: its SHA-256 is not the one in {MANIFEST}; {REMEDY}")
    return files, problems


def _names(files: dict[str, bytes]) -> np.ndarray:
    """Return the names (n,) of the emoji in the order of the images."""
    return np.array([line.split("\t")[0] for line in files[NAMES].decode().splitlines()[1:]])


def _images(files: dict[str, bytes]) -> np.ndarray:
    """Return n images in colour, then n in lines: (2n, 3, 64, 64) uint8."""
    from PIL import Image, UnidentifiedImageError  # here, as stating a data set needs no decoder

    try:
        with Image.open(BytesIO(files[COLOUR])) as sheet:
            pixels = np.asarray(sheet.convert("RGB"))  # (rows * 64, columns * 64, 3)
    except UnidentifiedImageError as error:
        raise DataError(
            "Pillow was built here without WebP, in which the emoji are stored; install its wheel: "
            "pip install --only-binary :all: --force-reinstall pillow"
        ) from error
    cells = pixels.reshape(len(pixels) // SIDE, SIDE, -1, SIDE, 3).transpose(0, 2, 4, 1, 3)
    colour = cells.reshape(-1, 3, SIDE, SIDE)
    line = np.frombuffer(lzma.decompress(files[LINE]), np.uint8).reshape(-1, 1, SIDE, SIDE)
    return np.concatenate([colour, np.broadcast_to(line, colour.shape)])


def _split(files: dict[str, bytes], benchmark: Benchmark, seed: int) -> Split:
    """Train on the listed emoji, look for every test image of one modality among all of the other."""
    if seed >= SPLITS:
        raise SpecError(f"the emoji have {SPLITS} splits: choose seed 0 to {SPLITS - 1}, not {seed}")
    table = benchmark.table
    listed = files[f"train-{seed}.txt"].decode().split()
    division = divide(np.isin(table.identity_names, listed)[table.identity], f"train-{seed}.txt")
    v, r = (np.flatnonzero(table.modality[division.test] == modality) for modality in (0, 1))
    first, second = benchmark.modalities
    name = (
        f"emoji unseen-groups (no test emoji is of a training group), split {seed} of 0 to {SPLITS - 1}, {len(listed)} "
        f"emoji train and {len(v)} test, v2r {first} queries in {second} gallery and r2v the reverse, the gallery is "
        "every test image of the other modality, one draw, CMC counts images, cosine, no flip, no re-ranking"
    )
    tasks = [RetrievalTask("v2r", v, (r,)), RetrievalTask("r2v", r, (v,))]
    return make_split(benchmark, "unseen-groups", seed, division, tasks, ["images"], name)


DRAWINGS = Drawings()
