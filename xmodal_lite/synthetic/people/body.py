"""Bodies and how they walk: joints in space for a batch of moments, then on the image plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Build:
    """Measures of a person, in cm and as shares of the average."""

    height: float
    girth: float
    shoulders: float
    hips: float
    legs: float
    gait: float  # length of a stride
    stoop: float  # how far the neck is before the hips, in cm


@dataclass(frozen=True)
class Pose:
    """A moment of a walk for each of N images; angles in radians."""

    yaw: np.ndarray  # (N,) 0 towards the camera, pi / 2 to the right
    phase: np.ndarray  # (N,) of the stride
    stride: np.ndarray  # (N,) 0 (stands) to 1 (walks)
    pitch: np.ndarray  # (N,) how far the camera looks down
    raised: np.ndarray  # (N,) 0, or 1 where the left hand holds a phone


def draw_build(rng: np.random.Generator) -> Build:
    """Draw the measures of a person."""
    return Build(
        height=float(np.clip(rng.normal(170, 8), 150, 195)),
        girth=float(np.clip(rng.lognormal(0.08, 0.12), 0.86, 1.45)),
        shoulders=float(np.clip(rng.normal(1, 0.07), 0.86, 1.15)),
        hips=float(np.clip(rng.normal(1, 0.08), 0.85, 1.2)),
        legs=rng.normal(1, 0.025),
        gait=rng.uniform(0.75, 1.2),
        stoop=rng.uniform(-1, 5),
    )


def joints(build: Build, pose: Pose) -> dict[str, np.ndarray]:
    """Return the joints (N, 3) of the body: to its left, upwards from the ground, forwards, in cm.

    Names end in ``_l`` or ``_r`` where there are two. The lower foot stands on the ground.
    """
    h, n = build.height, len(pose.yaw)
    at: dict[str, np.ndarray] = {}
    hip = 0.505 * h * build.legs
    lean = build.stoop * np.ones(n)
    bob = 0.006 * h * np.cos(2 * pose.phase) * pose.stride

    def point(x: float | np.ndarray, y: float | np.ndarray, z: float | np.ndarray) -> np.ndarray:
        return np.stack(np.broadcast_arrays(x, y + bob, z, np.zeros(n))[:3], axis=1)

    at["hip"], at["waist"], at["crotch"] = (
        point(0, hip, 0),
        point(0, 0.6 * h, lean * 0.3),
        point(0, 0.465 * h, 0),
    )
    at["neck"], at["chin"] = point(0, 0.835 * h, lean), point(0, 0.87 * h, lean * 1.3)
    at["head"] = point(0, 0.926 * h, lean * 1.5)
    for name, sign in (("l", 1.0), ("r", -1.0)):
        swing = sign * np.sin(pose.phase) * pose.stride * build.gait
        lift = np.maximum(sign * np.cos(pose.phase), 0) ** 2 * pose.stride
        thigh = 0.04 + 0.42 * swing
        shin = thigh - 0.1 - 0.85 * lift
        x = sign * 0.052 * h * build.hips
        a = point(x, hip, 0)
        knee = a + _swung(thigh, 0.245 * h * build.legs)
        ankle = knee + _swung(shin, 0.225 * h * build.legs)
        at[f"hip_{name}"], at[f"knee_{name}"], at[f"ankle_{name}"] = a, knee, ankle
        tip = np.clip(shin * 0.9, -0.9, 0.25)  # the sole follows the shin when the heel lifts
        out = 0.12 * sign
        sole = np.stack([out * np.ones(n), np.sin(tip), np.cos(tip)], axis=1)
        at[f"heel_{name}"] = ankle - np.array([0, 0.018 * h, 0]) - sole * 0.014 * h
        at[f"toe_{name}"] = ankle - np.array([0, 0.022 * h, 0]) + sole * 0.085 * h
        arm = -0.75 * 0.42 * swing + 0.02
        shoulder = point(sign * 0.097 * h * build.shoulders, 0.782 * h, lean * 0.9)
        bend = 0.28 + 0.25 * np.maximum(-swing, 0)
        if name == "l":
            arm, bend = np.where(pose.raised > 0, 0.35, arm), np.where(pose.raised > 0, 2.1, bend)
        spread = sign * 0.035 * h * build.girth
        elbow = shoulder + _swung(arm, 0.16 * h) + [spread, 0, 0]
        wrist = elbow + _swung(arm + bend, 0.145 * h) - [spread * 0.2, 0, 0]
        at[f"shoulder_{name}"], at[f"elbow_{name}"], at[f"wrist_{name}"] = shoulder, elbow, wrist
        at[f"hand_{name}"] = wrist + _swung(arm + bend, 0.045 * h)
    ground = (
        np.minimum.reduce([at[f"{part}_{side}"][:, 1] for part in ("heel", "toe") for side in "lr"])
        - 0.019 * h
    )
    return {name: place - ground[:, None] * [0, 1, 0] for name, place in at.items()}


def _swung(angle: np.ndarray, length: float) -> np.ndarray:
    """Vectors (N, 3) of a bone that hangs down, swung forwards by ``angle`` (N,)."""
    return length * np.stack([np.zeros_like(angle), -np.cos(angle), np.sin(angle)], axis=1)


def project(
    places: dict[str, np.ndarray], pose: Pose, scale: np.ndarray, foot: np.ndarray
) -> dict[str, np.ndarray]:
    """Put places (N, 3) of :func:`joints` on the image: x to the right, y downwards, z towards us, in pixels.

    ``scale`` (N,) is in pixels per cm, ``foot`` (N, 2) the pixel of the ground below the figure.
    """
    cos, sin, down, tilt = np.cos(pose.yaw), np.sin(pose.yaw), np.cos(pose.pitch), np.sin(pose.pitch)
    seen = {}
    for name, place in places.items():
        side, up, forwards = place.T
        x, near = side * cos + forwards * sin, forwards * cos - side * sin
        y, z = up * down - near * tilt, near * down + up * tilt
        seen[name] = np.stack([foot[:, 0] + x * scale, foot[:, 1] - y * scale, z * scale], 1).astype(
            np.float32
        )
    return seen
