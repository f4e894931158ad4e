"""What differs between two images of one face: expression, pose, light and framing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moment:
    """One image of a face; angles in radians, lengths in cm."""

    smile: float  # -0.4 to 1
    opened: float  # how far the mouth is open
    eyelids: float  # 1 for open eyes, less when narrowed
    brows: float  # how far they are raised; below 0 frowning
    gaze: tuple[float, float]  # of the irises, to the right and downwards
    yaw: float  # 0 towards us, positive to the right
    pitch: float  # positive downwards
    roll: float
    zoom: float  # 1 as usual
    shift: tuple[float, float]  # of the image, to the right and downwards
    lamp: tuple[float, float, float]  # direction to the light: to the right, downwards, towards us
    ambient: float  # share of the light that comes from everywhere
    exposure: float
    tint: tuple[float, float, float]  # of the light


def draw_moment(rng: np.random.Generator, lively: float, uneven: float) -> Moment:
    """Draw a moment.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draw.
    lively : float
        0 (neutral, frontal, as for a passport) to 1 (talking and looking round).
    uneven : float
        0 (a studio's light) to 1 (light from anywhere).
    """
    smile = rng.beta(1.1, 1.6) if rng.random() < 0.6 else rng.normal(-0.1, 0.15)
    mouth = rng.gamma(1.2, 0.35) if rng.random() < 0.4 else 0.0
    side = rng.normal(0, 0.25 + 0.75 * uneven)
    warmth = rng.normal(0, 0.02 + 0.05 * uneven)
    return Moment(
        smile=float(np.clip(lively * smile, -0.35, 1)),
        opened=float(np.clip(lively * mouth, 0, 1.4)),
        eyelids=float(np.clip(1 - lively * abs(rng.normal(0, 0.2)), 0.45, 1.05)),
        brows=float(np.clip(lively * rng.normal(0, 0.25), -0.4, 0.6)),
        gaze=(float(lively * rng.normal(0, 0.16)), float(lively * rng.normal(0, 0.07))),
        yaw=float(np.clip((0.05 + 0.13 * lively) * rng.normal(), -0.34, 0.34)),
        pitch=float(np.clip((0.02 + 0.06 * lively) * rng.normal(), -0.16, 0.16)),
        roll=float(np.clip((0.01 + 0.025 * lively) * rng.normal(), -0.08, 0.08)),
        zoom=float(np.clip(rng.normal(1, 0.02), 0.94, 1.06)),
        shift=(float(rng.normal(0, 0.16)), float(rng.normal(0, 0.16))),
        lamp=(float(side), float(rng.normal(-0.5, 0.1 + 0.35 * uneven)), 1.0),
        ambient=float(np.clip(rng.normal(0.52, 0.05 + 0.06 * uneven), 0.3, 0.7)),
        exposure=float(np.clip(rng.normal(1, 0.04 + 0.1 * uneven), 0.72, 1.3)),
        tint=(1 + warmth, 1.0, 1 - warmth),
    )
