"""How a face is drawn on a canvas, from the back to the front: hair, neck, clothes, head, eyes, mouth, glasses."""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial import chebyshev

from xmodal_lite.synthetic.faces.canvas import Canvas, bump
from xmodal_lite.synthetic.faces.identity import STYLES, Face
from xmodal_lite.synthetic.faces.moment import Moment

_KNOTS = ("chin", "jaw", "cheek", "side", "temple", "crown", "top")  # of the outline, every 30 degrees
_CENTRE = 1.0  # of the outline, below the eyes
_WAVES = np.linalg.inv(np.cos(np.outer(np.arange(7) * np.pi / 6, np.arange(7))))  # knots to cosines


def draw(canvas: Canvas, face: Face, moment: Moment) -> None:
    """Draw a face on a canvas that may already hold a background."""
    radius, reach = _outline(canvas, face, moment)
    skull = radius - reach  # distance inside the outline, cm
    strands = _strands(canvas, face)
    back = _hair_outline(canvas, face, skull, strands)
    hair = canvas.cover(back)
    canvas.paint(face.materials["hair"], hair)
    canvas.hair = hair
    _body(canvas, face, skull)
    _ears(canvas, face, moment)
    head = canvas.cover(skull)
    canvas.paint(face.materials["skin"], head)
    canvas.shade += head * (1 - canvas.shade)
    canvas.hair *= 1 - head
    canvas.head = np.maximum(canvas.head, head)
    _relief(canvas, face, moment, reach / radius, head)
    _complexion(canvas, face, head)
    _eyes(canvas, face, moment)
    _brows(canvas, face, moment)
    _nose(canvas, face, moment)
    _mouth(canvas, face, moment)
    _beard(canvas, face, moment, head, strands)
    _hair(canvas, face, back, strands)
    _glasses(canvas, face)


def _outline(canvas: Canvas, face: Face, moment: Moment) -> tuple[np.ndarray, np.ndarray]:
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


def _strands(canvas: Canvas, face: Face) -> np.ndarray:
    """Noise along the flow of hair, which starts at the parting and falls to both sides."""
    fallen = np.maximum(canvas.y + face.measure("top") + 0.5, 0.25)
    spread = (canvas.x - face.parting) / (1 - np.exp(-0.2 * fallen))
    if face.wavy > 0.15:
        spread += (1.1 * face.wavy) * canvas.grain(canvas.x * 4, canvas.y * 7, 1)
        fallen = fallen * (1 + 3 * face.wavy**2)
    return 0.65 * canvas.grain(spread * 30, fallen * 2, 2) + 0.6 * canvas.grain(spread * 9, fallen * 1.3, 3)


def _hair_outline(canvas: Canvas, face: Face, skull: np.ndarray, strands: np.ndarray) -> np.ndarray:
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


def _body(canvas: Canvas, face: Face, skull: np.ndarray) -> None:
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


def _ears(canvas: Canvas, face: Face, moment: Moment) -> None:
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


def _relief(canvas: Canvas, face: Face, moment: Moment, part: np.ndarray, head: np.ndarray) -> None:
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


def _complexion(canvas: Canvas, face: Face, head: np.ndarray) -> None:
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


def _eyes(canvas: Canvas, face: Face, moment: Moment) -> None:
    m = face.measure
    rows = canvas.rows(-2.2, 1.6)
    v = canvas.v[rows]
    open_ = moment.eyelids * (1 - 0.22 * max(moment.smile, 0)) * (1 + 0.25 * moment.brows)
    wide, up, low = (
        m("eye_wide"),
        max(m("eye_open") * open_, 0.1),
        m("eye_low") * (1 - 0.3 * max(moment.smile, 0)),
    )
    for sign in (-1, 1):
        x = sign * canvas.u[rows] - m("eye_place")
        y = v + m("eye_tilt") * x
        arc = 1 - (x * (1 / wide)) ** 2
        lid = up * arc * (1.05 - 0.12 * x)
        bottom = low * arc
        inside = np.minimum(y + lid, bottom - y) * 0.85
        eye = canvas.cover(inside)
        canvas.paint(face.materials["white"], eye, rows)
        canvas.shade[rows] *= 1 - eye * np.clip(0.55 - 0.9 * (y + lid), 0, 0.45)  # below the lid
        gx = x - (sign * moment.gaze[0])
        gy = y - (moment.gaze[1] - 0.06)
        far = np.sqrt(gx * gx + gy * gy)
        iris = canvas.cover(m("iris") - far) * eye
        canvas.paint(face.materials["iris"], iris, rows)
        canvas.paint(face.materials["lash"], 0.6 * iris * np.clip(far * 5 - 4 * m("iris"), 0, 1), rows)
        canvas.paint(face.materials["pupil"], canvas.cover(0.3 - far) * eye, rows)
        dot = (0.0, 0.0) if canvas.light == "near" else (0.2 * math.copysign(1, moment.lamp[0]), -0.22)
        glint = 0.17 - np.sqrt((gx * sign - dot[0]) ** 2 + (gy - dot[1]) ** 2)
        if canvas.light in ("visible", "near"):
            canvas.surface[:, rows] += 0.8 * (canvas.cover(glint, 0.2) * eye)
        ends = canvas.cover((wide + 0.1) - np.abs(x), 0.4)
        lash = (0.15 + 0.08 * face.soft) - np.abs(y + lid + 0.04)
        canvas.paint(face.materials["lash"], 0.92 * canvas.cover(lash, 0.25) * ends, rows)
        canvas.paint(
            face.materials["crease"], 0.35 * canvas.cover(0.07 - np.abs(y - bottom - 0.04), 0.22) * ends, rows
        )
        canvas.paint(face.materials["blush"], 0.6 * bump(x + wide, y - 0.05, 0.35, 0.3), rows)
        if m("fold") > 0.2:
            crease = 0.06 - np.abs(y + 1.08 * lid + m("fold") * np.sqrt(np.maximum(arc + 0.25, 0)))
            canvas.paint(face.materials["crease"], 0.7 * canvas.cover(crease, 0.25) * ends, rows)


def _brows(canvas: Canvas, face: Face, moment: Moment) -> None:
    m = face.measure
    rows = canvas.rows(m("brow") - 1.5, m("brow") + 1.5)
    x, v = np.abs(canvas.u[rows]) - m("brow_gap"), canvas.v[rows]
    frown = max(-moment.brows, 0)
    t = x * (1 / (2 * m("brow_long")))  # 0 at the inner end, 1 at the outer
    line = m("brow") - moment.brows * 0.7 + frown * 0.9 * (1 - t) * 0.5 - m("brow_tilt") * x
    line = line - 4 * m("brow_arch") * t * (1 - t) * (0.5 + t) * 0.8 - 0.12 * x + 0.5 * t * t * t
    thick = (
        0.5 * max(m("brow_thick"), 0.16) * np.clip(1.25 - t, 0.15, 1.1) * np.clip(4 * t + 0.4, 0, 1) + 0.06
    )
    hairs = 0.1 * canvas.grain(x * 26 + v * 22, v * 8, 9)
    inside = np.minimum(thick - np.abs(v - line), np.minimum(t, 1 - t) * 2 * m("brow_long")) + hairs
    canvas.paint(face.materials["brows"], (0.62 + 0.3 * (1 - face.soft)) * canvas.cover(inside, 0.32), rows)


def _nose(canvas: Canvas, face: Face, moment: Moment) -> None:
    m = face.measure
    rows = canvas.rows(m("nose") - 2, m("nose") + 1.5)
    x = canvas.u[rows] + (m("nose_out") * math.sin(moment.yaw))
    y = canvas.v[rows] - (m("nose") - m("nose_out") * math.sin(moment.pitch))
    side = np.abs(x)
    holes = bump(side - 0.5 * m("nostrils") + 0.02, y - 0.1 + 0.12 * side, 0.52, 0.27)
    canvas.paint(face.materials["crease"], np.clip(1.3 * holes, 0, 0.95), rows)
    canvas.paint(face.materials["mole"], 0.6 * holes, rows)
    wing = np.sqrt(((side - m("nostrils") + 0.5) / 0.66) ** 2 + ((y + 0.28) / 0.72) ** 2)
    line = canvas.cover(0.06 - 0.7 * np.abs(wing - 1), 0.2) * np.clip((side - m("nostrils") + 0.55) * 3, 0, 1)
    canvas.paint(face.materials["crease"], 0.5 * line, rows)
    under = bump(x, y - 0.35, 1.25 * m("nostrils"), 0.4)
    canvas.shade[rows] *= 1 - 0.28 * under


def _mouth(canvas: Canvas, face: Face, moment: Moment) -> None:
    m = face.measure
    at = m("nose") + m("mouth")
    rows = canvas.rows(at - 2, at + 3)
    x, v = canvas.u[rows], canvas.v[rows]
    smile, opened = moment.smile, moment.opened
    wide = m("mouth_wide") * (1 + 0.16 * smile - 0.06 * opened)
    t = np.abs(x) * (1 / wide)
    arc = np.maximum(1 - t * t, 0)
    line = at - (0.5 * smile + m("corner")) * t * t + 0.12 * smile
    thin = 1 - 0.25 * max(smile, 0)
    bow = m("bow") * bump(x, x, 0.7, 9) - 0.6 * m("bow") * bump(t - 0.3, t - 0.3, 0.3, 9)
    part = opened * np.sqrt(arc) * 0.8 + 0.16 * max(smile - 0.25, 0) * arc  # half of the gap is above
    upper = np.maximum(
        line - 0.25 * part - max(m("lip_up"), 0.12) * thin * np.sqrt(arc) * (1.15 - 0.5 * t) + bow, at - 3
    )
    lower = line + 0.75 * part + max(m("lip_low"), 0.2) * thin * arc**0.75
    ends = (1 - t) * wide
    lips = canvas.cover(np.minimum(np.minimum(v - upper, lower - v), ends), 0.24)
    canvas.paint(face.materials["lips"], 0.92 * lips, rows)
    canvas.height[rows] += (
        0.28 * lips * bump(v - line - 0.75 * part - 0.5 * m("lip_low"), x, 0.9 * m("lip_low") + 0.1, wide)
    )
    canvas.shade[rows] *= 1 - 0.2 * lips * (v < line)  # the upper lip faces the ground
    hole = canvas.cover(np.minimum(np.minimum(v - line + 0.25 * part, line + 0.75 * part - v), ends - 0.15))
    if part.max() > 0.15:
        canvas.paint(face.materials["mouth"], hole, rows)
        teeth = np.minimum(line - 0.25 * part + 0.55 - v, 1.0 * wide - 0.5 - np.abs(x))
        canvas.paint(face.materials["teeth"], hole * canvas.cover(teeth) * 0.9, rows)
    crack = canvas.cover(0.09 - np.abs(v - line) * (1 - 0.6 * (opened > 0.3)), 0.2) * canvas.cover(
        ends + 0.12, 0.3
    )
    canvas.paint(face.materials["crease"], (0.85 if opened < 0.3 else 0.0) * crack * (0.6 + 0.4 * t), rows)
    dent = bump(np.abs(x) - wide - 0.12, v - at + 0.5 * smile + m("corner"), 0.38, 0.4)
    canvas.shade[rows] *= 1 - 0.3 * dent


def _beard(canvas: Canvas, face: Face, moment: Moment, head: np.ndarray, strands: np.ndarray) -> None:
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


def _hair(canvas: Canvas, face: Face, back: np.ndarray, strands: np.ndarray) -> None:
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


def _glasses(canvas: Canvas, face: Face) -> None:
    if face.glasses == "none":
        return
    wide, high, power, rim = {
        "round": (2.15, 1.95, 2, 0.16),
        "square": (2.55, 1.75, 4, 0.26),
        "half": (2.5, 1.55, 4, 0.2),
    }[face.glasses]
    rows = canvas.rows(-4, 4)
    x, y = canvas.u[rows], canvas.v[rows] - 0.35
    side = np.abs(x) - (max(face.measure("eye_place") + 0.1, wide + 0.75))
    rest = (np.abs(side / wide) ** power + np.abs(y / high) ** power) ** (1 / power)
    far = (rest - 1) * min(wide, high)
    line = canvas.cover(rim / 2 - np.abs(far), 0.15)
    if face.glasses == "half":
        line *= 0.25 + 0.75 * (y < 0.2)
    lens = canvas.cover(-far)
    bridge = canvas.cover(np.minimum(0.13 - np.abs(y + 0.55 - 0.12 * x * x), -(side + wide)))
    arm = canvas.cover(np.minimum(0.16 - np.abs(y + 0.7), side - wide)) * canvas.cover(
        face.measure("side") + 0.3 - np.abs(canvas.x[rows])
    )
    clear = {"visible": 0.1, "near": 0.12, "thermal": 1.0, "sketch": 0.0}[canvas.light]
    if canvas.light == "thermal":
        clear = canvas.gap
    canvas.paint(face.materials["lens"], clear * lens, rows)
    frame = np.maximum(np.maximum(line, bridge), arm)
    canvas.paint(face.materials["frame"], 0.95 * frame, rows)
    canvas.shade[rows] *= 1 - 0.12 * lens * np.clip(1 + far * 1.5, 0, 1)
    canvas.glass[rows] = np.maximum(lens, frame)
    if canvas.light == "visible":
        glare = bump(side - 0.7 + 0.6 * y, 0.3 * y, 0.35, 0.6) * lens
        canvas.surface[:, rows] += 0.12 * glare
