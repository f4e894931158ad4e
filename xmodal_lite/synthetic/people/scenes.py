"""Places that cameras look at: floors in perspective, walls, furniture, hedges, with light and shade.

A scene is a wide strip from which images are cut at the place where a person happens to be. It is drawn
once for each camera: what surfaces reflect in visible and near-infrared light, how warm they are, how much
light falls on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xmodal_lite.synthetic.drawing import LUMINANCE, noise

HEIGHT, WIDTH = 368, 960  # pixels of a scene
_GREENS, _WOODS = (
    ((62, 92, 46), (48, 78, 42), (86, 110, 58)),
    ((150, 112, 74), (104, 74, 50), (184, 152, 112)),
)


@dataclass
class Scene:
    """What a camera sees without people; arrays of HEIGHT x WIDTH, linear."""

    colour: np.ndarray  # (3, H, W) reflectance
    near: np.ndarray  # (H, W) reflectance in the near infrared
    heat: np.ndarray  # (H, W) warmth, 0 to 1
    light: np.ndarray  # (H, W) light that falls on the surfaces, about 1


def draw_scene(seed: int, place: int, kind: str, gap: float) -> Scene:
    """Draw a place.

    Parameters
    ----------
    seed, place : int
        Seed of the data set, and the number of the place in it; two cameras in one room have the same number.
    kind : str
        "corridor", "room", "street" or "garden".
    gap : float
        0 (infrared reflects as the luminance) to 1 (on its own).

    Returns
    -------
    Scene
        The same at every call.
    """
    rng = np.random.default_rng([seed, 31, place])
    painter = _Painter(rng, gap)
    {"corridor": _corridor, "room": _room, "street": _street, "garden": _garden}[kind](painter)
    return painter.scene()


Region = tuple[tuple[slice, slice], np.ndarray]  # rows and columns, and the share 0..1 of each pixel in them
ALL = (slice(None), slice(None))


class _Painter:
    """Paints surfaces on a strip, in visible, near-infrared and thermal at once."""

    def __init__(self, rng: np.random.Generator, gap: float) -> None:
        self.rng, self.gap = rng, gap
        h, w = HEIGHT, WIDTH
        self.colour, self.near = np.zeros((3, h, w), np.float32), np.zeros((h, w), np.float32)
        self.heat, self.light = np.full((h, w), 0.2, np.float32), np.ones((h, w), np.float32)
        self.y, self.x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None, :]
        self.floor = rng.uniform(110, 150)
        self.vanish = (rng.uniform(0.3, 0.7) * WIDTH, self.floor - rng.uniform(130, 190))

    def paint(
        self,
        where: Region,
        shade: tuple[float, ...] | np.ndarray,
        near: float | None = None,
        heat: float = 0.2,
    ) -> None:
        """Paint ``shade`` (sRGB 0..255) on a region; ``near`` (0..1) is drawn if not given."""
        window, share = where
        colour = ((np.asarray(shade) / 255) ** 2).astype(np.float32)
        own = self.rng.beta(3, 3.5) if near is None else near
        mixed = (1 - self.gap) * colour @ LUMINANCE + self.gap * own
        for plane, value in zip((*self.colour, self.near, self.heat), (*colour, mixed, heat), strict=True):
            plane[window] += share * (np.float32(value) - plane[window])

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Region:
        """Region of a rectangle, with edges as soft as an optical image."""
        rows, columns = (
            slice(max(int(low) - 1, 0), max(int(high) + 2, 0)) for low, high in ((y0, y1), (x0, x1))
        )
        y, x = self.y[rows], self.x[:, columns]
        inside = np.minimum(np.minimum(x - x0, x1 - x), np.minimum(y - y0, y1 - y))
        return (rows, columns), np.clip(inside / 0.7 + 0.5, 0, 1).astype(np.float32)

    def where(self, share: np.ndarray) -> Region:
        """Region given by a share 0..1 for every pixel of the strip, or of its rows."""
        return ALL, np.broadcast_to(np.asarray(share, np.float32), self.near.shape)

    def dim(self, region: Region, dark: float | np.ndarray) -> None:
        """Take a share ``dark`` of the light from a region."""
        self.light[region[0]] *= (1 - dark * region[1]).astype(np.float32)

    def rough(self, where: np.ndarray, cell: float, depth: float) -> None:
        """Vary what a surface reflects."""
        self.tone(1 + depth * noise(*self.near.shape, cell, self.rng).clip(-2.5, 2.5) * where)

    def plane(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the floor is, and its coordinates sideways and away from the camera, in metres or so."""
        away = 150 / (self.y - self.vanish[1])
        return self.y >= self.floor, (self.x - self.vanish[0]) * away / 100, 6 * away

    def tiles(self, shade: np.ndarray, size: float, joint: float, vary: float = 0.06) -> None:
        """Lay a tiled floor; ``joint`` is how dark the joints are."""
        floor, side, away = self.plane()
        self.paint(self.where(floor), shade, heat=0.22)
        i, j = np.floor(side / size), np.floor(away / size)
        tone = self.rng.normal(1, vary, 1024)[((i * 7 + j * 13) % 1024).astype(int)]
        edge = np.maximum(np.abs(side / size - i - 0.5), np.abs(away / size - j - 0.5))
        self.tone(np.where(floor, tone * (1 - joint * np.clip((edge - 0.465) / 0.02, 0, 1)), 1))

    def tone(self, factor: np.ndarray) -> None:
        """Multiply what surfaces reflect, in visible and near-infrared alike."""
        self.colour *= factor.astype(np.float32)
        self.near *= factor.astype(np.float32)

    def shadow(self, x0: float, x1: float, y: float, depth: float, dark: float) -> None:
        """Let a piece of furniture darken the floor below and before it."""
        (rows, columns), _ = region = self.box(x0 - 14, y - 6, x1 + 14, y + 5 * depth)
        away_x, away_y = np.minimum(self.x[:, columns] - x0, x1 - self.x[:, columns]), self.y[rows] - y
        soft = (
            np.clip((away_x + 14) / 24, 0, 1)
            * np.clip((away_y + 6) / 6, 0, 1)
            * np.exp(-np.maximum(away_y, 0) / depth)
        )
        self.dim(region, dark * soft)

    def block(
        self, x: float, y: float, w: float, h: float, top: float, shade: np.ndarray, **kind: float
    ) -> None:
        """Set a cupboard or a bench on the floor at row ``y``."""
        self.shadow(x, x + w, y, 14, 0.55)
        front = self.box(x, y - h, x + w, y)
        self.paint(front, shade, **kind)
        self.paint(
            self.box(x, y - h - top, x + w, y - h), np.minimum(np.asarray(shade) * 1.25 + 12, 255), **kind
        )
        self.dim(front, 0.25 * np.clip((self.y[front[0][0]] - y + h) / h, 0, 1))

    def scene(self) -> Scene:
        """Return what has been painted."""
        return Scene(self.colour, self.near, self.heat, self.light)


def _wall(p: _Painter, shade: np.ndarray, skirting: np.ndarray) -> None:
    """Paint a plain wall with a skirting board, darker towards the floor and the corner."""
    above = p.y < p.floor
    p.paint(p.where(above), shade, heat=0.25)
    p.paint(p.box(-1, p.floor - 9, WIDTH + 1, p.floor), skirting)
    p.light *= (1 - 0.22 * np.exp(-np.abs(p.y - p.floor) / 16)).astype(np.float32)
    p.rough(above, 60, 0.02)


def _door(p: _Painter, x: float, shade: np.ndarray) -> None:
    width = p.rng.uniform(62, 78)
    p.paint(p.box(x - 5, -1, x + width + 5, p.floor), np.asarray(shade) * 0.62)
    p.paint(p.box(x, -1, x + width, p.floor - 1), shade)
    if p.rng.random() < 0.4:
        p.paint(p.box(x + 0.3 * width, -1, x + 0.7 * width, p.floor - 75), (168, 186, 190), near=0.2)
    p.paint(p.box(x + width - 11, p.floor - 62, x + width - 4, p.floor - 58), (200, 200, 196))


def _poster(p: _Painter, x: float) -> None:
    w, h, y = p.rng.uniform(26, 54), p.rng.uniform(30, 56), p.rng.uniform(8, 30)
    p.paint(p.box(x, y, x + w, y + h), p.rng.uniform(185, 240) * p.rng.uniform(0.85, 1, 3))
    for k in range(5):
        p.paint(
            p.box(x + 4, y + 5 + k * h / 5.5, x + w * p.rng.uniform(0.4, 0.9), y + 8 + k * h / 5.5),
            p.rng.uniform(60, 150, 3),
        )


def _lamps(p: _Painter, count: int, depth: float) -> None:
    """Cast pools of light on the floor and on the wall, and a gradient along the strip."""
    light = np.zeros_like(p.light)
    for x in np.linspace(0, WIDTH, count) + p.rng.uniform(-40, 40, count):
        light += np.exp(-(((p.x - x) / 120) ** 2) - ((p.y - p.floor - 60) / 190) ** 2)
    p.light *= 1 - depth + depth * light / light.max() * 1.8
    p.light *= (1 + p.rng.uniform(-0.25, 0.25) * (p.x / WIDTH - 0.5)).astype(np.float32)


def _corridor(p: _Painter) -> None:
    """Paint a corridor in a building: doors, notices, shiny tiles."""
    _wall(p, p.rng.uniform(205, 236) * np.array([1, 0.99, 0.93]), p.rng.uniform(60, 120, 3))
    p.paint(
        p.box(-1, p.floor - 62, WIDTH + 1, p.floor - 9), p.rng.uniform(130, 190) * np.array([0.88, 1.0, 0.95])
    )
    p.tiles(p.rng.uniform(140, 185) * np.array([1, 0.98, 0.93]), 0.55, 0.25)
    for x in np.arange(p.rng.uniform(20, 80), WIDTH, 215):
        _door(p, x, np.array(_WOODS[p.rng.integers(3)]))
        _poster(p, x + p.rng.uniform(95, 140))
    shine = np.clip((p.y - p.floor) / 200, 0, 1) * np.exp(-(((p.x % 210 - 105) / 45) ** 2))
    _lamps(p, 6, 0.45)
    p.light += (0.35 * shine).astype(np.float32)


def _room(p: _Painter) -> None:
    """Paint a room: cupboards, desks with screens, chairs, windows."""
    _wall(p, p.rng.uniform(190, 232) * np.array([0.97, 1, 1]), p.rng.uniform(90, 150, 3))
    p.tiles(p.rng.uniform(105, 150) * np.array([1, 0.93, 0.86]), 0.9, 0.12, vary=0.03)
    for x in np.arange(p.rng.uniform(10, 50), WIDTH, 160):
        kind = p.rng.integers(4)
        y = p.floor + p.rng.uniform(6, 26)
        if kind == 0:  # cupboard with two doors
            shade = p.rng.uniform(110, 210) * np.array([1, 0.98, 0.95])
            p.block(x, y, 84, 118, 6, shade)
            p.paint(p.box(x + 41, y - 114, x + 42.5, y - 3), shade * 0.5)
        elif kind == 1:  # desk with a screen
            p.paint(p.box(x + 20, y - 96, x + 74, y - 62), (34, 36, 40), near=0.06, heat=0.55)
            p.paint(p.box(x + 23, y - 93, x + 71, y - 65), p.rng.uniform(50, 150, 3), near=0.05, heat=0.5)
            p.paint(p.box(x + 44, y - 62, x + 50, y - 50), (40, 40, 44))
            wood = np.array(_WOODS[p.rng.integers(3)])
            p.shadow(x, x + 100, y, 16, 0.5)
            p.paint(p.box(x, y - 50, x + 100, y - 43), wood)
            p.paint(p.box(x + 4, y - 43, x + 30, y), wood * 0.7)
            p.paint(p.box(x + 90, y - 43, x + 95, y), wood * 0.6)
        elif kind == 2:  # chair and a window above
            p.paint(p.box(x + 8, -1, x + 96, p.floor - 72), (222, 232, 236), near=0.5)
            p.paint(p.box(x + 50, -1, x + 53, p.floor - 72), (140, 140, 140))
            fabric = p.rng.uniform(30, 140, 3)
            p.block(x + 30, y, 44, 30, 8, fabric)
            p.paint(p.box(x + 32, y - 72, x + 72, y - 36), fabric * 0.9)
        else:
            _poster(p, x + 25)
    _lamps(p, 4, 0.4)


def _street(p: _Painter) -> None:
    """Paint a pavement before a facade: bricks, windows, pillars."""
    above = p.y < p.floor
    brick = p.rng.uniform(95, 165) * np.array([1, p.rng.uniform(0.72, 0.98), p.rng.uniform(0.6, 0.92)])
    p.paint(p.where(above), brick, heat=0.35)
    row = np.floor(p.y / 7)
    joint = (p.y % 7 < 1.2) | ((p.x + 9 * (row % 2)) % 18 < 1.2)
    p.paint(p.where(above & joint), np.minimum(brick * 1.25, 255))
    tone = p.rng.normal(1, 0.09, 997)[((row * 57 + np.floor((p.x + 9 * (row % 2)) / 18)) % 997).astype(int)]
    p.tone(np.where(above & ~joint, tone, 1))
    for x in np.arange(p.rng.uniform(0, 60), WIDTH, 190):
        p.paint(p.box(x - 4, -1, x + 84, p.floor - 38), (190, 188, 180))
        p.paint(p.box(x, -1, x + 80, p.floor - 43), (58, 70, 78), near=0.12, heat=0.1)
        p.paint(p.box(x + 38, -1, x + 42, p.floor - 43), (190, 188, 180))
        if p.rng.random() < 0.6:
            p.paint(p.box(x + 112, -1, x + 138, p.floor + 4), (156, 154, 150))
            p.shadow(x + 112, x + 138, p.floor + 4, 20, 0.5)
    p.tiles(p.rng.uniform(112, 160) * np.array([1, 0.99, 0.96]), 0.4, 0.22, vary=0.1)
    p.rough(p.y >= p.floor, 3, 0.07)
    p.rough(p.y >= p.floor, 40, 0.05)
    shade = np.clip(0.95 + 0.3 * noise(*p.near.shape, 130, p.rng), 0.6, 1.2)
    p.light *= np.where(p.y > p.floor, shade, 0.8).astype(np.float32)


def _garden(p: _Painter) -> None:
    """Paint a path along a hedge with trees and benches; leaves are bright in the near infrared."""
    leaves = noise(*p.near.shape, 6, p.rng) + 0.7 * noise(*p.near.shape, 2.5, p.rng)
    p.paint(p.where(p.y < p.floor), (30, 44, 26), near=0.25, heat=0.12)
    for k, green in enumerate(_GREENS):
        p.paint(
            p.where((p.y < p.floor) * np.clip(leaves * 0.8 + 1.2 - k * 0.8, 0, 1)),
            green,
            near=0.5 + 0.12 * k,
            heat=0.12,
        )
    p.light *= np.where(p.y < p.floor, np.clip(0.65 + 0.28 * leaves, 0.15, 1.4), 1).astype(np.float32)
    for x in np.arange(p.rng.uniform(20, 120), WIDTH, 230):
        trunk = p.box(x, -1, x + p.rng.uniform(16, 28), p.floor + 5)
        p.paint(trunk, (78, 62, 48), near=0.35, heat=0.2)
        p.dim(trunk, 0.5 * np.clip((p.x[:, trunk[0][1]] - x) / 24, 0, 1))
    grass = (p.y >= p.floor) & (p.y < p.floor + 34 + 5 * noise(*p.near.shape, 30, p.rng))
    p.tiles(p.rng.uniform(120, 150) * np.array([1, 0.97, 0.9]), 2.4, 0.1)
    p.rough(p.y >= p.floor, 2.5, 0.08)
    p.paint(p.where(grass), (84, 108, 56), near=0.62, heat=0.15)
    p.rough(grass, 2, 0.2)
    for x in np.arange(p.rng.uniform(80, 200), WIDTH, 330):
        p.block(x, p.floor + 20, 74, 20, 6, np.array(_WOODS[p.rng.integers(3)]))
    dapple = np.clip(0.9 + 0.28 * noise(*p.near.shape, 65, p.rng), 0.55, 1.2)
    p.light *= np.where(p.y > p.floor, dapple, 1).astype(np.float32)
