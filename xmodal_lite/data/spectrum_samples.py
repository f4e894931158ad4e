"""Many spectrum files at once: look them over for `check`, or prepare them for the cache, by the same rules."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xmodal_lite.data.spectra import REPAIRS, sample_of
from xmodal_lite.data.spectrum_error import examples, one_line_each
from xmodal_lite.data.spectrum_text import read_regular
from xmodal_lite.errors import DataError


def inspect_spectra(root: Path, paths: Sequence[str]) -> tuple[list[str], dict[str, int], list[str]]:
    """Read all files.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the data.
    paths : sequence of str
        Files below it.

    Returns
    -------
    problems : list of str
        One for each cause, with up to three files.
    counts : dict of str to int
        How many files were changed on reading, by what was done.
    notes : list of str
        Which files these are.
    """
    refused: list[DataError] = []
    changed: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        try:
            _, repaired = sample_of(read_regular(root / path), root / path)
        except DataError as error:
            refused.append(error)
            continue
        for kind in repaired:
            changed[REPAIRS[kind]].append(path)
    notes = [f"{words}: {examples(files)}" for words, files in changed.items()]
    return one_line_each(refused, root), {words: len(files) for words, files in changed.items()}, notes


def read_samples(root: Path, paths: Sequence[str]) -> tuple[np.ndarray, str]:
    """Return samples (n, 1, L) float32 and the fingerprint over names and bytes; parameters of `inspect_spectra`.

    Raises
    ------
    SpectrumError
        For the first file that cannot be used.
    """
    samples, digests = [], []
    for path in paths:
        content = read_regular(root / path)
        digests.append(path + hashlib.sha256(content).hexdigest())
        samples.append(sample_of(content, root / path)[0])
    return np.stack(samples)[:, None], hashlib.sha256("\n".join(digests).encode()).hexdigest()
