"""Images of a drawn figure in a scene: materials under light, then what the camera makes of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from xmodal_lite.synthetic.drawing import LUMINANCE, grain, look_up, soften
from xmodal_lite.synthetic.people.body import Pose
from xmodal_lite.synthetic.people.cameras import Camera
from xmodal_lite.synthetic.people.canvas import BEHIND, Canvas
from xmodal_lite.synthetic.people.figure import Person, draw
from xmodal_lite.synthetic.people.scenes import WIDTH, Scene, draw_scene
from xmodal_lite.synthetic.people.wardrobe import weave

scene = lru_cache(maxsize=16)(draw_scene)


def photograph(
    person: Person,
    camera: Camera,
    pose: Pose,
    seed: int,
    gap: float,
    rng: np.random.Generator,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Take N images of a person.

    Parameters
    ----------
    person : Person
        The person.
    camera : Camera
        The camera.
    pose : Pose
        N moments.
    seed : int
        Seed of the scenes.
    gap : float
        As for the person, here for the scene.
    rng : numpy.random.Generator
        Source of framing, exposure and noise.
    size : tuple of int
        (H, W) of the images.

    Returns
    -------
    images : numpy.ndarray
        (N, H, W, 3) uint8, or (N, H, W) for an infrared camera.
    masks : numpy.ndarray
        (N, H, W) bool, where the person is.
    """
    n, (h, w) = len(pose.yaw), size
    fill = (
        camera.fill
        * (1 + 0.003 * (person.build.height - 170))
        * rng.normal(1, camera.shift, n).clip(0.9, 1.05)
    )
    scale = fill * h / person.build.height
    sway = rng.normal(0, camera.shift, (n, 2)).clip(-0.06, 0.06)
    foot = np.stack([w / 2 + sway[:, 0] * h, h * 0.965 + sway[:, 1] * h * 0.4], 1)
    canvas = draw(person, pose, scale, foot, size)
    shown = np.flatnonzero(canvas.piece)
    channels = _figure(person, canvas, camera, shown, rng)  # (C, M)
    image = _background(
        scene(seed, camera.place, camera.kind, gap), camera, foot, scale, size, rng
    )  # (C, N, H, W)
    image.reshape(len(channels), -1)[:, shown] = channels
    if camera.light == "near":
        image *= _glow(size)
    return _develop(image, camera, rng), canvas.piece > 0


def _figure(
    person: Person, canvas: Canvas, camera: Camera, shown: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Light (C, M) that reaches the camera from the M pixels of the figure."""
    piece, nx, ny, u, v = (
        getattr(canvas, name).reshape(-1)[shown] for name in ("piece", "nx", "ny", "u", "v")
    )
    image = shown // (canvas.shape[1] * canvas.shape[2])
    names = sorted(set(canvas.materials[1:]))
    kind = np.array([names.index(m) if m else 0 for m in canvas.materials])[piece]
    front = np.array(canvas.upright)[piece]
    surface = np.zeros((3 if camera.light == "visible" else 1, len(shown)), np.float32)
    folds = np.zeros(len(shown), np.float32)
    offset = rng.uniform(0, 128, (2, len(canvas.materials), canvas.shape[0]))
    crease = look_up(0.9 * u + 0.4 * v + offset[0][piece, image], 0.7 * v - 0.2 * u + offset[1][piece, image])
    for number, name in enumerate(names):
        here = np.flatnonzero(kind == number)
        cloth = person.materials[name]
        ground, other = {
            "visible": cloth.colour,
            "near": cloth.near[:, None],
            "thermal": cloth.heat[:, None],
        }[camera.light]
        share = weave(cloth, u[here], v[here], front[here])
        surface[:, here] = ground[:, None] + share * (other - ground)[:, None]
        folds[here] = cloth.folds
        if cloth.seam:
            surface[:, here] *= 1 - 0.45 * front[here] * np.exp(-((v[here] / 0.6) ** 2))
    nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0))
    shade = _shade(camera, nx, ny, nz) * (1 + 0.1 * folds * crease) * _closeness(canvas).reshape(-1)[shown]
    if camera.light == "thermal":
        return surface * (0.82 + 0.18 * nz) + 0.012 * folds * crease
    return surface * shade


def _shade(camera: Camera, nx: np.ndarray, ny: np.ndarray, nz: np.ndarray) -> np.ndarray:
    """Light on a surface with the given normal; a near-infrared lamp sits at the camera."""
    if camera.light != "visible":
        return 0.25 + 0.85 * nz
    lx, ly, lz = (np.float32(part / np.linalg.norm(camera.lamp)) for part in camera.lamp)
    facing = np.maximum(nx * lx + ny * ly + nz * lz, 0)
    return camera.ambient * (0.75 + 0.25 * nz - 0.15 * ny) + 1.15 * (1 - camera.ambient) * facing


def _closeness(canvas: Canvas) -> np.ndarray:
    """Shade (N, H, W) places that a nearer part is close to, as between arm and trunk: 1 in the open, less there."""
    depth = np.where(canvas.depth > BEHIND, canvas.depth, -30)[:, ::2, ::2]
    around = _mean(_mean(depth, 1, 4), 2, 4)
    dark = 1 - np.clip((around - depth - 2) / 40, 0, 0.5)
    return dark.repeat(2, 1).repeat(2, 2)


def _mean(values: np.ndarray, axis: int, reach: int) -> np.ndarray:
    """Take the running mean over 2 * reach + 1 values along an axis, the ends repeated."""
    pad = [(0, 0)] * values.ndim
    pad[axis] = (reach + 1, reach)
    total = np.cumsum(np.pad(values, pad, mode="edge"), axis=axis, dtype=np.float32)
    high = np.take(total, range(2 * reach + 1, total.shape[axis]), axis)
    low = np.take(total, range(total.shape[axis] - 2 * reach - 1), axis)
    return (high - low) / (2 * reach + 1)


def _background(
    place: Scene,
    camera: Camera,
    foot: np.ndarray,
    scale: np.ndarray,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> np.ndarray:
    """Light (C, N, H, W) from the scene behind the person, with the shadow at the feet."""
    (h, w), n = size, len(foot)
    x0, y0 = rng.integers(0, WIDTH - w + 1, n), rng.integers(20, 60, n)
    surface = {"visible": place.colour, "near": place.near[None], "thermal": place.heat[None]}[camera.light]
    light = place.light if camera.light == "visible" else 1.0
    strip = surface * light
    cut = np.empty((len(strip), n, h, w), np.float32)
    for channel, plane in zip(cut, strip, strict=True):
        channel[:] = sliding_window_view(plane, (h, w))[y0, x0]
    if camera.light == "visible":
        cut *= _shadows(camera, foot, scale, size)
    return cut if camera.light != "near" else 0.45 * cut


def _shadows(camera: Camera, foot: np.ndarray, scale: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Find the share of the light (N, H, W) that a standing person leaves on the ground."""
    y, x = np.arange(size[0], dtype=np.float32)[:, None], np.arange(size[1], dtype=np.float32)
    fx, fy, s = (a.astype(np.float32).reshape(-1, 1, 1) for a in (foot[:, 0], foot[:, 1], scale))
    lean = -22 * s * np.float32(camera.lamp[0])
    wide = ((x - fx - lean) / (30 * s + np.abs(lean))) ** 2 + ((y - fy + 4 * s) / (9 * s)) ** 2
    close = ((x - fx) / (17 * s)) ** 2 + ((y - fy) / (4.5 * s)) ** 2
    return 1 - 0.4 * np.exp(-wide) - 0.35 * np.exp(-close)


def _glow(size: tuple[int, int]) -> np.ndarray:
    """Light (H, W) of the lamp beside a near-infrared camera, which fades towards the edges."""
    y, x = (
        np.linspace(-1, 1, size[0], dtype=np.float32)[:, None],
        np.linspace(-1, 1, size[1], dtype=np.float32),
    )
    return 0.4 + 0.6 * np.exp(-((x / 1.4) ** 2) - ((y + 0.15) / 1.05) ** 2)


def _develop(image: np.ndarray, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """Turn light (C, N, H, W) into 8-bit images (N, H, W[, 3]): cast, exposure, blur, tone curve, noise."""
    c, n, h, w = image.shape
    exposure = np.asarray(camera.exposure * np.clip(rng.normal(1, 0.04, n), 0.85, 1.15), np.float32)
    gains = np.asarray(camera.gains if c == 3 else [1.0], np.float32)
    image *= gains[:, None, None, None] * exposure[:, None, None]
    for _ in range(camera.blur):
        soften(image)
    if c == 3:
        grey = LUMINANCE[0] * image[0] + LUMINANCE[1] * image[1] + LUMINANCE[2] * image[2]
        image = grey + np.float32(camera.saturation) * (image - grey)
    if camera.light != "thermal":  # whose scale is that of warmth
        image = np.sqrt(np.maximum(image + np.float32(camera.haze), 0))
    y0, x0 = rng.integers(0, 768 - h, n), rng.integers(0, 768 - w, n)
    image += np.float32(camera.grain) * sliding_window_view(grain(), (h, w))[y0, x0]
    np.clip(image * 255, 0, 255, out=image)
    return np.moveaxis(image.astype(np.uint8), 0, -1) if c == 3 else image[0].astype(np.uint8)
