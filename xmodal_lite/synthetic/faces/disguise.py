"""What somebody puts on so as not to be recognised: sunglasses, a mask over mouth and nose, a wig."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xmodal_lite.synthetic.drawing import pick
from xmodal_lite.synthetic.faces.canvas import Canvas
from xmodal_lite.synthetic.faces.identity import Face, mix

DISGUISES = ("sunglasses", "mask", "wig")
_WIGS = {"long": 30.0, "bob": 30.0, "curls": 20.0, "short": 20.0}
_WIG_COLOURS = np.array([(20, 18, 18), (205, 170, 110), (120, 52, 28), (150, 150, 155)])  # sRGB


def wear(face: Face, disguise: str, gap: float, rng: np.random.Generator) -> Face:
    """Return a face that wears a disguise.

    Parameters
    ----------
    face : Face
        The face.
    disguise : str
        One of `DISGUISES`, or "" for none.
    gap : float
        As for the face. A disguise has another reflectance in each kind of light, too.
    rng : numpy.random.Generator
        Source of the form of sunglasses, of the mask's colour, and of hair style and colour of the wig.

    Raises
    ------
    ValueError
        The disguise is unknown.
    """
    if not disguise:
        return face
    if disguise == "sunglasses":
        dark = mix(gap, np.full(3, 0.012), 0.03, 0.2, 0.04)
        form = pick(rng, {"square": 60.0, "round": 40.0})
        return replace(face, glasses=form, materials=face.materials | {"lens": dark}, worn=disguise)
    if disguise == "mask":
        shade = np.array([(0.32, 0.5, 0.6), (0.62, 0.62, 0.6), (0.02, 0.02, 0.022)])[rng.integers(3)]
        cloth = mix(gap, shade, rng.uniform(0.4, 0.7), 0.55, rng.uniform(0.6, 0.9))
        return replace(face, materials=face.materials | {"mask": cloth}, worn=disguise)
    if disguise == "wig":
        shade = (_WIG_COLOURS[rng.integers(len(_WIG_COLOURS))] / 255) ** 2
        hair = mix(gap, shade, rng.uniform(0.05, 0.5), 0.45, rng.uniform(0.05, 0.6))
        style = pick(rng, {name: share for name, share in _WIGS.items() if name != face.hair})
        return replace(
            face,
            hair=style,
            fringe=float(rng.uniform(1.5, 3.2)),
            sweep=float(rng.normal(0, 0.13)),
            volume=float(rng.uniform(1.0, 1.4)),
            parting=float(rng.choice([0.0, -2.6, 2.6])),
            wavy=1.0 if style == "curls" else float(rng.beta(1, 2.2)),
            materials=face.materials | {"hair": hair},
            worn=disguise,
        )
    raise ValueError(f"unknown disguise {disguise!r}; known: {', '.join(DISGUISES)}")


def draw_mask(canvas: Canvas, face: Face) -> None:
    """Draw the mask, if the face wears one: from the ridge of the nose to below the chin, held behind the ears."""
    if face.worn != "mask":
        return
    m = face.measure
    rows = canvas.rows(-1, 14)
    u, v = canvas.u[rows], canvas.v[rows]
    top = 0.38 * m("nose") + 0.035 * u * u
    low = m("chin") + 0.9 - 0.05 * u * u
    side = 0.92 * m("cheek") - 0.03 * (v - 4) ** 2 - np.abs(u)
    share = canvas.cover(np.minimum(np.minimum(v - top, low - v), side), 0.2)
    loop = canvas.cover(0.12 - np.abs(v - 3.2 + 0.35 * (np.abs(u) - 6)), 0.15) * (side < 0.3)
    share = np.maximum(share, loop * canvas.cover(m("side") - np.abs(canvas.x[rows])))
    canvas.paint(face.materials["mask"], share, rows)
    mound = 7.9 * np.sqrt(np.maximum(1 - (u / 9) ** 2 - ((v - 5) / 12) ** 2, 0))
    canvas.height[rows] += share * (mound - canvas.height[rows])
    folds = 1 - 0.08 * np.clip(np.sin(3.5 * (v - 0.05 * u * u)), 0, 1)
    canvas.shade[rows] += share * (folds - canvas.shade[rows])
    canvas.hair[rows] *= 1 - share
