"""The head and what it stands on: outline, neck and clothes, ears, relief, complexion, warmth."""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial import chebyshev

from xmodal_lite.synthetic.faces.canvas import Canvas, bump
from xmodal_lite.synthetic.faces.identity import Face
from xmodal_lite.synthetic.faces.moment import Moment

_KNOTS = ("chin", "jaw", "cheek", "side", "temple", "crown", "top")  # of the outline, every 30 degrees
_CENTRE = 1.0  # of the outline, below the eyes
_WAVES = np.linalg.inv(np.cos(np.outer(np.arange(7) * np.pi / 6, np.arange(7))))  # knots to cosines


def outline(canvas: Canvas, face: Face, moment: Moment) -> tuple[np.ndarray, np.ndarray]:
    """Radius of the head's outline in the direction of each pixel, and how far the pixel is from the centre."""
    down = canvas.y - _CENTRE
    reach = np.sqrt(canvas.x * canvas.x + down * down) + 1e-3
    knots = np.array([face.measure(name) for name in _KNOTS])
    knots[0] += 0.45 * moment.opened
    powers = chebyshev.cheb2poly(_WAVES @ knots).astype(np.float32)
    cosine = down / reach
    radius = np.full_like(reach, powers[-1])
    for power in powers[-2::-1]:
        radius *= cosine
        radius += power
    return radius, reach


def draw_body(canvas: Canvas, face: Face, skull: np.ndarray) -> None:
    """Draw neck, shoulders and clothes, in the shadow of the chin."""
    rows = canvas.rows(4, 30)
    x, y, under = canvas.x[rows], canvas.y[rows], skull[rows]
    wide = face.measure("neck")
    side = np.abs(x)
    base = face.measure("chin") + 2.0
    flare = np.maximum(y - base, 0)
    neck = canvas.cover(np.minimum(wide + 0.5 * flare * flare - side, y - 4), 0.3)
    canvas.paint(face.materials["skin"], neck, rows)
    roll = np.sqrt(np.maximum(1 - (side / (wide + 0.6)) ** 2, 0))
    canvas.height[rows] += neck * (5 * roll - canvas.height[rows])
    dark = 0.25 + 0.75 * np.clip(-under / 3.6, 0, 1)
    canvas.shade[rows] += neck * (dark - canvas.shade[rows])
    canvas.hair[rows] *= 1 - neck
    dip = {"crew": 1.2, "shirt": 3.4, "open": 4.6}[face.collar]
    opening = base + 1.2 + dip * (1 - np.minimum(side / (wide + 0.8), 1.4))
    if face.collar == "crew":
        opening = base + 1.9 - 0.045 * side * side
    shoulders = base + 0.6 + 0.025 * np.maximum(side - wide, 0) ** 2
    cloth = canvas.cover(y - np.maximum(opening, shoulders))
    canvas.paint(face.materials["cloth"], cloth, rows)
    edge = canvas.cover(np.minimum(y - opening, opening + (0.9 if face.collar == "crew" else 2.2) - y))
    if face.collar != "open":
        canvas.paint(face.materials["trim" if face.collar == "shirt" else "cloth"], edge * cloth, rows)
    folds = 1 - 0.22 * edge + 0.05 * canvas.grain(x * 5 + y * 3, y * 3, 4)
    canvas.shade[rows] += cloth * (folds - canvas.shade[rows])
    canvas.height[rows] += cloth * (4 - 0.02 * x * x - canvas.height[rows])
    canvas.hair[rows] *= 1 - cloth


def draw_ears(canvas: Canvas, face: Face, moment: Moment) -> None:
    """Draw both ears; the one that turns away is narrower."""
    long, y0 = face.measure("ear"), face.measure("ear_y")
    rows = canvas.rows(y0 - long, y0 + long)
    y = canvas.y[rows] - y0
    for sign in (-1, 1):
        out = max(face.measure("ear_out") * (1 - 1.8 * sign * math.sin(moment.yaw)), 0.05)
        x = sign * canvas.x[rows] - (face.measure("side") - 0.55) + 0.22 * y
        wide = 0.55 + 0.75 * out
        rest = np.sqrt((x / wide) ** 2 + (y / long) ** 2 + (0.28 * x * y / long))
        ear = canvas.cover((1 - rest) * wide)
        canvas.paint(face.materials["skin"], ear, rows)
        canvas.paint(face.materials["blush"], 0.5 * ear, rows)
        rim = np.clip((rest - 0.45) * 4, 0, 1) * np.clip((1 - rest) * 6 + 0.4, 0, 1)
        canvas.height[rows] += ear * (1.2 + 0.5 * rim - canvas.height[rows])
        canvas.shade[rows] += ear * (0.62 + 0.33 * rim - canvas.shade[rows])
        canvas.hair[rows] *= 1 - ear
        canvas.head[rows] = np.maximum(canvas.head[rows], ear)
        if canvas.light == "thermal":
            canvas.surface[0, rows] -= (0.5 * canvas.gap * face.cool[2]) * ear * canvas.surface[0, rows]


def model_relief(canvas: Canvas, face: Face, moment: Moment, part: np.ndarray, head: np.ndarray) -> None:
    """Model the head in height (cm): a dome, and what stands out of it or lies deep."""
    u, v, m = canvas.u, canvas.v, face.measure
    dome = np.minimum(part, 1)
    dome *= dome
    height = 7.2 * np.sqrt(np.maximum(1 - 0.75 * dome - 0.25 * dome**4, 0))
    side = np.abs(u)
    smile, place, nose, mouth = moment.smile, m("eye_place"), m("nose"), m("mouth") + m("nose")
    rows = canvas.rows(-5, 4)
    a, b, h = side[rows], v[rows], height[rows]
    h -= 0.75 * bump(a - place + 0.2, b + 0.1, 2.9, 1.75)
    h += 0.42 * bump(a - place, b, 1.9, 1.2)  # eyeballs
    h += (0.2 + 0.25 * (1 - face.soft)) * bump(a - place, b - m("brow") - 0.2, 3.2, 1.3)
    rows = canvas.rows(0, 14)
    a, b, h = side[rows], v[rows], height[rows]
    h += (0.55 + 0.25 * m("cheek_out") + 0.3 * smile) * bump(a - 4.2, b - 3.4 + 0.5 * smile, 3.1, 2.7)
    h -= (0.1 + 0.4 * m("lean") * (1 - 0.5 * face.soft)) * bump(a - 4.6, b - 7.2, 2.6, 3.2)
    h += 0.5 * bump(a, b - mouth, 3.4, 2.4)  # teeth below the lips
    h -= 0.35 * bump(a, b - mouth - m("lip_low") - moment.opened - 0.75, 2.0, 0.8)
    chin = m("chin") + _CENTRE + 0.4 * moment.opened
    h += (0.4 + m("chin_out")) * bump(a, b - chin + 1.6, 2.4, 1.8)
    if m("cleft") > 0:
        h -= m("cleft") * bump(a, b - chin + 1.4, 0.55, 1.1)
    h -= 0.2 * bump(a, b - nose - 1.2, 0.5, 1.1)
    fold = a - (m("nostrils") + 0.35 + (0.33 + 0.1 * smile) * (b - nose))
    crease = 0.12 + 0.3 * face.age + 0.3 * max(smile, 0)
    h -= crease * bump(fold, b - nose - 1.6, 0.5, 2.4)
    rows = canvas.rows(-2, nose + 2)
    a, b, h = u[rows] + (m("nose_out") * math.sin(moment.yaw)), v[rows], height[rows]
    b = b + (m("nose_out") * math.sin(moment.pitch))
    along = np.clip((b + 0.8) * (1 / (nose + 0.6)), 0, 1)
    wide = m("bridge") + (m("tip") + 0.25 - m("bridge")) * along * along + 0.5 * np.clip(-b, 0, 2)
    ridge = np.maximum(1 - (a / (1.6 * wide)) ** 2, 0)
    end = np.clip((nose + 0.25 - b) * 1.5, 0, 1) * np.clip(b * 0.5 + 1.1, 0, 1)
    h += (0.35 + m("nose_out") * along * (0.4 + 0.3 * along)) * ridge * ridge * end
    h += 0.45 * bump(a, b - nose + 0.45, 1.25 * m("tip"), 0.95)
    h += 0.55 * bump(np.abs(a) - m("nostrils") + 0.45, b - nose + 0.1, 0.85, 0.9)
    canvas.height += head * (height - canvas.height)


def draw_complexion(canvas: Canvas, face: Face, head: np.ndarray) -> None:
    """Draw red cheeks, moles, creases and shine; in thermal light warm vessels and a cold nose."""
    u, v, m = canvas.u, canvas.v, face.measure
    side = np.abs(u)
    if canvas.light == "visible":
        red = bump(side - 4.2, v - 3.6, 3.4, 2.8) + 0.9 * bump(u, v - m("nose") + 0.3, 1.9, 1.6)
        canvas.paint(face.materials["blush"], head * np.clip(red * 0.8, 0, 1))
        canvas.surface *= 1 + 0.025 * canvas.grain(u * 14, v * 14, 5) * head
    if canvas.light == "thermal":
        _warmth(canvas, face, head)
        return
    for x, y, radius in face.marks:
        rows = canvas.rows(y - 0.5, y + 0.5)
        spot = radius - np.sqrt((u[rows] - x) ** 2 + (v[rows] - y) ** 2)
        canvas.paint(face.materials["mole"], head[rows] * canvas.cover(spot, 0.12) * 0.8, rows)
    if face.age > 0.45:
        old = 1.5 * (face.age - 0.45)
        rows = canvas.rows(-6, -2.5)
        a, b = u[rows], v[rows]
        wave = np.sin((b + 0.02 * a * a + 0.12 * canvas.grain(a * 4, b * 2, 6)) * 5.5)
        lines = np.clip(wave - 0.72, 0, 1) * 2.4 * bump(a, b + 4.3, 5.4, 2.2)
        canvas.paint(face.materials["crease"], old * lines * head[rows], rows)
        rows = canvas.rows(-1.5, 3)
        a, b = side[rows] - m("eye_place"), v[rows]
        feet = np.clip(np.sin(b * 6 + a * 1.5 * np.sign(b)) - 0.5, 0, 1) * bump(a - 2.2, b, 1.1, 1.3)
        bags = bump(a, b - 1.35 - 0.06 * a * a, 1.7, 0.35)
        canvas.paint(face.materials["crease"], old * (1.3 * feet + 0.7 * bags) * head[rows], rows)


def _warmth(canvas: Canvas, face: Face, head: np.ndarray) -> None:
    """Warm the skin at the corners of the eyes and above vessels; cool the nose, after its measures, and the cheeks."""
    u, v, m = canvas.u, canvas.v, face.measure
    side = np.abs(u)
    nose = face.cool[0] + 0.06 * face.traits["nose_out"]
    warm = -max(nose, 0.05) * 1.6 * bump(u, v - m("nose") + 0.8, 1.3 * m("nostrils") + 0.5, 3.2)
    warm -= (0.08 + face.cool[1]) * bump(side - 4.4, v - 4, 3.2, 3.2)
    warm += 0.3 * bump(side - m("eye_place") + m("eye_wide"), v - 0.15, 1.0, 1.0)
    warm += 0.12 * bump(u, v - m("nose") - m("mouth"), 3.4, 1.6) + 0.1 * bump(u, v + 4.5, 5, 3)
    a, b = face.veins[0] + 9 * side + 2 * u, face.veins[1] + 9 * v
    vessel = 1 - 2.6 * np.abs(canvas.grain(a, b, 7))  # thin lines where smooth noise is zero
    warm += (0.12 + 0.0012 * face.veins[2]) * np.maximum(vessel, 0)
    warm += 0.09 * canvas.grain(u * 5 + face.veins[3], v * 5 + face.veins[0], 8)
    canvas.surface *= 1 + head * warm * canvas.gap
