"""A image in the making: places on the face for each pixel, and what has been painted there.

Each pixel has two pairs of coordinates in cm, from between the eyes to the right and downwards: ``x, y`` on the
image plane of a head that is upright, where outlines are drawn, and ``u, v`` on the surface of the face, which
turns with it: near things move further, so that features drawn in ``u, v`` show the pose.
"""

from __future__ import annotations

import math

import numpy as np

from xmodal_lite.synthetic.drawing import look_up
from xmodal_lite.synthetic.faces.identity import Material
from xmodal_lite.synthetic.faces.moment import Moment

Rows = slice


class Canvas:
    """Buffers of one image of H x W pixels in one kind of light.

    Parameters
    ----------
    size : tuple of int
        (H, W).
    scale : float
        Pixels per cm.
    eyes : float
        Where the eyes are, as a share of the image's height.
    moment : Moment
        Pose and framing.
    light : str
        One of ``identity.LIGHTS``.
    gap : float
        As for the face's materials.

    Attributes
    ----------
    x, y, u, v : numpy.ndarray
        (H, W) places in cm.
    surface : numpy.ndarray
        (C, H, W) linear reflectance, 3 channels in visible light.
    height : numpy.ndarray
        (H, W) towards the camera, in cm.
    shade : numpy.ndarray
        (H, W) share of the light that arrives, where something is in the way.
    head, hair, glass : numpy.ndarray
        (H, W) share of a pixel that shows the head with all that is on it, hair or beard, and spectacles.
    """

    def __init__(
        self, size: tuple[int, int], scale: float, eyes: float, moment: Moment, light: str, gap: float
    ) -> None:
        self.light, self.gap, self.scale = light, gap, scale * moment.zoom
        h, w = size
        self._middle = eyes * h + moment.shift[1] * scale
        down = (np.arange(h, dtype=np.float32)[:, None] + 0.5 - self._middle) / self.scale
        right = (np.arange(w, dtype=np.float32)[None, :] + 0.5 - (w / 2 + moment.shift[0] * scale)) / (
            self.scale
        )
        cos, sin = math.cos(moment.roll), math.sin(moment.roll)
        self.x, self.y = right * cos + down * sin, down * cos - right * sin
        dome = 1 - (self.x / 8.2) ** 2 - ((self.y - 1) / 12.5) ** 2
        near = 8 * np.sqrt(np.maximum(dome, 0))
        self.u = self.x * math.cos(moment.yaw) - near * math.sin(moment.yaw)
        self.v = self.y * math.cos(moment.pitch) - near * math.sin(moment.pitch)
        self.surface = np.zeros((3 if light == "visible" else 1, h, w), np.float32)
        self.height = np.zeros(size, np.float32)
        self.shade = np.ones(size, np.float32)
        self.head, self.hair, self.glass = (np.zeros(size, np.float32) for _ in range(3))

    def rows(self, top: float, bottom: float) -> Rows:
        """Rows of pixels that hold all of the face between two values of ``v``, whatever the pose."""
        low, high = self._middle + (top - 2) * self.scale, self._middle + (bottom + 2) * self.scale
        return slice(max(int(low), 0), max(int(high) + 1, 0))

    def cover(self, inside: np.ndarray, soft: float = 0.0) -> np.ndarray:
        """Share of each pixel that is inside, from the distance to the edge in cm, within ``soft`` cm gradually."""
        return np.clip(inside / max(1 / self.scale, soft) + 0.5, 0, 1)

    def paint(self, material: Material, share: np.ndarray, rows: Rows = slice(None)) -> None:
        """Paint a material on a share (h, W) of the pixels of some rows."""
        for plane, value in zip(self.surface, material[self.light], strict=True):
            plane[rows] += share * (value - plane[rows])

    def grain(self, along: np.ndarray, across: np.ndarray, place: float) -> np.ndarray:
        """Smooth noise of unit variance at places in tile pixels, from a part of the tile that ``place`` names."""
        return look_up(along + (1000 + 41 * place), across + (1000 + 67 * place))


def bump(x: np.ndarray, y: np.ndarray, wide: float, high: float) -> np.ndarray:
    """Shape a smooth hill of height 1 at (0, 0) that ends at an ellipse of half-axes ``wide`` and ``high``."""
    rest = 1 - (x * (1 / wide)) ** 2 - (y * (1 / high)) ** 2
    np.maximum(rest, 0, out=rest)
    return rest * rest
