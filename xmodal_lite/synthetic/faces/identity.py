"""What stays the same about a face: its measures, hair and glasses, and what it reflects or gives off.

A face is a vector of standard-normal traits; a table turns each into a measure in cm. A sketch exaggerates: it
multiplies the traits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xmodal_lite.synthetic.drawing import LUMINANCE, draw_colour, pick

LIGHTS = ("visible", "near", "thermal", "sketch")
Material = dict[str, np.ndarray]  # linear reflectance in each of LIGHTS: (3,) in visible light, (1,) else

_MEASURES = {  # mean, standard deviation, shift of a soft face (in deviations); origin between the eyes, y downwards
    "chin": (10.6, 0.5, -0.5), "jaw": (8.95, 0.5, -0.7), "cheek": (7.75, 0.33, -0.2), "side": (7.35, 0.25, -0.3),
    "temple": (8.45, 0.28, 0.0), "crown": (10.1, 0.3, 0.0), "top": (11.2, 0.4, 0.0),  # radii of the outline
    "eye_place": (3.15, 0.24, 0.0), "eye_wide": (1.58, 0.13, 0.2), "eye_open": (0.6, 0.12, 0.5),
    "eye_low": (0.36, 0.06, 0.0), "eye_tilt": (0.05, 0.07, 0.3), "fold": (0.42, 0.2, 0.2), "iris": (0.64, 0.03, 0.3),
    "brow": (-2.0, 0.28, -0.5), "brow_thick": (0.44, 0.13, -0.8), "brow_arch": (0.4, 0.24, 0.5),
    "brow_tilt": (0.0, 0.09, 0.0), "brow_long": (2.2, 0.22, 0.0), "brow_gap": (1.0, 0.25, 0.2),
    "nose": (4.35, 0.4, -0.3), "nostrils": (1.6, 0.25, -0.5), "bridge": (0.75, 0.15, -0.3),
    "tip": (1.0, 0.15, -0.2), "nose_out": (2.0, 0.4, -0.3),
    "mouth": (2.65, 0.27, 0.0), "mouth_wide": (2.45, 0.28, -0.1), "lip_up": (0.46, 0.15, 0.4),
    "lip_low": (0.68, 0.17, 0.4), "bow": (0.13, 0.07, 0.2), "corner": (0.08, 0.15, 0.2),
    "chin_out": (0.55, 0.3, -0.4), "cleft": (-0.1, 0.2, -0.5), "cheek_out": (0.5, 0.3, 0.2), "lean": (0.4, 0.3, 0.0),
    "ear": (3.0, 0.28, -0.3), "ear_out": (0.75, 0.3, -0.2), "ear_y": (1.5, 0.45, 0.0),
    "hairline": (-6.0, 0.6, 0.2), "forehead": (6.5, 0.35, 0.0), "neck": (4.6, 0.4, -1.0),
}  # fmt: skip
_SKINS = np.array(
    [(241, 209, 190), (229, 188, 160), (212, 165, 130), (186, 136, 101), (146, 99, 71), (98, 64, 47)]
)
_HAIRS = np.array(
    [(24, 21, 22), (46, 33, 27), (82, 57, 40), (132, 92, 56), (186, 148, 96), (130, 62, 34)]
)  # black, dark brown, brown, light brown, blond, red
_IRISES = np.array([(60, 36, 22), (92, 58, 32), (92, 96, 60), (92, 124, 150), (116, 126, 130)])
STYLES = {  # rise above the crown, thickness at the sides and down to where at the sides, in cm; None ends at the ears
    "cropped": (0.35, 0.2, None), "short": (1.1, 0.5, None), "quiff": (2.1, 0.5, None), "afro": (2.8, 2.2, None),
    "bob": (1.1, 1.5, 9.5), "long": (1.0, 1.6, 30.0), "tied": (0.5, 0.25, None), "curls": (1.7, 2.1, 12.0),
    "ring": (-0.3, 0.35, None), "bald": (-1.0, -1.0, None),
}  # fmt: skip


@dataclass(frozen=True)
class Face:
    """One identity."""

    traits: dict[str, float]  # standard normal, one for each of the measures
    soft: float  # 0 to 1, of the face: shifts some measures
    age: float  # 0 (young) to 1 (old): creases, grey hair
    hair: str  # one of STYLES
    fringe: float  # how far hair falls into the forehead, in cm
    sweep: float  # how much more so on one side
    volume: float  # of hair, as a share of the style's usual thickness
    parting: float  # where hair parts, in cm from the middle
    wavy: float  # 0 (straight) to 1
    beard: str  # "none", "stubble", "moustache", "goatee" or "full"
    glasses: str  # "none", "round", "square" or "half"
    collar: str  # "crew", "shirt" or "open"
    marks: tuple[tuple[float, float, float], ...]  # moles: x, y and radius in cm
    veins: tuple[float, ...]  # where and how warm vessels lie under the skin, in tile pixels
    cool: tuple[float, ...]  # how much colder nose, cheeks and ears are than the rest
    materials: dict[str, Material]
    worn: str = ""  # one of disguise.DISGUISES, or nothing

    def measure(self, name: str) -> float:
        """Measure in cm (``eye_tilt``, ``brow_tilt`` and ``corner`` are slopes or rises)."""
        mean, deviation, shift = _MEASURES[name]
        return mean + deviation * (self.traits[name] + shift * (2 * self.soft - 1))


def draw_face(seed: int, number: int, gap: float) -> Face:
    """Draw identity ``number`` of the data set ``seed``; ``gap`` changes its second modality only."""
    rng = np.random.default_rng([seed, 40, number])
    traits = dict(zip(_MEASURES, rng.normal(0, 1, len(_MEASURES)).clip(-2.2, 2.2).tolist(), strict=True))
    woman = rng.random() < 0.5
    soft = float(rng.beta(4, 1.8) if woman else rng.beta(1.8, 4))
    age = float(rng.beta(1.4, 1.9))
    short = {"cropped": 14, "short": 40, "quiff": 16, "afro": 6, "ring": 5 + 9 * age, "bald": 7, "long": 5}
    styled = {"bob": 22, "long": 34, "tied": 18, "curls": 14, "short": 8, "afro": 4}
    hair = pick(rng, styled if woman else short)
    plain = {"none": 100.0}
    beard = pick(
        rng, plain if woman else {"none": 55, "stubble": 16, "moustache": 8, "goatee": 8, "full": 13}
    )
    glasses = pick(rng, {"none": 74 - 20 * age, "round": 8, "square": 12, "half": 6})
    fringe = rng.choice([0.0, rng.uniform(0.3, 1.2), rng.uniform(2, 3.2)], p=[0.55, 0.25, 0.2])
    marks = np.stack([rng.uniform(-6, 6, 4), rng.uniform(-5, 9, 4), rng.uniform(0.08, 0.2, 4)], 1)
    return Face(
        traits=traits,
        soft=soft,
        age=age,
        hair=hair,
        fringe=float(fringe) if hair in ("short", "bob", "long", "curls") else 0.0,
        sweep=float(rng.normal(0, 0.13)),
        volume=float(np.clip(rng.normal(1, 0.22), 0.5, 1.5)),
        parting=float(rng.choice([0.0, -2.6, 2.6]) + rng.normal(0, 0.4)),
        wavy=float(1 if hair in ("curls", "afro") else rng.beta(1, 2.2)),
        beard=beard,
        glasses=glasses,
        collar=pick(rng, {"crew": 45, "shirt": 35, "open": 20}),
        marks=tuple(map(tuple, marks[: rng.choice(5, p=[0.45, 0.25, 0.15, 0.1, 0.05])].tolist())),
        veins=tuple(rng.uniform(0, 128, 4).tolist()),
        cool=tuple(rng.uniform([0.1, 0.0, 0.0], [0.45, 0.2, 0.4]).tolist()),
        materials=_materials(rng, gap, age, woman),
    )


def exaggerate(face: Face, amount: float, slip: float, rng: np.random.Generator) -> Face:
    """Multiply the traits by 1 + ``amount`` and add errors of standard deviation ``slip``, to the hair too."""
    errors = rng.normal(0, slip, len(face.traits)) if slip else np.zeros(len(face.traits))
    traits = {
        name: float(np.clip((1 + amount) * trait + error, -3.2, 3.2))
        for (name, trait), error in zip(face.traits.items(), errors, strict=True)
    }
    fringe, sweep, parting, volume = slip * rng.normal(0, [0.8, 0.15, 0.8, 0.35])
    return replace(
        face,
        traits=traits,
        fringe=float(max(face.fringe + fringe, 0)),
        sweep=float(face.sweep + sweep),
        parting=float(face.parting + parting),
        volume=float(np.clip(face.volume + volume, 0.5, 1.6)),
    )


def mix(
    gap: float,
    shade: np.ndarray,
    near: float | None = None,
    heat: float | None = None,
    tone: float | None = None,
) -> Material:
    """Make a material of a linear ``shade`` (3,); at gap 1 the other lights show the given values, at 0 luminance.

    A value that is None shows the luminance at any gap.
    """
    light = float(shade @ LUMINANCE)
    own = {"near": near, "thermal": heat and heat**2, "sketch": tone}
    mixed = {name: light if value is None else (1 - gap) * light + gap * value for name, value in own.items()}
    return {"visible": shade.astype(np.float32)} | {k: np.array([v], np.float32) for k, v in mixed.items()}


def _between(palette: np.ndarray, place: float) -> np.ndarray:
    """Linear reflectance (3,) at a place 0..1 along a palette (K, 3) of sRGB colours."""
    steps = np.linspace(0, 1, len(palette))
    return (np.array([np.interp(place, steps, channel) for channel in palette.T]) / 255) ** 2


def _materials(rng: np.random.Generator, gap: float, age: float, woman: bool) -> dict[str, Material]:
    """Draw what each part of a face reflects, and how warm it is."""
    skin = _between(_SKINS, rng.beta(1.15, 1.5)) * rng.normal(1, 0.03, 3)
    shade = (_HAIRS[rng.choice(6, p=[0.34, 0.24, 0.18, 0.1, 0.09, 0.05])] / 255) ** 2 * rng.normal(1, 0.12)
    grey = float(np.clip(2.6 * (age - 0.55) + rng.normal(0, 0.2), 0, 1))
    hair = shade + grey * (np.array([0.42, 0.42, 0.43]) - shade)
    brows = shade + 0.6 * grey * (np.array([0.3, 0.3, 0.3]) - shade)
    iris = (_IRISES[rng.choice(5, p=[0.38, 0.26, 0.12, 0.15, 0.09])] / 255) ** 2 * rng.normal(1, 0.1)
    made_up = woman and rng.random() < 0.45
    rouge = np.array([0.36, 0.05, 0.07]) * rng.uniform(0.6, 1.3) + rng.uniform(0, 0.05, 3)
    lips = skin * [0.78, 0.5, 0.48] + (0.55 * made_up) * (rouge - skin * [0.78, 0.5, 0.48])
    near = rng.normal(0.62, 0.03)
    strands, drawn = rng.uniform(0.04, 0.34), rng.uniform(0.04, 0.4)
    frame = np.array([(20, 20, 22), (64, 40, 28), (120, 120, 124), (110, 30, 34), (36, 44, 80)])
    frame = (frame[rng.choice(5, p=[0.45, 0.2, 0.2, 0.08, 0.07])] / 255) ** 2
    cloth, second = draw_colour(rng), draw_colour(rng)
    warm = rng.normal(0.42, 0.05)
    return {
        "skin": mix(gap, skin, near, 0.84, 0.74),
        "lips": mix(gap, lips, 0.88 * near, 0.83, 0.3),
        "blush": mix(gap, skin * [0.98, 0.76, 0.74], near, 0.8, 0.7),
        "crease": mix(gap, skin * [0.6, 0.48, 0.45], 0.75 * near, 0.84, 0.3),
        "mole": mix(gap, skin * [0.3, 0.22, 0.2], 0.7 * near, 0.8, 0.3),
        "hair": mix(gap, hair, strands, warm, drawn),
        "brows": mix(gap, 0.9 * brows + 0.06 * skin, 0.6 * strands + 0.12, 0.76, 0.7 * drawn),
        "lash": mix(gap, 0.25 * brows, 0.05, 0.78, 0.02),
        "white": mix(gap, np.array([0.66, 0.63, 0.6]), 0.42, 0.88, 0.85),
        "iris": mix(gap, iris, rng.uniform(0.18, 0.34), 0.87, 0.2),
        "pupil": mix(gap, np.full(3, 0.004), 0.008, 0.87, 0.01),
        "teeth": mix(gap, np.array([0.66, 0.62, 0.54]), 0.42, 0.76, 0.9),
        "mouth": mix(gap, np.array([0.09, 0.02, 0.02]), 0.1, 0.9, 0.03),
        "frame": mix(gap, frame, rng.uniform(0.02, 0.3), 0.22, 0.02),
        "lens": mix(gap, 0.85 * skin + 0.06, 0.8 * near, 0.2, 0.75),
        "cloth": mix(gap, cloth, rng.beta(3, 3), 0.34, rng.uniform(0.15, 0.9)),
        "trim": mix(gap, second, rng.beta(3, 3), 0.38, rng.uniform(0.15, 0.9)),
    }
