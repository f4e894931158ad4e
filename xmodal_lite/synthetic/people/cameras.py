"""Cameras: their scene, their light, and how they render it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Camera:
    """One camera; the numbers were set by eye."""

    number: int
    light: str  # "visible", "near" (active near-infrared light) or "thermal"
    place: int  # cameras with the same number see the same place
    kind: str  # of the place, see scenes.draw_scene
    pitch: float = 0.15  # radians, how far it looks down
    lamp: tuple[float, float, float] = (
        0.3,
        -0.8,
        0.5,
    )  # direction of the light: to the right, downwards, towards us
    ambient: float = 0.55
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)  # colour cast
    exposure: float = 1.0
    haze: float = 0.0  # light added everywhere
    saturation: float = 1.0
    blur: int = 2  # passes of a binomial filter
    grain: float = 0.007  # standard deviation of the noise
    quality: int = 85  # of the JPEG
    fill: float = 0.92  # height of an average person, as a share of the image's
    shift: float = 0.03  # framing jitter, as a share of the image's height


SYSU = (
    Camera(1, "visible", 1, "corridor", 0.12, (0.1, -0.9, 0.4), 0.6, (1.05, 1.0, 0.9), 1.05, quality=88),
    Camera(2, "visible", 2, "room", 0.24, (-0.4, -0.7, 0.5), 0.5, (0.95, 1.0, 1.06), 0.95, quality=82),
    Camera(3, "near", 2, "room", 0.22, blur=2, grain=0.017, quality=80),
    Camera(4, "visible", 4, "street", 0.1, (0.8, -0.5, 0.35), 0.45, (1.0, 1.0, 0.98), 1.15),
    Camera(
        5,
        "visible",
        5,
        "garden",
        0.18,
        (-0.6, -0.7, 0.3),
        0.5,
        (0.97, 1.03, 0.97),
        haze=0.01,
        blur=3,
        quality=75,
    ),
    Camera(6, "near", 6, "street", 0.14, exposure=0.9, blur=2, grain=0.022, quality=75, fill=0.9),
)
"""Six cameras as in SYSU-MM01: 1 and 2 indoors, 4 and 5 outdoors; infrared 3 in the room of 2, 6 outdoors."""

REGDB = (
    Camera(1, "visible", 1, "street", 0.1, (-0.5, -0.6, 0.5), shift=0.02),
    Camera(2, "thermal", 1, "street", 0.1, blur=3, grain=0.012, shift=0.02),
)
"""A visible and a thermal camera side by side, as in RegDB."""


def _llcm(number: int, light: str) -> Camera:
    """Set up one of LLCM's cameras: dim, each with its own tint."""
    places = ("corridor", "room", "street", "corridor", "garden", "room", "street", "corridor", "street")
    k = number - 1
    warm = 1 + 0.12 * (-1) ** k * (1 - k / 12)  # lamps and daylight in turn
    return Camera(
        number,
        light,
        place=number,
        kind=places[k],
        pitch=0.1 + 0.02 * (k % 5),
        lamp=(0.8 * (-1) ** k, -0.6, 0.4),
        ambient=0.4 + 0.03 * (k % 4),
        gains=(warm, 1.0, 1.9 - warm * 0.9),
        exposure=0.5 + 0.07 * (k % 5) if light == "visible" else 0.95 - 0.02 * k,
        haze=0.01 * (k % 3) if light == "visible" else 0.0,
        saturation=0.9,
        blur=2 + k % 2,
        grain=0.01 + 0.002 * (k % 3) if light == "visible" else 0.018,
        quality=76 + k,
    )


LLCM = tuple(_llcm(number, light) for light in ("visible", "near") for number in range(1, 10))
"""Nine cameras in poor light, each visible by day and near-infrared by night, as in LLCM."""
