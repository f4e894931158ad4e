"""What people wear: colours, patterns, near-infrared reflectance and warmth of skin, hair, cloth, leather.

A dye's colour says little about what it reflects beyond 800 nm: black cotton may be bright there and a
print may vanish. Each material therefore has its own near-infrared reflectance; ``gap`` mixes it with
the luminance of its colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xmodal_lite.synthetic.drawing import LUMINANCE, draw_colour, look_up

_PATTERNS = {"plain": 42, "stripes": 17, "pinstripes": 6, "checks": 13, "dots": 6, "print": 7, "logo": 9}


@dataclass(frozen=True)
class Material:
    """One material in every light; index 0 is the ground and 1 the pattern's other tone."""

    colour: np.ndarray  # (2, 3) linear reflectance
    near: np.ndarray  # (2,) linear reflectance in the near infrared, already mixed by gap
    heat: np.ndarray  # (2,) warmth, 0 (as the surroundings) to 1 (as skin), already mixed by gap
    pattern: str = "plain"
    period: float = 8.0  # cm
    duty: float = 0.5  # share of the other tone
    folds: float = 0.0  # how deep the cloth is creased
    place: tuple[float, float] = (0.0, 0.0)  # of the pattern, cm
    seam: bool = False  # a zip or a row of buttons down the front


def _independent(rng: np.random.Generator) -> float:
    """Draw a near-infrared reflectance: most dyes are clear there, carbon black and some synthetics are not."""
    return float(rng.beta(4, 2.5)) * 0.9 if rng.random() < 0.65 else float(rng.uniform(0.02, 0.3))


def make(
    colours: np.ndarray, near: tuple[float, float], heat: tuple[float, float], gap: float, **cloth: object
) -> Material:
    """Put a material together: ``near`` and ``heat`` hold at gap 1, at gap 0 the luminance of ``colours`` (2, 3)."""
    luminance = colours @ LUMINANCE
    mixed = [(1 - gap) * luminance + gap * np.asarray(own) for own in (near, heat)]
    return Material(colours.astype(np.float32), *(m.astype(np.float32) for m in mixed), **cloth)  # type: ignore[arg-type]


def draw_cloth(
    rng: np.random.Generator,
    gap: float,
    patterned: float = 1.0,
    warmth: float = 0.5,
    sober: bool = False,
    seam: bool = False,
) -> Material:
    """Draw a cloth.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draw; the same numbers are used up at any ``gap``.
    gap : float
        0 (infrared shows the luminance) to 1 (its own reflectance).
    patterned : float
        Chance, as a share of the usual one, that the cloth is not plain.
    warmth : float
        Mean warmth in thermal infrared: thin cloth is warm, a coat is not.
    sober : bool
        Whether to draw from the colours of trousers.
    seam : bool
        Whether the garment opens at the front.

    Returns
    -------
    Material
        With a fading print: the contrast of the pattern in infrared is a random share of the visible one.
    """
    names, weights = list(_PATTERNS), np.array(list(_PATTERNS.values()), float)
    weights[1:] *= patterned
    weights[names.index("logo")] *= not sober
    pattern = names[rng.choice(len(names), p=weights / weights.sum())]
    ground = draw_colour(rng, sober)
    other = max(
        (draw_colour(rng) for _ in range(2)), key=lambda c: np.abs(np.sqrt(c) - np.sqrt(ground)).sum()
    )
    colours = np.stack([ground, other])
    near, fading = _independent(rng), rng.uniform(-0.2, 0.75)
    contrast = float((other - ground) @ LUMINANCE) * (1 - fading if rng.random() < 0.5 else fading - 0.5)
    heat = float(np.clip(rng.normal(warmth, 0.13), 0.12, 0.85))
    thick = rng.normal(0, 0.05)
    period = {"pinstripes": rng.uniform(2.6, 5), "dots": rng.uniform(5, 9), "print": rng.uniform(6, 14)}
    return make(
        colours, (near, float(np.clip(near + contrast, 0.03, 0.95))), (heat, heat + thick), gap,
        pattern=pattern, period=period.get(pattern, rng.uniform(5, 15)), duty=rng.uniform(0.28, 0.6),
        folds=rng.uniform(0.5, 1.3), place=(rng.uniform(0, 100), rng.uniform(0, 100)), seam=seam,
    )  # fmt: skip


def draw_skin(rng: np.random.Generator, gap: float) -> Material:
    """Draw a complexion, bright in the near infrared whatever it is; the other tone is that of eyes and mouth."""
    tone = rng.beta(1.6, 2.0)
    shade = np.array([0.90, 0.72, 0.62]) * (1 - tone) + np.array([0.42, 0.28, 0.21]) * tone
    colours = np.stack([shade, shade * [0.36, 0.28, 0.28]]) ** 2
    near = rng.normal(0.56, 0.05)
    return make(colours, (near, near * 0.3), (0.97, 0.9), gap, pattern="face")


def draw_hair(rng: np.random.Generator, gap: float) -> Material:
    """Draw a hair colour: dark more often than not, and greyish in the near infrared."""
    tones = (
        np.array([[26, 22, 22], [44, 32, 26], [78, 54, 38], [140, 104, 66], [150, 146, 142], [120, 60, 36]])
        / 255
    )
    shade = tones[rng.choice(6, p=[0.42, 0.26, 0.14, 0.08, 0.06, 0.04])] * rng.normal(1, 0.08)
    colours = np.stack([shade, shade * 0.8]) ** 2
    near = rng.uniform(0.06, 0.3)
    return make(colours, (near, near), (0.6, 0.6), gap, folds=0.8)


def draw_hard(rng: np.random.Generator, gap: float, warmth: float) -> Material:
    """Draw leather, rubber or canvas of shoes and bags, with a trim."""
    ground = draw_colour(rng)
    dark = rng.random() < 0.45
    ground = np.array([0.012, 0.012, 0.014]) if dark else ground
    colours = np.stack([ground, np.clip(ground * 0.5 + 0.35 * (rng.random() < 0.4), 0, 0.9)])
    near = _independent(rng)
    heat = float(np.clip(rng.normal(warmth, 0.08), 0.05, 0.8))
    return make(colours, (near, near * rng.uniform(0.5, 1.2)), (heat, heat), gap, pattern="trim", folds=0.2)


def weave(cloth: Material, u: np.ndarray, v: np.ndarray, chest: np.ndarray) -> np.ndarray:
    """Share of the other tone at places (u, v) in cm, each (M,); ``chest`` (M,) marks where a logo may be."""
    du, dv = cloth.place
    if cloth.pattern == "stripes":
        return _bands(u + du, cloth.period, cloth.duty)
    if cloth.pattern == "pinstripes":
        return _bands(v + dv, cloth.period, 0.3)
    if cloth.pattern == "checks":
        return 0.5 * (_bands(u + du, cloth.period, cloth.duty) + _bands(v + dv, cloth.period, cloth.duty))
    if cloth.pattern == "dots":
        row = np.floor((u + du) / cloth.period)
        y, x = (u + du) / cloth.period - row - 0.5, (v + dv) / cloth.period + 0.5 * row
        x -= np.floor(x) + 0.5
        return np.clip(3.2 * (0.34 - np.sqrt(x * x + y * y)) + 0.5, 0, 1)
    if cloth.pattern == "print":
        scale = 26 / cloth.period
        return np.clip(
            2.5 * look_up((u + du) * scale + 500, (v + dv) * scale + 500) + 1.3 * (cloth.duty - 0.5), 0, 1
        )
    if cloth.pattern == "logo":
        y, x = (u - 23) / 8, v / (6 + 8 * cloth.duty)
        mark = np.clip(
            6 * (1 - x * x - y * y) if cloth.duty > 0.42 else 6 * (1 - np.maximum(x * x, 4 * y * y)), 0, 1
        )
        bars = _bands(u * cloth.duty + 2 * v * (cloth.duty - 0.44) + du, 4.5, 0.62)
        return mark * bars * chest
    if cloth.pattern == "face":
        side = np.abs(v)
        eyes = np.exp(-(((side - 3.3) / 1.3) ** 2) - ((u + 1.2) / 0.7) ** 2)
        brows = np.exp(-(((side - 3.4) / 1.9) ** 2) - ((u + 3.2) / 0.6) ** 2)
        mouth = np.exp(-((side / 2.2) ** 2) - ((u - 5.6) / 0.7) ** 2)
        nose = np.exp(-((side / 1.2) ** 2) - ((u - 2.6) / 0.9) ** 2)
        return np.minimum(eyes + 0.75 * brows + 0.6 * mouth + 0.45 * nose, 1)
    if cloth.pattern == "trim":
        return _bands(u + 4, 16, 0.18)
    return np.zeros_like(u)


def _bands(x: np.ndarray, period: float, duty: float) -> np.ndarray:
    """Bands of a share ``duty`` of each period, with soft edges about 0.7 cm wide."""
    x = x / period
    x = np.abs(x - np.floor(x) - 0.5)  # 0 in the middle of a band
    return np.clip((duty / 2 - x) * (period / 0.7) + 0.5, 0, 1)
