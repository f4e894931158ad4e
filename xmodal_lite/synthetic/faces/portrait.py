"""Images of a face: a photograph in colour, one in near-infrared or thermal light, and a pencil sketch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from xmodal_lite.synthetic.drawing import LUMINANCE, grain, noise, soften
from xmodal_lite.synthetic.faces.canvas import Canvas
from xmodal_lite.synthetic.faces.disguise import draw_mask
from xmodal_lite.synthetic.faces.features import draw_brows, draw_eyes, draw_glasses, draw_mouth, draw_nose
from xmodal_lite.synthetic.faces.hair import draw_beard, draw_hair, hair_outline, strands_of
from xmodal_lite.synthetic.faces.head import draw_body, draw_complexion, draw_ears, model_relief, outline
from xmodal_lite.synthetic.faces.identity import Face, exaggerate
from xmodal_lite.synthetic.faces.moment import Moment

SIZE = (128, 128)  # height and width of every image
SKIN, HAIR, GLASSES = 255, 128, 64  # grey levels of a mask; 0 is whatever is not the head


@dataclass(frozen=True)
class Setting:
    """How a benchmark's images of one modality are taken; the numbers were set by eye."""

    light: str  # one of identity.LIGHTS
    scale: float  # pixels per cm
    eyes: float = 0.45  # where the eyes are, as a share of the height
    wall: str = "plain"  # or "room": the background
    colour: bool = True
    blur: int = 1  # passes of a binomial filter
    noise: float = 0.008  # standard deviation
    quality: int = 90  # of the JPEG
    lively: float = 0.2  # of the moments, see moment.draw_moment
    uneven: float = 0.2
    exaggeration: float = 0.0  # at gap 1, of the traits in a sketch


def portray(
    face: Face,
    moment: Moment,
    setting: Setting,
    gap: float,
    rng: np.random.Generator,
    disguise: Callable[[Face], Face] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Take one image of a face.

    Parameters
    ----------
    face : Face
        The face.
    moment : Moment
        Expression, pose, light and framing.
    setting : Setting
        Modality and camera.
    gap : float
        As for the face.
    rng : numpy.random.Generator
        Source of background, noise and the sketch's deviations.
    disguise : callable, optional
        Puts something on the face, see `xmodal_lite.synthetic.faces.disguise.wear`. All else stays the same.

    Returns
    -------
    image : numpy.ndarray
        (H, W, 3) uint8, or (H, W) without colour.
    mask : numpy.ndarray
        (H, W) uint8 of levels SKIN, HAIR, GLASSES and 0.
    """
    if setting.light == "sketch":
        face = exaggerate(face, gap * setting.exaggeration, 0.75 * gap, rng)
        moment = _as_drawn(moment, gap, rng)
    face = disguise(face) if disguise else face
    canvas = Canvas(SIZE, setting.scale, setting.eyes, moment, setting.light, gap)
    _background(canvas, setting, rng)
    _draw(canvas, face, moment)
    develop = {"visible": _photograph, "near": _near, "thermal": _thermal, "sketch": _sketch}[setting.light]
    image = develop(canvas, moment, setting, rng)
    if setting.light != "sketch":
        image = _digitise(image, setting, rng)
    levels = np.where(canvas.hair > 0.5, HAIR, np.where(canvas.glass > 0.5, GLASSES, SKIN))
    mask = np.where(canvas.head > 0.5, levels, 0).astype(np.uint8)
    return (np.clip(image * 255, 0, 255).astype(np.uint8).transpose(1, 2, 0).squeeze(), mask)


def _draw(canvas: Canvas, face: Face, moment: Moment) -> None:
    """Draw a face on a canvas that may already hold a background."""
    radius, reach = outline(canvas, face, moment)
    skull = radius - reach  # distance inside the outline, cm
    strands = strands_of(canvas, face)
    back = hair_outline(canvas, face, skull, strands)
    hair = canvas.cover(back)
    canvas.paint(face.materials["hair"], hair)
    canvas.hair = hair
    draw_body(canvas, face, skull)
    draw_ears(canvas, face, moment)
    head = canvas.cover(skull)
    canvas.paint(face.materials["skin"], head)
    canvas.shade += head * (1 - canvas.shade)
    canvas.hair *= 1 - head
    canvas.head = np.maximum(canvas.head, head)
    model_relief(canvas, face, moment, reach / radius, head)
    draw_complexion(canvas, face, head)
    draw_eyes(canvas, face, moment)
    draw_brows(canvas, face, moment)
    draw_nose(canvas, face, moment)
    draw_mouth(canvas, face, moment)
    draw_beard(canvas, face, moment, head, strands)
    draw_mask(canvas, face)
    draw_hair(canvas, face, back, strands)
    draw_glasses(canvas, face, dark=face.worn == "sunglasses")


def _background(canvas: Canvas, setting: Setting, rng: np.random.Generator) -> None:
    """Paint the background: a wall with a gradient of light, or a room out of focus."""
    h, w = SIZE
    if setting.light == "sketch":
        canvas.surface[:] = 0.9
        return
    channels = len(canvas.surface)
    level = {
        "visible": rng.uniform(0.1, 0.55),
        "near": rng.uniform(0.01, 0.08),
        "thermal": rng.uniform(0.01, 0.05),
    }
    cast = rng.normal(1, 0.16, 3)[:channels] if setting.colour else np.ones(channels)
    cast = 1 + 0.5 * (cast - 1) if setting.wall == "room" else cast
    wall = (level[setting.light] * cast).clip(0.005, 0.9)
    fall = (
        1
        + rng.uniform(-0.5, 0.5) * np.linspace(-1, 1, w)
        + rng.uniform(-0.4, 0.2) * np.linspace(-1, 1, h)[:, None]
    )
    canvas.surface[:] = wall[:, None, None] * fall.clip(0.3, 2)
    if setting.wall == "room":
        blobs = noise(h, w, 50, rng) + 0.7 * noise(1, w, 18, rng)
        other = wall * rng.uniform(0.3, 1.8) * rng.normal(1, 0.15, channels)
        share = np.clip(0.5 + 0.4 * blobs, 0, 1)
        canvas.surface += (0.75 * share * (other[:, None, None] - canvas.surface)).astype(np.float32)


def _blurred(plane: np.ndarray, passes: int) -> np.ndarray:
    """Blur a plane (H, W) by a binomial filter."""
    stack = plane[None, None].copy()
    for _ in range(passes):
        soften(stack)
    return stack[0, 0]


def _normals(canvas: Canvas) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Surface normals (to the right, downwards, towards us) and how deep in its surroundings a place lies, in cm."""
    height = _blurred(canvas.height, 1)
    down, right = np.gradient(height, 1 / canvas.scale)
    towards = 1 / np.sqrt(1 + down * down + right * right)
    deep = _blurred(height[::2, ::2], 3).repeat(2, 0).repeat(2, 1) - height
    return -right * towards, -down * towards, towards, deep


def _lit(canvas: Canvas, lamp: tuple[float, float, float], ambient: float) -> np.ndarray:
    """Light (H, W) that the figure sends back for a reflectance of 1; 1 on the background."""
    nx, ny, nz, deep = _normals(canvas)
    x, y, z = (float(part) for part in np.array(lamp) / np.linalg.norm(lamp))
    facing = np.maximum(nx * x + ny * y + nz * z, 0)
    around = (0.8 + 0.2 * nz - 0.15 * ny) * np.clip(1 - 0.9 * deep, 0.5, 1.15)
    light = (ambient * around + 1.2 * (1 - ambient) * facing) * canvas.shade
    return np.where(canvas.height > 0.02, light, 1)


def _photograph(canvas: Canvas, moment: Moment, setting: Setting, rng: np.random.Generator) -> np.ndarray:
    light = moment.exposure * _lit(canvas, moment.lamp, moment.ambient)
    image = canvas.surface * light
    image *= np.array(moment.tint, np.float32)[:, None, None]
    if not setting.colour:
        image = np.tensordot(LUMINANCE, image, 1)[None]
    return np.sqrt(image.clip(0))


def _near(canvas: Canvas, moment: Moment, setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """Light of a lamp at the camera: strong in the middle, and skin is smooth."""
    light = _lit(canvas, (0.15 * moment.lamp[0], -0.2, 1.0), 0.25)
    glow = np.exp(-((canvas.x / 13) ** 2) - ((canvas.y - 1) / 16) ** 2)
    return np.sqrt((canvas.surface * light * moment.exposure * (0.45 + 0.75 * glow)).clip(0))


def _thermal(canvas: Canvas, moment: Moment, setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """Show the heat of the surfaces themselves, less where they turn away; it spreads, so that edges blur."""
    _, _, nz, deep = _normals(canvas)
    warm = canvas.surface * (0.8 + 0.2 * nz + 0.05 * deep.clip(-1, 2)) * (0.82 + 0.18 * canvas.shade)
    image = _blurred(np.sqrt(warm.clip(0))[0], round(6 * canvas.gap))[None] * (
        1 + 0.25 * (moment.exposure - 1)
    )
    return image + (0.008 * rng.standard_normal((1, 1, SIZE[1]))).astype(np.float32)  # columns of the sensor


def _digitise(image: np.ndarray, setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """Blur a image (C, H, W) and add noise."""
    stack = image[:, None]
    for _ in range(setting.blur):
        soften(stack)
    y, x = rng.integers(0, 768 - SIZE[0]), rng.integers(0, 768 - SIZE[1])
    return image + setting.noise * grain()[y : y + SIZE[0], x : x + SIZE[1]]


def _sketch(canvas: Canvas, moment: Moment, setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """Draw with a pencil: lines along edges, hatching where it is dark, on rough paper."""
    grey = np.sqrt((canvas.surface[0] * _lit(canvas, (-0.6, -0.7, 1.0), 0.5)).clip(0, 1))
    fine = _blurred(grey, 1)
    lines = np.clip((_blurred(fine, 6) - fine - 0.012) * 7, 0, 1)
    head = _blurred(canvas.head, 1)
    lines = np.maximum(lines, 3.2 * head * (1 - head))
    a, b = rng.uniform(0, 128, 2)
    right = np.arange(SIZE[1], dtype=np.float32)[None]
    down = np.arange(SIZE[0], dtype=np.float32)[:, None]
    lay = right + 0.8 * down
    bend = canvas.grain(a + 0.5 * right, b + 0.5 * down, 12)
    strokes = np.sin(2.1 * lay + 1.6 * bend) + 0.6 * canvas.grain(b + 5 * lay, a + 0.6 * (down - right), 14)
    strokes *= 1 - 0.8 * canvas.hair  # where the flow of hair leads the pencil
    press = 0.8 + 0.25 * canvas.grain(b + 1.2 * right, a + 1.2 * down, 13)
    dark = np.clip(1.06 - fine * 1.16, 0, 1)
    hatched = dark * np.clip(0.75 + (0.55 - 0.4 * dark) * strokes, 0, 1.3)
    ink = 1 - (1 - np.clip(0.85 * lines * press, 0, 0.95)) * (1 - np.clip(0.92 * hatched, 0, 0.95))
    y, x = rng.integers(0, 640, 2)
    tooth = grain()[y : y + SIZE[0], x : x + SIZE[1]]
    ink = ink * np.clip(1 + 0.22 * tooth, 0.4, 1.25)
    return (0.95 - 0.86 * ink + 0.008 * tooth)[None]


def _as_drawn(moment: Moment, gap: float, rng: np.random.Generator) -> Moment:
    """Return the moment of a sketch: more frontal and neutral, and shifted."""
    calm = 1 - 0.7 * gap
    return replace(
        moment,
        smile=calm * moment.smile,
        yaw=calm * moment.yaw,
        pitch=calm * moment.pitch,
        roll=calm * moment.roll + gap * float(rng.normal(0, 0.035)),
        zoom=moment.zoom * (1 + gap * float(rng.normal(0, 0.06))),
        shift=(
            moment.shift[0] + gap * float(rng.normal(0, 0.5)),
            moment.shift[1] + gap * float(rng.normal(0, 0.5)),
        ),
    )
