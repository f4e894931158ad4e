"""Draw the book's contact sheets of procedural people, from the very files that the synthetic data sets write.

    python book/figures/people_sheets.py

writes `book/_static/figures/people-*.jpg`. The people in these images are invented; they may be printed and passed on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no window

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from xmodal_lite.plots import MODALITY_COLOURS, WIDTH, use_style
from xmodal_lite.synthetic import write

OUT = Path(__file__).resolve().parents[1] / "_static" / "figures"
SYSU_ORDER = (1, 2, 4, 5, 3, 6)  # visible cameras first
GAPS = (0.0, 0.25, 0.5, 0.75, 1.0)


def read(path: Path) -> np.ndarray:
    """Read an image as RGB, (H, W, 3)."""
    return np.asarray(Image.open(path).convert("RGB"))


def masked(root: Path, path: Path) -> np.ndarray:
    """Read an image and lighten all that its mask says is not the person."""
    mask = np.asarray(Image.open((root / "masks" / path.relative_to(root)).with_suffix(".png"))) > 0
    image = read(path)
    return np.where(mask[..., None], image, 255 - (255 - image.astype(int)) // 4).astype(np.uint8)


def draw_sheet(
    rows: Sequence[Sequence[np.ndarray]], heads: Sequence[str], infrared: Sequence[bool], name: str
) -> None:
    """Put images in a grid with a head over every column, in its modality's colour, and save it as JPEG."""
    height, width = rows[0][0].shape[:2]
    side = WIDTH / len(heads)
    figure, axes = plt.subplots(
        len(rows), len(heads), figsize=(WIDTH, 0.35 + len(rows) * side * height / width), squeeze=False
    )
    figure.get_layout_engine().set(h_pad=0.01, w_pad=0.01, hspace=0, wspace=0)  # type: ignore[union-attr, call-arg]
    for row, images in zip(axes, rows, strict=True):
        for ax, image in zip(row, images, strict=True):
            ax.imshow(image, aspect="auto")
            ax.axis("off")
    for ax, head, red in zip(axes[0], heads, infrared, strict=True):
        ax.set_title(head, color=MODALITY_COLOURS[red], fontsize=9, loc="center", pad=3)
    figure.savefig(OUT / f"{name}.jpg", dpi=140, pil_kwargs={"quality": 78})
    plt.close(figure)


def draw_sysu(folder: Path) -> None:
    """Draw identities by the six cameras of SYSU-MM01; the last row shows what the masks keep."""
    root = write("sysu-mm01", folder / "sysu", identities=24, images=1)
    paths = {c: {p.parent.name: p for p in sorted(root.glob(f"cam{c}/*/*.jpg"))} for c in SYSU_ORDER}
    everywhere = sorted(set.intersection(*(set(found) for found in paths.values())))[:6]
    rows = [[read(paths[c][identity]) for c in SYSU_ORDER] for identity in everywhere]
    rows[-1] = [masked(root, paths[c][everywhere[-1]]) for c in SYSU_ORDER]
    heads = [f"camera {c}\n{'infrared' if c in (3, 6) else 'visible'}" for c in SYSU_ORDER]
    draw_sheet(rows, heads, [c in (3, 6) for c in SYSU_ORDER], "people-sysu")


def draw_regdb(folder: Path) -> None:
    """Draw pairs of visible and thermal images of RegDB's layout."""
    root = write("regdb", folder / "regdb", identities=12, images=1)
    pairs = [
        (next((root / side / str(k)).iterdir())) for k in range(1, 13) for side in ("Visible", "Thermal")
    ]
    rows = [[read(path) for path in pairs[k : k + 8]] for k in (0, 8, 16)]
    draw_sheet(rows, ["visible", "thermal"] * 4, [False, True] * 4, "people-regdb")


def draw_llcm(folder: Path) -> None:
    """Draw four identities by day and by night, by the cameras that each of them met in both."""
    root = write("llcm", folder / "llcm", identities=12, images=1)
    rows = []
    for identity in sorted((root / "vis").iterdir()):
        by_day, by_night = (
            {path.name.split("_")[1]: path for path in (root / side / identity.name).iterdir()}
            for side in ("vis", "nir")
        )
        both = sorted(set(by_day) & set(by_night))[:4]
        if len(both) == 4:
            rows.append([read(found[camera]) for camera in both for found in (by_day, by_night)])
    draw_sheet(rows[:4], ["day", "night"] * 4, [False, True] * 4, "people-llcm")


def draw_gap(folder: Path) -> None:
    """Draw one moment in visible light, and in infrared at growing gaps: near infrared above, thermal below."""
    rows = []
    for name, infrared, visible in (
        ("sysu-mm01", "cam6/*/0001.jpg", "cam4/*/0001.jpg"),
        ("regdb", "Thermal/*/*", "Visible/*/*"),
    ):
        roots = [write(name, folder / f"{name}-{gap}", identities=12, images=1, gap=gap) for gap in GAPS]
        seen = {path.parent.name: path for path in roots[0].glob(visible)}
        found = sorted(
            (path.relative_to(roots[0]) for path in roots[0].glob(infrared) if path.parent.name in seen),
            key=lambda path: int(path.parent.name),
        )
        for path in found[2:5]:
            images = [read(seen[path.parent.name]), *(read(root / path) for root in roots)]
            rows.append([np.asarray(Image.fromarray(image).resize((144, 288))) for image in images])
    draw_sheet(
        rows, ["visible", *(f"gap {gap:g}" for gap in GAPS)], [False] + [True] * len(GAPS), "people-gap"
    )


def main() -> None:
    """Draw all of them."""
    use_style()
    with tempfile.TemporaryDirectory() as folder:
        for draw in (draw_sysu, draw_regdb, draw_llcm, draw_gap):
            draw(Path(folder))


if __name__ == "__main__":
    main()
