"""The features of a face: eyes, brows, nose, mouth, glasses."""

from __future__ import annotations

import math

import numpy as np

from xmodal_lite.synthetic.faces.canvas import Canvas, bump
from xmodal_lite.synthetic.faces.identity import Face
from xmodal_lite.synthetic.faces.moment import Moment


def draw_eyes(canvas: Canvas, face: Face, moment: Moment) -> None:
    """Draw the whites, irises, pupils, reflections, lashes and lids of both eyes."""
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


def draw_brows(canvas: Canvas, face: Face, moment: Moment) -> None:
    """Draw both eyebrows, raised or frowning."""
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


def draw_nose(canvas: Canvas, face: Face, moment: Moment) -> None:
    """Draw the nostrils and the outline of the nose; its height is part of the relief."""
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


def draw_mouth(canvas: Canvas, face: Face, moment: Moment) -> None:
    """Draw lips and, in an open mouth, teeth."""
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


def draw_glasses(canvas: Canvas, face: Face, *, dark: bool = False) -> None:
    """Draw lenses and frame; lenses are opaque in thermal light, and dark ones in any."""
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
    clear = 0.97 if dark else clear
    canvas.paint(face.materials["lens"], clear * lens, rows)
    frame = np.maximum(np.maximum(line, bridge), arm)
    canvas.paint(face.materials["frame"], 0.95 * frame, rows)
    canvas.shade[rows] *= 1 - 0.12 * lens * np.clip(1 + far * 1.5, 0, 1)
    canvas.glass[rows] = np.maximum(lens, frame)
    if canvas.light == "visible" and not dark:
        glare = bump(side - 0.7 + 0.6 * y, 0.3 * y, 0.35, 0.6) * lens
        canvas.surface[:, rows] += 0.12 * glare
