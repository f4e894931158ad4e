"""Synthetic data sets in the layouts of the real benchmarks, for machines that lack the real data."""

from __future__ import annotations

import inspect
import json
import operator
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from xmodal_lite.files import SYNTHETIC_MARKER, atomic_folder
from xmodal_lite.synthetic.faces import (
    portray_disguised,
    write_casia,
    write_cufs,
    write_cufsf,
    write_tufts,
)
from xmodal_lite.synthetic.people import write_llcm, write_regdb, write_sysu
from xmodal_lite.synthetic.rruff import write_rruff

__all__ = ["FACES", "disguised", "names", "write"]

VERSION = 2  # of the generators: raise it whenever the same parameters give other bytes
_WRITERS: dict[str, Callable[..., None]] = {
    "rruff": write_rruff,
    "sysu-mm01": write_sysu,
    "regdb": write_regdb,
    "llcm": write_llcm,
    "cufs": write_cufs,
    "cufsf": write_cufsf,
    "casia-nir-vis": write_casia,
    "tufts": write_tufts,
}

FACES = ("cufs", "cufsf", "casia-nir-vis", "tufts")  # those with faces


def names() -> tuple[str, ...]:
    """Return the names of the benchmarks that have a synthetic data set."""
    return tuple(_WRITERS)


def write(name: str, root: Path | str, **settings: int | float) -> Path:
    """Write a synthetic data set for a benchmark, in that benchmark's own layout.

    The bytes depend on the parameters alone. The folder appears under its name when it is whole, with all parameters in
    ``root/synthetic.json``. A second call with the same parameters does nothing.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    root : pathlib.Path or str
        A folder that is empty or does not exist yet.
    **settings
        For "rruff": ``identities`` (60), ``specimens`` (2), ``seed`` (0), ``gap`` (0.9), see
        :func:`xmodal_lite.synthetic.rruff.write_rruff`. For "sysu-mm01", "regdb" and "llcm": ``identities`` (60),
        ``images`` (16, 10, 6), ``seed`` (0), ``gap`` (0.5) and ``workers`` (1), see
        :func:`xmodal_lite.synthetic.people.write_sysu` and its neighbours. For "cufs", "cufsf", "casia-nir-vis" and
        "tufts": ``identities`` (60), ``seed`` (0), ``gap`` (0.5) and ``workers`` (1), for the last two also
        ``images`` (6), see :func:`xmodal_lite.synthetic.faces.write_cufs` and its neighbours. ``workers`` changes
        no byte.

    Returns
    -------
    pathlib.Path
        The root.

    Raises
    ------
    ValueError
        If the name or a parameter is unknown or out of range, or if the folder holds anything else,
        such as real data.
    OSError
        If the disk is full or not writable. No temporary folder stays; that of a killed writer is removed by the next.
    """
    if name not in _WRITERS:
        raise ValueError(f"no synthetic data set is called {name!r}; known: {', '.join(_WRITERS)}")
    exact = _parameters(name, settings)
    lasting = {key: value for key, value in exact.items() if key != "workers"}
    note = json.dumps({"name": name, "version": VERSION, "parameters": lasting}, indent=2) + "\n"
    root = Path(root).resolve()
    if _is_whole(root, note):
        return root
    if root.exists() and any(root.iterdir()):
        raise ValueError(
            f"{root} already holds other files; give an empty or a new folder for the synthetic data set"
        )
    try:
        with atomic_folder(root) as draft:
            _WRITERS[name](draft, **exact)
            (draft / SYNTHETIC_MARKER).write_text(note, encoding="utf-8")
    except OSError:
        if not _is_whole(root, note):  # unless another process has just written the same data set
            raise
    return root


def disguised(
    root: Path | str, paths: Sequence[str], disguise: str, chances: Sequence[np.random.Generator]
) -> Iterator[bytes]:
    """Take images of a synthetic data set of faces again, with a disguise on each face.

    Parameters
    ----------
    root : pathlib.Path or str
        Folder of the data set.
    paths : sequence of str
        Of images in it, relative to the root.
    disguise : str
        One of ``xmodal_lite.synthetic.faces.DISGUISES``; "" gives the files of the data set.
    chances : sequence of numpy.random.Generator
        Source of each image's disguise.

    Yields
    ------
    bytes
        The file of each image. Pose, light, background and noise are those of the data set.

    Raises
    ------
    ValueError
        The folder holds no synthetic faces, or those of another version of the generators.
    """
    marker = Path(root) / SYNTHETIC_MARKER
    note = json.loads(marker.read_text(encoding="utf-8")) if marker.is_file() else {}
    if note.get("name") not in FACES:
        raise ValueError(
            f"{root} holds no synthetic faces, and only those can be disguised; known: {', '.join(FACES)}"
        )
    if note["version"] != VERSION:
        raise ValueError(
            f"{root} is of version {note['version']} of the generators, not {VERSION}; write it again"
        )
    yield from portray_disguised(note["name"], note["parameters"], paths, disguise, chances)


def _parameters(name: str, settings: dict[str, int | float]) -> dict[str, int | float]:
    """Return all parameters of a writer, with the defaults of those that are not given."""
    signature = inspect.signature(_WRITERS[name]).parameters
    defaults = {key: p.default for key, p in signature.items() if p.kind is p.KEYWORD_ONLY}
    if unknown := sorted(settings.keys() - defaults.keys()):
        raise ValueError(
            f"synthetic {name!r} has no parameter {', '.join(unknown)}; known: {', '.join(defaults)}"
        )
    return {  # 0 and 0.0 are one gap, 2.5 is no number of minerals
        key: float(value) if isinstance(defaults[key], float) else operator.index(value)
        for key, value in (defaults | settings).items()
    }


def _is_whole(root: Path, note: str) -> bool:
    marker = root / SYNTHETIC_MARKER
    return marker.is_file() and marker.read_text(encoding="utf-8") == note
