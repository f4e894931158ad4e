"""Methods and profiles by name, and the recipe that a method, a benchmark and a profile resolve to."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from xmodal_lite.benchmarks import names as benchmark_names
from xmodal_lite.errors import SpecError
from xmodal_lite.experiments.profiles import PROFILES, check_profile, image_size_of, recipe
from xmodal_lite.models import model_names
from xmodal_lite.models.classical import classical_names
from xmodal_lite.training import Recipe


class ClassicalRecipe(BaseModel):
    """Settings of a method that is fitted in closed form.

    Attributes
    ----------
    options : dict
        Keyword arguments of the method's class in `xmodal_lite.models.classical`.
    threads : int
        CPU threads.
    image_size : tuple of int, optional
        Height and width of images; None for spectra.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    options: dict[str, JsonValue] = {}
    threads: int = Field(default=1, ge=1)
    image_size: tuple[int, int] | None = None


def method_names() -> tuple[str, ...]:
    """Return the methods that can be run: trained ones first, then those in closed form."""
    return (*model_names(), *classical_names())


def profile_names() -> tuple[str, ...]:
    """Return the profiles, cheapest first."""
    return PROFILES


def resolve(
    method: str, benchmark: str, profile: str, overrides: dict[str, Any], *, dims: int | None = None
) -> Recipe | ClassicalRecipe:
    """Return the validated recipe of a run.

    Parameters
    ----------
    method, benchmark, profile : str
        Names.
    overrides : dict
        Values by dotted name: `{"steps": 100, "loss_weights.adv": 0, "model.unet": False}`.
    dims : int, optional
        1 for spectra, 2 for images, where the benchmark's name does not tell ("folder"); images if not given.

    Raises
    ------
    SpecError
        A name is unknown (the known ones are listed) or a value is out of range.
    """
    if method not in method_names():
        raise SpecError(f"unknown method '{method}'; known: {', '.join(method_names())}")
    check_profile(profile)
    if benchmark not in benchmark_names():
        raise SpecError(f"unknown benchmark '{benchmark}'; known: {', '.join(benchmark_names())}")
    classical = method in classical_names()
    try:
        settings = (
            {"image_size": image_size_of(benchmark, profile, dims)}
            if classical
            else copy.deepcopy(recipe(benchmark, method, profile, dims))
        )
    except KeyError as error:
        raise SpecError(f"method '{method}' has no recipe for benchmark '{benchmark}' yet") from error
    for name, value in overrides.items():
        _set(settings, name, copy.deepcopy(value))  # a later override may reach into it
    try:
        return ClassicalRecipe.model_validate(settings) if classical else Recipe.model_validate(settings)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        unknown = any(e["type"] == "extra_forbidden" and len(e["loc"]) == 1 for e in error.errors())
        names = (ClassicalRecipe if classical else Recipe).model_fields
        told = f"; known: {', '.join(names)}" if unknown else ""
        raise SpecError(f"the recipe of '{method}' does not accept this: {problems}{told}") from error


def _set(settings: dict[str, Any], name: str, value: Any) -> None:
    """Set a value by its dotted name, making the dictionaries on the way."""
    *path, last = name.split(".")
    for part in path:
        settings = settings.setdefault(part, {})
        if not isinstance(settings, dict):
            raise SpecError(f"'{name}': '{part}' is a single value and has no parts")
    settings[last] = value
