"""Hair on and around a face: strands, the outline of a style, the hair before the face, the beard."""

from __future__ import annotations

import numpy as np

from xmodal_lite.synthetic.faces.canvas import Canvas
from xmodal_lite.synthetic.faces.identity import STYLES, Face
from xmodal_lite.synthetic.faces.moment import Moment


def strands_of(canvas: Canvas, face: Face) -> np.ndarray:
    """Noise along the flow of hair, which starts at the parting and falls to both sides."""
    fallen = np.maximum(canvas.y + face.measure("top") + 0.5, 0.25)
    spread = (canvas.x - face.parting) / (1 - np.exp(-0.2 * fallen))
    if face.wavy > 0.15:
        spread += (1.1 * face.wavy) * canvas.grain(canvas.x * 4, canvas.y * 7, 1)
        fallen = fallen * (1 + 3 * face.wavy**2)
    return 0.65 * canvas.grain(spread * 30, fallen * 2, 2) + 0.6 * canvas.grain(spread * 9, fallen * 1.3, 3)


def hair_outline(canvas: Canvas, face: Face, skull: np.ndarray, strands: np.ndarray) -> np.ndarray:
    """Distance inside the outline of all hair, in cm."""
    rise, side, low = STYLES[face.hair]
    if face.hair == "bald":
        return np.full_like(skull, -9)
    share = np.clip((canvas.y + 9) / 7, 0, 1)
    thick = face.volume * (rise + (side - rise) * share)
    rough = (0.05 + 0.06 * face.wavy + 0.3 * (face.hair in ("afro", "curls"))) * strands
    cap = np.minimum(skull + thick, (3.0 if low is None else 5.0) - canvas.y) + rough
    if low is None:
        return cap
    wide = face.measure("side") + face.volume * side + 0.3 * face.wavy
    sway = 0.05 * np.clip(canvas.y, 0, 12) - 0.06 * np.maximum(3 - canvas.y, 0) ** 2
    fall = np.minimum(wide + sway - np.abs(canvas.x), canvas.y + 5)
    return np.maximum(cap, np.minimum(fall, low + 0.3 * strands - canvas.y) + rough)


def draw_beard(canvas: Canvas, face: Face, moment: Moment, head: np.ndarray, strands: np.ndarray) -> None:
    """Draw the beard over mouth, chin and cheeks."""
    if face.beard == "none":
        return
    m = face.measure
    at, opened = m("nose") + m("mouth"), moment.opened
    rows = canvas.rows(0, 15)
    x, v = canvas.u[rows], canvas.v[rows]
    side = np.abs(x)
    rough = 0.14 * canvas.grain(x * 26, v * 8, 10)
    low = at + m("lip_low") + 0.75 * opened + 0.25
    over = np.minimum(
        np.minimum(v - m("nose") - 0.55, at - m("lip_up") - 0.12 * side - v), m("mouth_wide") + 0.6 - side
    )
    drop = np.minimum(
        0.4 - np.abs(side - m("mouth_wide") - 0.5 + 0.25 * (v - at)), np.minimum(v - at + 0.4, low + 1 - v)
    )
    chin = 1.7 - 1.7 * np.sqrt((x / 2.1) ** 2 + ((v - low - 1.7) / 1.7) ** 2)
    cheeks = v - (low + 0.5 - 0.1 * side * side - 0.12 * side)
    inside = {
        "moustache": over,
        "goatee": np.maximum(np.maximum(over, drop), chin),
        "full": np.maximum(np.maximum(over, drop), np.maximum(cheeks, chin)),
        "stubble": np.maximum(np.maximum(over, drop), cheeks),
    }[face.beard]
    dense = 0.38 if face.beard == "stubble" else 0.88
    share = dense * canvas.cover(inside + rough, 0.9) * head[rows]
    canvas.paint(face.materials["brows"], share, rows)
    if face.beard != "stubble":
        canvas.height[rows] += 0.35 * share
        canvas.shade[rows] *= 1 + 0.16 * share * canvas.grain(x * 24, v * 7, 11)
        canvas.hair[rows] = np.maximum(canvas.hair[rows], share)


def draw_hair(canvas: Canvas, face: Face, back: np.ndarray, strands: np.ndarray) -> None:
    """Draw the hair before the face: all of it but an opening."""
    if face.hair == "bald":
        return
    m, low = face.measure, STYLES[face.hair][2]
    u, v = canvas.u, canvas.v
    line = m("hairline") + face.fringe - 1.2 * face.age * (face.soft < 0.5)
    level = 1.0
    across = m("forehead") - (0.5 if low else 0.0)
    if face.hair == "ring":
        line, across = -11.0, m("side") - 0.15
    rise = np.maximum(level - v - face.sweep * u, 0) * (1 / (level - line))
    width = u * (1 / across)
    width *= width
    opening = (1 - np.sqrt(width * width + rise * rise)) * (across * 0.8)
    if low is None:
        opening = np.maximum(opening, v - (1.5 + 0.8 * (1 - face.soft)))
    else:
        opening = np.minimum(opening, across + 0.5 - np.abs(canvas.x) + 0.06 * np.maximum(canvas.y, 0))
    jagged = (0.16 + 0.2 * (face.fringe > 0) + 0.1 * face.wavy) * strands
    share = canvas.cover(np.minimum(back, -opening - jagged), 0.35)
    canvas.paint(face.materials["hair"], share)
    canvas.hair = np.maximum(canvas.hair, share)
    canvas.head = np.maximum(canvas.head, canvas.hair)
    gone = canvas.cover(-opening - jagged + 0.7, 1.0) * (1 - share) * canvas.cover(back)
    canvas.shade *= 1 - 0.22 * gone  # it throws a shadow on the forehead
    wide = m("side") + STYLES[face.hair][1] + 0.5
    ball = np.sqrt(np.maximum(1 - (canvas.x / wide) ** 2 - (np.minimum(canvas.y + 2, 0) / 12.5) ** 2, 0))
    canvas.height += canvas.hair * (7.2 * ball + 0.4 - canvas.height)
    shine = np.exp(-((canvas.y + 8.2 + 0.02 * canvas.x * canvas.x) ** 2) * 0.35)
    gloss = 0.7 * (1 - face.wavy) * shine * (canvas.light != "thermal")
    canvas.shade += canvas.hair * (
        (0.78 + 0.3 * strands * (1 - 0.4 * face.wavy) + gloss).clip(0.2, 2.2) - canvas.shade
    )
