"""Checks of the options that a model is built with; every refusal lists what is known."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

COMPOSED = ("self", "setup", "channels", "options")  # no choice of a recipe


def option_defaults(*classes: type) -> dict[str, Any]:
    """Return the options of some constructors by name, each with its default."""
    arguments = (item for cls in classes for item in inspect.signature(cls).parameters.items())
    return {name: argument.default for name, argument in arguments if name not in COMPOSED}


def check_options(model: str, options: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse an option that a model does not have, or a value of another type than its default.

    Raises
    ------
    ValueError
        The message names the option and lists the known ones, or says which type of value it needs.
    """
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"model '{model}' has no option {', '.join(unknown)}; known: {', '.join(known)}")
    for option, value in options.items():
        if needed := _needed(value, known[option]):
            raise ValueError(
                f"model '{model}' does not take {option}={value!r}; it needs {needed}, such as {known[option]!r}"
            )


def check_choice(option: str, value: str, choices: Any) -> None:
    """Refuse a value that is none of the choices of a `Literal`.

    Raises
    ------
    ValueError
        The message lists the choices.
    """
    if value not in get_args(choices):
        raise ValueError(f"unknown {option} '{value}'; known: {', '.join(get_args(choices))}")


def check_names(what: str, names: Iterable[str], known: Collection[str]) -> None:
    """Refuse names that are not known.

    Raises
    ------
    ValueError
        The message lists the unknown names and the known ones.
    """
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"unknown {what} {unknown}; known: {', '.join(known)}")


def check_losses(losses: Collection[str], known: Sequence[str], discriminative: Sequence[str]) -> None:
    """Refuse a loss that a model does not have, and losses of which none tells identities apart.

    Raises
    ------
    ValueError
        The message lists the known losses, or those of which one is needed.
    """
    check_names("losses", losses, known)
    if not set(losses) & set(discriminative):
        raise ValueError(f"nothing would tell identities apart: switch on {' or '.join(discriminative)}")


def check_dims(dims: int) -> None:
    """Refuse samples that are neither spectra (1) nor images (2).

    Raises
    ------
    ValueError
        The number of dimensions is neither.
    """
    if dims not in (1, 2):
        raise ValueError(f"samples have 1 dimension (spectra) or 2 (images), not {dims}")


def require_spectra(name: str, dims: int) -> None:
    """Refuse images where a model is for spectra.

    Raises
    ------
    ValueError
        `dims` is not 1.
    """
    if dims != 1:
        raise ValueError(f"{name} is built for spectra (dims=1) so far, not for dims={dims}")


def _needed(value: Any, default: Any) -> str:
    """Return in words what an option with such a default takes; nothing where the value is that."""
    match default:
        case bool():
            fits, words = isinstance(value, bool), "true or false"
        case int():
            fits, words = type(value) is int and value >= 1, "a whole number of 1 or more"
        case float():
            fits, words = type(value) in (int, float), "a number"
        case str():
            fits, words = isinstance(value, str), "a name"
        case _:
            fits, words = isinstance(value, Collection) and not isinstance(value, str), "a list of names"
    return "" if fits else words
