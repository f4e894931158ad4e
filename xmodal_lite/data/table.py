"""The sample table: what every sample of a benchmark shows, column by column."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class SampleTable:
    """One row per sample; five columns of length n and the names of the identities.

    Parameters
    ----------
    path : numpy.ndarray
        (n,) str, the file relative to the benchmark's root, with forward slashes.
    identity : numpy.ndarray
        (n,) int64, an index into ``identity_names``.
    camera : numpy.ndarray
        (n,) int64; the number of the camera; for Raman spectra the laser in nm, for infrared spectra 0.
    modality : numpy.ndarray
        (n,) int8; 0 is v (visible, Raman), 1 is r (infrared, thermal).
    pair : numpy.ndarray
        (n,) int64; rows with the same number >= 0 show the very same specimen, -1 says nothing.
    identity_names : tuple of str
        The name of identity i.

    Raises
    ------
    ValueError
        If the columns differ in length.
    """

    path: np.ndarray
    identity: np.ndarray
    camera: np.ndarray
    modality: np.ndarray
    pair: np.ndarray
    identity_names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the columns of a sample table must be equally long, not {lengths}")

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.path)

    def select(self, rows: np.ndarray) -> SampleTable:
        """Keep some samples; identities keep their numbers and names.

        Parameters
        ----------
        rows : numpy.ndarray
            Row numbers (k,), or a mask (n,) of bool.

        Returns
        -------
        SampleTable
            A table with only these rows, in the order given.
        """
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def counts(self) -> dict[str, int]:
        """Count what is in the table.

        Returns
        -------
        dict of str to int
            ``samples``, ``v`` and ``r`` (samples per modality), ``identities``, ``paired identities``
            (seen in both modalities) and ``specimens in both`` (pair numbers seen in both).
        """
        v, r = self.modality == 0, self.modality == 1
        return {
            "samples": len(self),
            "v": int(v.sum()),
            "r": int(r.sum()),
            "identities": len(np.unique(self.identity)),
            "paired identities": len(np.intersect1d(self.identity[v], self.identity[r])),
            "specimens in both": len(self.specimens_in_both()),
        }

    def specimens_in_both(self) -> np.ndarray:
        """Find the specimens measured in both modalities.

        Returns
        -------
        numpy.ndarray
            (k,) int64, sorted pair numbers >= 0 that occur with modality 0 and with modality 1.
        """
        shared = np.intersect1d(self.pair[self.modality == 0], self.pair[self.modality == 1])
        return shared[shared >= 0]


COLUMNS = tuple(field.name for field in fields(SampleTable) if field.name != "identity_names")
