"""The data of an experiment: a root that the reader gives, or a synthetic data set made on the spot."""

from __future__ import annotations

import os
from collections.abc import Mapping
from multiprocessing import current_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from xmodal_lite.benchmarks import data_set, load, names
from xmodal_lite.errors import DataError, SpecError
from xmodal_lite.experiments.recipes import check_profile, image_size_of, resolve
from xmodal_lite.experiments.spec import RunSpec, make_spec
from xmodal_lite.files import is_synthetic
from xmodal_lite.recipe import Recipe

if TYPE_CHECKING:
    from accelerate import Accelerator

    from xmodal_lite.benchmarks.base import Benchmark


class PreparedRun(NamedTuple):
    """What `xmodal_lite.experiments.run` takes, beside a store.

    Attributes
    ----------
    spec : RunSpec
        What to run.
    data : Benchmark
        The data that it names.
    accelerator : Accelerator or None
        Device, precision and processes; None for a method without training.
    """

    spec: RunSpec
    data: Benchmark
    accelerator: Accelerator | None


def prepare_run(
    method: str,
    benchmark: str,
    root: str | Path = "",
    *,
    protocol: str = "",
    profile: str = "demo",
    seed: int = 0,
    overrides: Mapping[str, Any] | None = None,
    folder: str | Path = "data",
    device: str = "auto",
) -> PreparedRun:
    """Resolve the recipe, choose the device and open the data of one run, in this order: a wrong name costs no time.

    Parameters
    ----------
    method, benchmark, profile : str
        Names.
    root : str or Path
        Folder in the benchmark's own layout; empty for the data of the package or the synthetic data set.
    protocol : str
        Empty for the benchmark's first.
    seed : int
        Seeds the split, the weights and every draw in training.
    overrides : mapping, optional
        Changes to the profile's recipe, by dotted name.
    folder : str or Path
        Where synthetic data sets are kept.
    device : {"auto", "cpu", "cuda"}
        Where to train.

    Raises
    ------
    SpecError
        A name is unknown, or a value is out of range.
    DataError
        The data are not in their layout.
    DeviceError
        The device is unknown or not there.
    """
    recipe = resolve(method, benchmark, profile, overrides or {}, dims=dims_of(benchmark, root))
    from xmodal_lite.training import check_device, main_process_first, make_accelerator

    check_device(device)
    accelerator = make_accelerator(recipe.precision, device) if isinstance(recipe, Recipe) else None
    with main_process_first(accelerator):
        data = open_benchmark(benchmark, root, profile=profile, folder=folder, size=recipe.image_size)
    name = protocol or data.protocols[0]
    spec = make_spec(method, data, protocol=name, profile=profile, seed=seed, overrides=overrides)
    return PreparedRun(spec, data, accelerator)


def open_benchmark(
    name: str,
    root: str | Path = "",
    *,
    profile: str = "demo",
    folder: str | Path = "data",
    size: tuple[int, int] | None = None,
) -> Benchmark:
    """Load a benchmark from a root or from the package, or make its synthetic data set where no root is given.

    Parameters
    ----------
    name : str
        A benchmark's name.
    root : Path or str
        Folder in the benchmark's own layout; empty for the data of the package or the synthetic data set.
    profile : str
        Decides how large images are, and how large a synthetic data set is.
    folder : Path or str
        Where synthetic data sets are kept, so that the next call finds them.
    size : tuple of int, optional
        Height and width of images, if not the profile's.

    Raises
    ------
    SpecError
        There is no such profile; or no root is given, and the benchmark has no synthetic data set.
    DataError
        The root is not in the benchmark's layout, or the synthetic data set cannot be written.
    """
    check_profile(profile)
    size = size or image_size_of(name, profile)
    settings: dict[str, Any] = {} if size is None else {"size": size}
    if not root and not data_set(name).embedded:
        root = _synthetic(name, profile, Path(folder))
    return load(name, root, **settings)


def root_option(name: str, source: str) -> str:
    """Return how a command names the folder of the data: nothing for synthetic data and for data of the package."""
    return f" --data-root path/to/{name}" if source == "real" and not data_set(name).embedded else ""


def dims_of(name: str, root: str | Path) -> int | None:
    """Return 1 where the benchmark `folder` has spectra, so that its recipe is known before its data are read."""
    if name != "folder" or not root:
        return None
    from xmodal_lite.benchmarks.folder import holds_spectra

    try:
        there = Path(root).is_dir()
    except OSError as error:  # a name that is too long
        raise DataError(
            f"{str(root)[:60]}...: cannot be opened ({error.strerror}); give the folder of the data"
        ) from error
    if not there:
        raise DataError(f"{root}: no such folder; give the folder of the data")
    return 1 if holds_spectra(root) else None


def write_synthetic(name: str, root: Path, **parameters: int | float) -> Path:
    """Write a synthetic data set; see `xmodal_lite.synthetic.write`, whose errors of the disk become a `DataError`.

    Raises
    ------
    DataError
        The synthetic data set cannot be written. Nothing half-written stays.
    ValueError
        The name or a parameter is unknown, or the folder holds other files.
    """
    from xmodal_lite import synthetic

    try:
        return synthetic.write(name, root, **parameters)
    except OSError as error:
        raise DataError(
            f"{root}: the synthetic data set cannot be written ({error}); free space there, or write it elsewhere "
            f"with 'xmodal synthetic {name} FOLDER' and give that folder as the data"
        ) from error


def _synthetic(name: str, profile: str, folder: Path) -> Path:
    """Return the folder of a synthetic data set, written when it is not there."""
    if not data_set(name).synthetic:
        having = ", ".join(known for known in names() if data_set(known).synthetic)
        raise SpecError(
            f"benchmark '{name}' has no synthetic data set ({having} have one); give the folder with the data"
        )
    parameters = data_set(name).synthetic[profile]
    from xmodal_lite.synthetic import VERSION

    target = folder / "-".join(["synthetic", name, *map(str, parameters.values()), f"v{VERSION}"])
    if not is_synthetic(target):
        workers = {} if name == "rruff" else {"workers": _workers()}
        write_synthetic(name, target, **parameters, **workers)
    return target


def _workers() -> int:
    """Return how many processes may draw images: one where there can be no children, or none that import main."""
    if current_process().daemon:  # as Dask's workers are
        return 1
    main = getattr(__import__("__main__"), "__file__", None)
    return (os.cpu_count() or 1) if main and Path(main).is_file() else 1
