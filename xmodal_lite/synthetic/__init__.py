"""Procedural data in the layouts of the real benchmarks, for machines that lack the real ones."""

from __future__ import annotations

import inspect
import json
import operator
import tempfile
from collections.abc import Callable
from pathlib import Path

from xmodal_lite.synthetic.faces import write_casia, write_cufs, write_cufsf, write_tufts
from xmodal_lite.synthetic.people import write_llcm, write_regdb, write_sysu
from xmodal_lite.synthetic.rruff import write_rruff

__all__ = ["names", "write"]

VERSION = 1  # of the recipes: raise it whenever the same parameters give other bytes
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


def names() -> tuple[str, ...]:
    """Return the names of the benchmarks that have a synthetic data set."""
    return tuple(_WRITERS)


def write(name: str, root: Path | str, **settings: int | float) -> Path:
    """Write a synthetic data set for a benchmark, in that benchmark's own layout.

    The bytes depend on the parameters alone. The folder appears under its name when it is whole, with all parameters in
    ``root/synthetic.json``; called again on it with the same parameters, nothing is done.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    root : pathlib.Path or str
        A folder that is empty or does not exist yet.
    **settings
        For "rruff": ``identities`` (60), ``specimens`` (2), ``seed`` (0), ``gap`` (0.5), see
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
        If the name or a knob is unknown or out of range, or if the folder holds anything else,
        such as real data.
    """
    if name not in _WRITERS:
        raise ValueError(f"no synthetic data set is called {name!r}; known: {', '.join(_WRITERS)}")
    parameters = inspect.signature(_WRITERS[name]).parameters
    defaults = {key: p.default for key, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    if unknown := sorted(settings.keys() - defaults.keys()):
        raise ValueError(f"synthetic {name!r} has no knob {', '.join(unknown)}; known: {', '.join(defaults)}")
    exact = {  # 0 and 0.0 are one gap, 2.5 is no number of minerals
        key: float(value) if isinstance(defaults[key], float) else operator.index(value)
        for key, value in (defaults | settings).items()
    }
    lasting = {key: value for key, value in exact.items() if key != "workers"}
    note = json.dumps({"name": name, "version": VERSION, "parameters": lasting}, indent=2) + "\n"
    root = Path(root).resolve()
    if _is_whole(root, note):
        return root
    if root.exists() and any(root.iterdir()):
        raise ValueError(
            f"{root} already holds other files; give an empty or a new folder for the synthetic data set"
        )
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{root.name}.", dir=root.parent) as scratch:
        draft = Path(scratch) / root.name
        draft.mkdir()
        _WRITERS[name](draft, **exact)
        (draft / "synthetic.json").write_text(note, encoding="utf-8")
        try:
            if root.exists():
                root.rmdir()
            draft.rename(root)
        except OSError:
            if not _is_whole(root, note):  # unless another process was quicker with the very same
                raise
    return root


def _is_whole(root: Path, note: str) -> bool:
    stamp = root / "synthetic.json"
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == note
