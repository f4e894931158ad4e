"""A person: build, hair, clothes and things carried, and how these are drawn piece by piece on a canvas."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xmodal_lite.synthetic.drawing import pick
from xmodal_lite.synthetic.people import wardrobe
from xmodal_lite.synthetic.people.body import Build, Pose, draw_build, joints, project
from xmodal_lite.synthetic.people.canvas import Canvas
from xmodal_lite.synthetic.people.wardrobe import Material

DOWN = np.array([0, 1, 0], np.float32)  # on the image


@dataclass(frozen=True)
class Person:
    """One identity; it looks the same in every camera."""

    build: Build
    hair: str
    top: str
    outer: str
    bottom: str
    bag: str
    hat: str
    hairline: float  # higher leaves more of the forehead free
    boots: bool
    beard: bool
    loose: float  # how wide trousers and sleeves are, 0 to 1
    materials: dict[str, Material]


def draw_person(seed: int, number: int, gap: float) -> Person:
    """Draw identity ``number`` of the data set ``seed``; ``gap`` changes its infrared appearance only."""
    rng = np.random.default_rng([seed, 30, number])
    bottom = pick(rng, {"trousers": 62, "shorts": 12, "skirt": 9, "long_skirt": 6, "dress": 11})
    face = wardrobe.draw_skin(rng, gap)
    materials = {
        "face": face,
        "skin": replace(face, pattern="plain"),
        "hair": wardrobe.draw_hair(rng, gap),
        "top": wardrobe.draw_cloth(rng, gap, warmth=0.62, seam=rng.random() < 0.4),
        "outer": wardrobe.draw_cloth(rng, gap, patterned=0.35, warmth=0.42, seam=True),
        "bottom": wardrobe.draw_cloth(
            rng, gap, patterned=1.0 if "skirt" in bottom else 0.07, warmth=0.52, sober=True
        ),
        "shoes": wardrobe.draw_hard(rng, gap, warmth=0.3),
        "sole": wardrobe.draw_hard(rng, gap, warmth=0.2),
        "bag": wardrobe.draw_hard(rng, gap, warmth=0.15),
        "hat": wardrobe.draw_cloth(rng, gap, patterned=0.3, warmth=0.4),
    }
    if bottom == "dress":
        materials["bottom"] = materials["top"]
    hair = pick(rng, {"short": 50, "long": 20, "bob": 12, "tail": 10, "bun": 4, "bald": 4})
    return Person(
        build=draw_build(rng),
        hair=hair,
        top=pick(rng, {"tee": 38, "sleeves": 40, "hood": 22}),
        outer=pick(rng, {"none": 55, "jacket": 16, "open": 15, "coat": 8, "vest": 6}),
        bottom=bottom,
        bag=pick(rng, {"none": 42, "backpack": 26, "cross": 17, "hand": 15}),
        hat=pick(rng, {"none": 78, "cap": 11, "beanie": 7, "brim": 4}),
        hairline=rng.uniform(-0.16, 0.08),
        boots=rng.random() < 0.2,
        beard=rng.random() < 0.18 and hair in ("short", "bald") and bottom in ("trousers", "shorts"),
        loose=rng.beta(1.5, 1.8),
        materials=materials,
    )


def draw(person: Person, pose: Pose, scale: np.ndarray, foot: np.ndarray, size: tuple[int, int]) -> Canvas:
    """Draw a person at N moments.

    Parameters
    ----------
    person : Person
        The person.
    pose : Pose
        N moments.
    scale : numpy.ndarray
        (N,) pixels per cm.
    foot : numpy.ndarray
        (N, 2) the pixel (x, y) of the ground below the person.
    size : tuple of int
        (H, W) in pixels.

    Returns
    -------
    Canvas
        Buffers (N, H, W).
    """
    at = joints(person.build, pose)
    at |= _carried(person, at)
    at = project(at, pose, scale, foot)
    canvas = Canvas((len(scale), *size), scale, pose.yaw)
    h = person.build.height / 170
    _legs(canvas, person, at, h)
    _trunk(canvas, person, at, h)
    for side in "lr":
        _arm(canvas, person, at, h, side)
    _head(canvas, person, at, h)
    _bag(canvas, person, at, h)
    return canvas


def _between(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    return a + np.float32(t) * (b - a)


def _carried(person: Person, at: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Find the places (N, 3) in space of hair, bag and straps: sideways, upwards, forwards from a joint, in cm."""
    low, wide = 0.17 * person.build.height, 0.115 * person.build.height * person.build.hips
    deep = 11 * person.build.height / 170 * person.build.girth + 1.5  # of the trunk
    offsets = {
        "back": ("neck", 0, 2 - low, -8 - deep),
        "side": ("hip", wide + 4, -3, 0),
        "held": ("hand_r", 0, -15, 0),
        "strap_top": ("neck", -9, 0, 0),
        "strap_front": ("neck", 2, -4 - low, deep),
        "strap_back": ("neck", 2, -4 - low, -deep),
        "bun": ("head", 0, 6, -10.5),
        "tail": ("head", 0, -8, -11),
        "tail_end": ("head", 0, -26, -13),
        "nape": ("head", 0, -3, -3),
        "locks": ("head", 0, -25, -4.5),
        "collar": ("neck", 0, 1, -3),
    }
    for side, sign in (("l", 1), ("r", -1)):
        offsets[f"strap_over_{side}"] = ("neck", sign * 10, -1, 2)
        offsets[f"strap_front_{side}"] = ("neck", sign * 11, 6 - low, deep * 0.9)
        offsets[f"strap_end_{side}"] = ("neck", sign * 15, -10 - low, deep * 0.6)
    return {name: at[joint] + np.array(offset) for name, (joint, *offset) in offsets.items()}


def _legs(canvas: Canvas, person: Person, at: dict[str, np.ndarray], h: float) -> None:
    girth, loose = person.build.girth, person.loose
    for side in "lr":
        hip, knee, ankle = (at[f"{part}_{side}"] for part in ("hip", "knee", "ankle"))
        thigh, calf, foot = 9.8 * h * girth**0.7, 6.3 * h * girth**0.5, 3.7 * h
        if person.bottom == "trousers":
            at_knee, hem = calf + 0.4 + 2.2 * loose, foot + 0.9 + 4.2 * loose**2
            canvas.limb("bottom", hip, knee, thigh + 0.6, at_knee)
            canvas.limb("bottom", knee, _between(knee, ankle, 0.96), at_knee, hem, along=42)
        else:
            canvas.limb("skin", hip, knee, thigh, calf)
            canvas.limb("skin", knee, _between(knee, ankle, 0.35), calf, calf + 0.3)
            canvas.limb("skin", _between(knee, ankle, 0.35), ankle, calf + 0.3, foot)
        if person.bottom == "shorts":
            end = 0.55 + 0.4 * loose
            canvas.limb("bottom", hip, _between(hip, knee, end), thigh + 0.8, calf + 3.2)
        canvas.limb("shoes", at[f"heel_{side}"], at[f"toe_{side}"], 4.7 * h, 3.9 * h)
        down = DOWN * canvas.scale[:, 0]
        canvas.limb(
            "sole", at[f"heel_{side}"] + 2.4 * h * down, at[f"toe_{side}"] + 2.2 * h * down, 2.8 * h, 2.4 * h
        )
        if person.boots and person.bottom != "trousers":
            canvas.limb("shoes", ankle, _between(ankle, knee, 0.5), foot + 1.2, calf + 0.8)


def _torso(build: Build, h: float) -> np.ndarray:
    """Return the profile (9, 3) of the bare trunk from neck to hips, see :meth:`Canvas.column`."""
    g, deep = build.girth, 11.0 * h * build.girth
    shoulders, waist, hips = 18.5 * h * build.shoulders, 14.0 * h * g, 15.5 * h * build.hips * g**0.5
    return np.array(
        [
            [0.0, 6.4, 6.4],
            [0.03, 8.5, 7.5],
            [0.06, shoulders * 0.7, 8.5 * h],
            [0.1, shoulders * 0.9, 9.5 * h],
            [0.17, shoulders, 10.5 * h * g**0.5],
            [0.36, 0.5 * (shoulders + waist) + 1, deep],
            [0.66, waist, deep * 0.95],
            [0.93, hips, deep * 1.02],
            [1.0, hips, deep],
        ]
    )


def _trunk(canvas: Canvas, person: Person, at: dict[str, np.ndarray], h: float) -> None:
    body = _torso(person.build, h)
    waist, (hips, deep) = body[6, 1], body[8, 1:]
    canvas.limb("skin", at["neck"], at["chin"], 6.0 * h, 5.6 * h)
    seat = np.array([[0, waist, deep * 0.9], [0.6, hips, deep], [1, hips * 0.8, deep * 0.9]])
    canvas.column("bottom", at["waist"], at["crotch"], seat)
    if person.bottom in ("skirt", "long_skirt", "dress"):
        _skirt(canvas, person, at, waist, hips, deep)
    end = {"tee": 1.0, "sleeves": 1.05, "hood": 1.08}[person.top] if person.bottom != "dress" else 0.8
    hem = _between(at["neck"], at["hip"], end)
    canvas.column("top", at["neck"], hem, body + np.array([0, 0.6, 0.6]), near=4, drop=2.0)
    if person.top == "hood":
        canvas.ball("top", at["collar"], (9.2 * h, 7.0 * h, 9.2 * h))
    if person.outer != "none":
        _outer(canvas, person, at, body + np.array([0, 2.2, 2.2]))


def _skirt(
    canvas: Canvas, person: Person, at: dict[str, np.ndarray], waist: float, hips: float, deep: float
) -> None:
    low = {"skirt": -0.1, "long_skirt": 0.72, "dress": 0.1}[person.bottom]  # from the knees down
    flare = 1.0 + 0.45 * person.loose + 0.15 * (person.bottom == "long_skirt")
    knees, ankles = (_between(at[f"{part}_l"], at[f"{part}_r"], 0.5) for part in ("knee", "ankle"))
    profile = np.array(
        [[0, waist, deep], [0.3, hips + 1, deep + 1], [1, hips * flare + 3, (deep + 5) * flare]]
    )
    canvas.column("bottom", at["waist"], _between(knees, ankles, low), profile, near=13, drop=2.5)


def _outer(canvas: Canvas, person: Person, at: dict[str, np.ndarray], profile: np.ndarray) -> None:
    opening = (0.6, 0.5) if person.outer in ("open", "vest") else (0.75, -2.5)
    if person.outer != "coat":
        hem = _between(at["neck"], at["hip"], {"jacket": 1.1, "open": 1.15, "vest": 1.0}[person.outer])
        canvas.column("outer", at["neck"], hem, profile, near=6, drop=3.0, opening=opening)
        return
    hips, knees = (_between(at[f"{part}_l"], at[f"{part}_r"], 0.5) for part in ("hip", "knee"))
    profile[:, 0] *= 0.56  # the trunk is the upper part of a coat
    profile[-1] = [1.0, profile[-1, 1] * (1.1 + 0.3 * person.loose), profile[-1, 2] * 1.3]
    canvas.column(
        "outer", at["neck"], _between(hips, knees, 0.95), profile, near=16, drop=3.0, opening=opening
    )


def _arm(canvas: Canvas, person: Person, at: dict[str, np.ndarray], h: float, side: str) -> None:
    shoulder, elbow, wrist, hand = (at[f"{part}_{side}"] for part in ("shoulder", "elbow", "wrist", "hand"))
    upper, lower = 5.1 * h * person.build.girth**0.6, 3.9 * h * person.build.girth**0.4
    covered = person.outer in ("jacket", "open", "coat")
    cloth, room = ("outer", 1.6) if covered else ("top", 0.5 + 0.9 * person.loose)
    canvas.limb("skin", wrist, hand, 2.9 * h, 3.3 * h)
    if person.top == "tee" and not covered:
        canvas.limb("skin", shoulder, elbow, upper, lower)
        canvas.limb("skin", elbow, wrist, lower, 2.8 * h)
        canvas.limb(cloth, shoulder, _between(shoulder, elbow, 0.62), upper + 0.8, upper + 1.0 + person.loose)
        return
    canvas.limb(cloth, shoulder, elbow, upper + room, lower + room)
    canvas.limb(cloth, elbow, _between(elbow, wrist, 0.98), lower + room, 3.3 * h + room, along=28)


def _head(canvas: Canvas, person: Person, at: dict[str, np.ndarray], h: float) -> None:
    head = at["head"]
    size = 11.6 * h**0.5
    canvas.ball("face", head, (7.7 * h, size, 9.2 * h))
    hair = (8.5 * h, size * 1.07, 10.2 * h)
    if person.hair != "bald":
        canvas.ball("hair", head, hair, cut=(-0.6, 0.8, person.hairline))
    if person.hair == "bob":
        canvas.ball("hair", at["nape"], (10.2 * h, 12.5, 9.6 * h), cut=(-1.0, 0.0, -0.15))
    if person.hair == "long":
        lock = np.array([[0, 9.4, 8.5], [0.6, 10.2, 7.5], [1, 8.0, 5.5]])
        canvas.column("hair", at["nape"], at["locks"], lock, near=-2.0, drop=3)
    if person.hair == "tail":
        canvas.limb("hair", at["tail"], at["tail_end"], 3.6, 2.2)
    if person.hair == "bun":
        canvas.ball("hair", at["bun"], (5, 5, 5))
    if person.beard:
        canvas.ball("hair", head, (8.1 * h, size * 1.04, 9.7 * h), cut=(0.45, -0.89, 0.76))
    if person.hat == "beanie":
        canvas.ball("hat", head, (9.3 * h, size * 1.16, 10.9 * h), cut=(-0.3, 0.95, 0.28))
    if person.hat == "cap":
        canvas.ball("hat", head, (9.2 * h, size * 1.12, 10.8 * h), cut=(-0.2, 1.0, 0.42))
        canvas.ball("hat", head - DOWN * canvas.scale[:, 0] * 5, (8.5, 1.8, 18), cut=(1, 0, 0.1))
    if person.hat == "brim":
        canvas.ball("hat", head, (9.2 * h, size * 1.18, 10.8 * h), cut=(-0.1, 1.0, 0.4))
        canvas.ball("hat", head - DOWN * canvas.scale[:, 0] * 5, (17, 2.6, 18))


def _bag(canvas: Canvas, person: Person, at: dict[str, np.ndarray], h: float) -> None:
    if person.bag == "backpack":
        canvas.ball("bag", at["back"], (14.5, 23, 9.5), boxy=True)
        for side in "lr":
            over, front, end = (at[f"strap_{name}_{side}"] for name in ("over", "front", "end"))
            canvas.limb("bag", over, front, 2.6, 2.6, near=7)
            canvas.limb("bag", front, end, 2.6, 2.0, near=7)
    if person.bag == "cross":
        canvas.ball("bag", at["side"], (6, 11, 14), boxy=True)
        for face in ("strap_front", "strap_back"):
            canvas.limb("bag", at["strap_top"], at[face], 1.7, 1.7, near=13)
            canvas.limb("bag", at[face], at["side"], 1.7, 1.7, near=13)
    if person.bag == "hand":
        canvas.ball("bag", at["held"], (6.5, 12, 15), boxy=True)
