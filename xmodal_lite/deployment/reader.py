"""Files of the user, read as the benchmark of a run read its own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from xmodal_lite.benchmarks import data_set
from xmodal_lite.data.images import COLOURLESS, IN_COLOUR, chroma
from xmodal_lite.data.kinds import kind_of
from xmodal_lite.data.listing import walk_files
from xmodal_lite.data.problems import FileError, Problems
from xmodal_lite.deployment.load import LoadedRun
from xmodal_lite.errors import DataError


class FileReader:
    """Reads files as the benchmark of a run did, and refuses those that it would not have held.

    Parameters
    ----------
    run : LoadedRun
        Its recipe says what a sample is, its benchmark which modality is in colour.
    """

    def __init__(self, run: LoadedRun) -> None:
        self.kind = kind_of(run.recipe.image_size)
        self._run = run.record.spec.hash
        self._benchmark = run.record.spec.benchmark
        self._modalities = run.modalities
        self._expected = data_set(self._benchmark).colours

    def read(self, path: Path, modality: int) -> np.ndarray:
        """Read one file.

        Parameters
        ----------
        path : Path
            An image or a spectrum, as the run has them.
        modality : int
            What it should be, 0 (v) or 1 (r).

        Returns
        -------
        np.ndarray
            (3, H, W) uint8 of an image, (1, L) float32 of a spectrum.

        Raises
        ------
        DataError
            The file is of the other kind or cannot be read, or a spectrum has no signal on the axis; or an image is in
            colour, by more than `xmodal_lite.data.images.GREY_TOLERANCE`, where the benchmark's are grey: sketches,
            infrared and thermal images.
        """
        if path.suffix.lower() not in self.kind.suffixes:
            raise DataError(
                f"{path}: is no {self.kind.noun}, which run {self._run} matches ({'/'.join(self.kind.suffixes)}); give "
                "a file of that kind or a run of the other"
            )
        try:
            return self.kind.read(path, grey=self._expected[modality] == "grey")
        except FileError as error:
            if error.cause != IN_COLOUR:
                raise
            cause = f"is in colour, but a {self._modalities[modality]} image is expected, which is grey"
            remedy = "give one, or say with --query-modality what the queries are"
            raise FileError(path, cause, remedy, error.detail) from error

    def doubt(self, samples: Iterable[np.ndarray], modality: int) -> bool:
        """Tell whether images are all grey where the benchmark's are in colour."""
        return self._expected[modality] == "colour" and all(chroma(image) < COLOURLESS for image in samples)

    def warning(self, found: str, modality: int) -> str:
        """Say what grey images of a modality in colour mean for the ranking."""
        return (
            f"warning: {found}, but {self._modalities[modality]} images of {self._benchmark} are in colour; of another "
            "modality, the ranking says nothing"
        )

    def list(self, root: Path) -> tuple[list[Path], list[str]]:
        """List the files of the run's kind below a folder, by path, and a sentence for all that cannot be opened."""
        if not root.is_dir():
            raise DataError(f"{root}: no such folder; give the folder of the gallery")
        problems = Problems()
        found = walk_files(root, problems)
        listed = [path for path in found if path.suffix.lower() in self.kind.suffixes]
        if not listed:
            closed = "".join(f"; {problem}" for problem in problems.problems)
            raise DataError(
                f"{root}: holds no {self.kind.noun} ({'/'.join(self.kind.suffixes)}), but {len(found)} other files; "
                f"give the folder of a gallery of that kind{closed}"
            )
        files = [path for path in listed if os.access(path, os.R_OK)]
        for path in sorted(set(listed) - set(files)):
            problems.add(f"{path}: cannot be opened; check its permissions, or where the link leads")
        gone = problems.problems
        if not files:
            raise DataError(f"{root}: none of its {len(listed)} files can be used; the first: {gone[0]}")
        return files, gone
