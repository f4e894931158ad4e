"""Read the files of a data set: all to one array on disk, in parallel and in little memory, or each for a check."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xmodal_lite.data.cache import Chunks, cached
from xmodal_lite.data.images import COLOURLESS, chroma, in_parallel
from xmodal_lite.data.kinds import SampleKind
from xmodal_lite.data.listing import read_file
from xmodal_lite.data.problems import Problems
from xmodal_lite.errors import DataError


@dataclass(frozen=True)
class OpenedSamples:
    """The samples of a data set.

    Attributes
    ----------
    samples : numpy.ndarray
        (n, C, ...) memory-mapped, read-only.
    digests : numpy.ndarray
        (n,) str, SHA-256 of each file's bytes.
    fingerprint : str
        SHA-256 over the names and bytes of all files.
    """

    samples: np.ndarray
    digests: np.ndarray
    fingerprint: str


def open_samples(
    root: Path,
    name: str,
    kind: SampleKind,
    paths: Sequence[str],
    lists: Sequence[str] = (),
    grey: Collection[str] = (),
) -> OpenedSamples:
    """Return all samples as one array, from the cache if they were read before.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the data.
    name : str
        Benchmark's name.
    kind : ImageKind or SpectrumKind
        What the files are; images need a size.
    paths : sequence of str
        Files, relative to `root`, in the order of the samples.
    lists : sequence of str
        Other files that the fingerprint covers, such as lists of identities.
    grey : collection of str
        Those of the images that must not be in colour; looked at while they are decoded, not when they come from the
        cache.

    Raises
    ------
    DataError
        If a file cannot be used: the first one, with the number of those that have the same fault. Or if the cache
        cannot be written.
    """

    def build() -> tuple[Chunks, dict[str, np.ndarray]]:
        digests = np.empty(len(paths), "U64")
        chunks = Chunks((len(paths), *kind.shape), kind.dtype, _read_all(root, kind, paths, grey, digests))
        return chunks, {"digest": digests}  # filled while the chunks are written

    files = [root / path for path in (*paths, *lists)]
    of_paths = _sha256(paths)
    samples, columns = cached(
        root, name, files, kind.settings | {"paths": of_paths, "grey": _sha256(sorted(grey))}, build
    )
    digests = columns["digest"]
    of_files = dict(zip(paths, digests.tolist(), strict=True))
    of_files |= {path: hashlib.sha256(read_file(root / path)).hexdigest() for path in lists}
    ordered = sorted(of_files)
    return OpenedSamples(samples, digests, _sha256([*ordered, *(of_files[path] for path in ordered)]))


def inspect_samples(
    root: Path, kind: SampleKind, paths: Sequence[str], grey: Collection[str], problems: Problems
) -> tuple[np.ndarray, dict[str, int]]:
    """Read all files; report those that cannot be used, and note what was changed or may be of the other modality.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the data.
    kind : ImageKind or SpectrumKind
        What the files are.
    paths : sequence of str
        Files, relative to `root`.
    grey : collection of str
        Those of them that must not be in colour; where there is none, no colours are looked at.
    problems : Problems
        Gets what is found.

    Returns
    -------
    digests : numpy.ndarray
        (n,) str, SHA-256 of each file's bytes; empty where a file cannot be opened.
    changed : dict of str to int
        How many files were changed on reading, by what was done.
    """

    def colour(path: str, sample: np.ndarray) -> float | None:
        return chroma(sample) if grey and path not in grey else None

    looks = [
        look
        for piece in _looks(root, kind, paths, grey, "checking files", colour, problems)
        for look in piece
    ]
    changed: Counter[str] = Counter()
    for path, look in zip(paths, looks, strict=True):
        changed.update(look.changed)
        for words in look.changed:
            problems.note(f"{path}: {words}", words, path)
    free = {path: look.found for path, look in zip(paths, looks, strict=True) if look.found is not None}
    plain = [path for path, apart in free.items() if apart < COLOURLESS]
    if 2 * len(plain) < len(free):
        for path in plain:
            odd = "grey where most visible images are in colour, as if of the other camera"
            problems.note(f"{odd}: {path}", odd, path)
    return np.array([look.digest for look in looks], dtype="U64"), dict(changed)


class _Look(NamedTuple):
    """What was found in a file; `found` is None where it cannot be used."""

    digest: str
    found: Any = None
    changed: tuple[str, ...] = ()
    error: DataError | None = None


def _looks(
    root: Path,
    kind: SampleKind,
    paths: Sequence[str],
    grey: Collection[str],
    doing: str,
    take: Callable[[str, np.ndarray], Any],
    problems: Problems,
) -> Iterator[list[_Look]]:
    """Read files in parallel, a piece at a time; `take` says what of a sample is kept. Report what cannot be used."""

    def look(path: str) -> _Look:
        digest = ""
        try:
            content = read_file(root / path, kind.most_bytes)
            digest = hashlib.sha256(content).hexdigest()
            sample, changed = kind.decode(root / path, content, grey=path in grey)
        except DataError as error:
            return _Look(digest, error=error)
        return _Look(digest, take(path, sample), changed)

    left = iter(paths)
    for piece in in_parallel(look, paths, doing):
        for found in piece:
            path = root / next(left)
            if found.error is not None:
                problems.add_error(found.error, path)
        yield piece


def _read_all(
    root: Path, kind: SampleKind, paths: Sequence[str], grey: Collection[str], digests: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield pieces (k, C, ...) of the samples and fill in the digests (n,); raise at the end what was found."""
    problems, done = Problems(), 0
    blank = np.zeros(kind.shape, kind.dtype)  # in the place of a file that cannot be used
    doing = f"reading {kind.noun} files"
    for piece in _looks(root, kind, paths, grey, doing, lambda _, sample: sample, problems):
        digests[done : done + len(piece)] = [look.digest for look in piece]
        done += len(piece)
        yield np.stack([blank if look.found is None else look.found for look in piece])
    problems.raise_first()


def _sha256(names: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(names).encode()).hexdigest()
