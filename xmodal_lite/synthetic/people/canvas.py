"""Three solid shapes drawn into a depth buffer, for a whole batch of images of one figure at a time.

Every shape is drawn within one window that holds it in all images of the batch, by whole-array operations.
What a pixel shows is decided by depth, so limbs pass before and behind each other without any sorting. Each
pixel keeps which piece it shows, the surface normal there, and where on the cloth it lies (in cm), from
which materials and light are worked out later.
"""

from __future__ import annotations

import numpy as np

BEHIND = np.float32(-1e4)  # depth of a pixel that shows no figure


class Canvas:
    """Buffers of a batch of N images of H x W pixels.

    Parameters
    ----------
    shape : tuple of int
        (N, H, W).
    scale : numpy.ndarray
        (N,) pixels per cm.
    yaw : numpy.ndarray
        (N,) direction in which the figure looks, in radians: 0 towards the camera, pi / 2 to the right.

    Attributes
    ----------
    piece : numpy.ndarray
        (N, H, W) uint8 number of the visible piece, 0 for none.
    depth : numpy.ndarray
        (N, H, W) towards the camera, in pixels.
    nx, ny : numpy.ndarray
        (N, H, W) surface normal, to the right and downwards.
    u, v : numpy.ndarray
        (N, H, W) place on the piece in cm, along and around it; ``v`` is 0 at the front.
    materials : list of str
        Material of each piece, from piece 0 (none) on.
    upright : list of bool
        Whether each piece is a column, so that ``v`` = 0 is the middle of its front.
    """

    def __init__(self, shape: tuple[int, int, int], scale: np.ndarray, yaw: np.ndarray) -> None:
        self.shape, self.scale, self.yaw = shape, _column(scale), _column(yaw)
        self.piece = np.zeros(shape, np.uint8)
        self.depth = np.full(shape, BEHIND, np.float32)
        self.nx, self.ny, self.u, self.v = (np.zeros(shape, np.float32) for _ in range(4))
        self.materials, self.upright = [""], [False]

    def _window(self, low: np.ndarray, high: np.ndarray) -> tuple[slice, slice, slice]:
        """Slices over the pixels between corners ``low`` and ``high``, (N, 2) as (x, y), of all images."""
        size = np.array(self.shape[:0:-1])
        x0, y0 = np.clip(np.floor(low.min(0)), 0, size).astype(int)
        x1, y1 = np.clip(np.ceil(high.max(0)) + 1, 0, size).astype(int)
        return slice(None), slice(y0, y1), slice(x0, x1)

    def _grid(self, window: tuple[slice, slice, slice]) -> tuple[np.ndarray, np.ndarray]:
        """Pixel centres of a window: x (1, 1, w) and y (1, h, 1)."""
        x = np.arange(window[2].start, window[2].stop, dtype=np.float32)
        y = np.arange(window[1].start, window[1].stop, dtype=np.float32)
        return x[None, None, :], y[None, :, None]

    def _put(
        self,
        window: tuple[slice, slice, slice],
        material: str,
        inside: np.ndarray,
        depth: np.ndarray,
        upright: bool = False,
        **values: np.ndarray,
    ) -> None:
        """Write a piece where it is inside its outline and nearer than what is there."""
        shown = inside & (depth > self.depth[window])
        np.copyto(self.depth[window], depth, where=shown)
        for name, value in values.items():
            np.copyto(getattr(self, name)[window], value, where=shown)
        self.materials.append(material)
        self.upright.append(upright)
        np.copyto(self.piece[window], np.uint8(len(self.materials) - 1), where=shown)

    def limb(
        self,
        material: str,
        a: np.ndarray,
        b: np.ndarray,
        ra: float,
        rb: float,
        along: float = 0.0,
        near: float = 0.0,
    ) -> None:
        """Draw a cone with round ends from ``a`` to ``b``, both (N, 3) in pixels, with radii in cm.

        ``along`` is the place of ``a`` on the cloth in cm, so that a pattern runs on over an elbow;
        ``near`` (cm) brings the piece forward.
        """
        reach = max(ra, rb) * self.scale[:, 0]
        window = self._window(np.minimum(a, b)[:, :2] - reach, np.maximum(a, b)[:, :2] + reach)
        x, y = self._grid(window)
        ax, ay, az = (_column(a[:, k]) for k in range(3))
        dx, dy, dz = (_column(b[:, k] - a[:, k]) for k in range(3))
        flat = np.sqrt(dx * dx + dy * dy + 1e-3)
        x, y = x - ax, y - ay
        run = (x * dx + y * dy) / flat**2
        t = np.clip(run, 0, 1)
        radius = (ra + (rb - ra) * t) * self.scale
        nx, ny = (x - t * dx) / radius, (y - t * dy) / radius
        rest = 1 - nx * nx - ny * ny
        depth = az + near * self.scale + t * dz + radius * np.sqrt(np.maximum(rest, 0))
        length = np.minimum(np.hypot(flat, dz), 4 * flat)  # a limb that points at us has a short image
        across = (nx * dy - ny * dx) / flat  # -1 to 1
        self._put(
            window, material, rest > 0, depth,
            nx=across * (dy / flat), ny=-across * (dx / flat),  # light sees no round ends, so that joints do not show
            u=along + run * length / self.scale, v=across * radius / self.scale,
        )  # fmt: skip

    def column(
        self,
        material: str,
        top: np.ndarray,
        bottom: np.ndarray,
        profile: np.ndarray,
        near: float = 0.0,
        drop: float = 0.0,
        opening: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Draw an upright body of elliptic cross-sections from ``top`` to ``bottom``, both (N, 3) in pixels.

        ``profile`` (K, 3) has a row for each knot: place from top 0 to bottom 1, half-width and half-depth in
        cm. ``near`` (cm) brings the piece forward; ``drop`` (cm) bends the hem downwards;
        ``opening`` is half the angle that stays open at the front, at the top and at the bottom.
        """
        reach = profile[:, 1:].max() * self.scale[:, 0] * np.array([1, 0])
        hem = drop * self.scale[:, 0] * np.array([0, 1])
        window = self._window(
            np.minimum(top, bottom)[:, :2] - reach, np.maximum(top, bottom)[:, :2] + reach + hem
        )
        x, y = self._grid(window)
        ty, by = _column(top[:, 1]), _column(bottom[:, 1])
        t = (y - ty) / (by - ty)  # (N, h, 1)
        a, b = (np.interp(t, profile[:, 0], profile[:, k]).astype(np.float32) for k in (1, 2))
        a, b = a * self.scale, b * self.scale
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        width, thick = np.hypot(a * cos, b * sin), np.hypot(a * sin, b * cos)
        centre, middle = (_column(top[:, k]) + t * _column(bottom[:, k] - top[:, k]) for k in (0, 2))
        slope = np.gradient(width, axis=1) if width.shape[1] > 1 else np.zeros_like(width)
        steep = slope / np.sqrt(1 + slope * slope)
        n = (x - centre) / width  # (N, h, w)
        rest = 1 - n * n
        bulge = np.sqrt(np.maximum(rest, 0))
        inside = (rest > 0) & (t >= 0) & (y <= by + drop * self.scale * bulge)
        around = np.arcsin(np.clip(n, -1, 1)) - self.yaw
        around -= 2 * np.pi * np.round(around / (2 * np.pi))
        inside &= np.abs(around) >= opening[0] + t * (opening[1] - opening[0])
        girth = float(profile[:, 1:].mean())
        self._put(
            window, material, inside, middle + thick * bulge + near * self.scale, upright=True,
            nx=n * np.sqrt(1 - steep * steep), ny=-steep, u=(y - ty) / self.scale, v=around * girth,
        )  # fmt: skip

    def ball(
        self,
        material: str,
        centre: np.ndarray,
        radii: tuple[float, float, float],
        cut: tuple[float, float, float] | None = None,
        boxy: bool = False,
    ) -> None:
        """Draw an ellipsoid around ``centre`` (N, 3) in pixels.

        ``radii`` (cm) are sideways, upwards and forwards as the figure sees it. ``cut`` = (forwards,
        upwards, level) keeps only where forwards * f + upwards * h > level, for the direction (f, h) of a
        point from the centre: a cap of hair, a visor. ``boxy`` draws a rounded box, such as a bag.
        """
        side, up, front = radii
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        width, thick = (np.hypot(p * cos, q * sin) * self.scale for p, q in ((side, front), (front, side)))
        reach = np.concatenate([width[:, 0], up * self.scale[:, 0]], axis=1)
        window = self._window(centre[:, :2] - reach, centre[:, :2] + reach)
        x, y = self._grid(window)
        nx, ny = (x - _column(centre[:, 0])) / width, (y - _column(centre[:, 1])) / (up * self.scale)
        rest = 1 - (nx**4 + ny**4 if boxy else nx * nx + ny * ny)
        nz = np.sqrt(np.maximum(rest, 0))
        inside = rest > 0
        around = np.arctan2(nx, nz + 1e-6) - self.yaw
        around -= 2 * np.pi * np.round(around / (2 * np.pi))
        if cut is not None:
            forwards = np.cos(around) * np.sqrt(np.maximum(1 - ny * ny, 0))
            inside &= cut[0] * forwards - cut[1] * ny > cut[2]
        if boxy:
            nx, ny = nx**3, ny**3
        self._put(
            window, material, inside, _column(centre[:, 2]) + thick * nz,
            nx=nx, ny=ny, u=(y - _column(centre[:, 1])) / self.scale, v=around * ((side + front) / 2),
        )  # fmt: skip


def _column(values: np.ndarray) -> np.ndarray:
    """(N,) as float32 of shape (N, 1, 1)."""
    return np.asarray(values, np.float32).reshape(-1, 1, 1)
