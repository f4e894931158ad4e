"""Draw the book's contact sheets of procedural faces, from the very files that the synthetic data sets write.

    python book/figures/faces_sheets.py

writes `book/_static/figures/faces-*.jpg`. The people in these images are invented; they may be printed and passed on.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from people_sheets import GAPS, draw_sheet, masked, read

from xmodal_lite.plots import use_style
from xmodal_lite.synthetic import write

COLUMNS = 8


def draw_sketches(folder: Path) -> None:
    """Draw photographs and sketches of CUFS's layout above those of CUFSF's, which exaggerate."""
    rows = []
    for name in ("cufs", "cufsf"):
        root = write(name, folder / name, identities=16)
        photos, sketches = (sorted((root / side).iterdir()) for side in ("photos", "sketches"))
        pairs = [path for pair in zip(photos, sketches, strict=True) for path in pair]
        rows += [[read(path) for path in pairs[k : k + COLUMNS]] for k in range(0, 24, COLUMNS)]
    draw_sheet(rows, ["photograph", "sketch"] * 4, [False, True] * 4, "faces-cufs")


def draw_casia(folder: Path) -> None:
    """Draw four moments of each identity in visible and in near-infrared light; the last row shows the masks."""
    root = write("casia-nir-vis", folder / "casia", identities=10, images=4)
    rows = []
    for number in range(1, 7):
        sides = [sorted(root.glob(f"s?/{side}_128x128/{number:05d}/*.bmp")) for side in ("VIS", "NIR")]
        rows.append([read(path) for side in sides for path in side])
    rows[-1] = [masked(root, path) for side in sides for path in side]
    draw_sheet(rows, ["visible"] * 4 + ["infrared"] * 4, [False] * 4 + [True] * 4, "faces-casia")


def draw_tufts(folder: Path) -> None:
    """Draw pairs of visible and thermal images of Tufts' layout."""
    root = write("tufts", folder / "tufts", identities=16, images=1)
    pairs = [root / side / str(k) / "01.jpg" for k in range(1, 17) for side in ("visible", "thermal")]
    rows = [[read(path) for path in pairs[k : k + COLUMNS]] for k in range(0, 32, COLUMNS)]
    draw_sheet(rows, ["visible", "thermal"] * 4, [False, True] * 4, "faces-tufts")


def draw_gap(folder: Path) -> None:
    """Draw the same images at growing gaps: sketches above, near infrared in the middle, thermal below."""
    rows = []
    for name, second, first in (
        ("cufsf", "sketches/*", "photos/*"),
        ("casia-nir-vis", "s?/NIR*/*/*", "s?/VIS*/*/*"),
        ("tufts", "thermal/*/*", "visible/*/*"),
    ):
        parameters = {} if name == "cufsf" else {"images": 1}
        roots = [write(name, folder / f"{name}-{gap}", identities=10, gap=gap, **parameters) for gap in GAPS]
        shown, drawn = (sorted(roots[0].glob(pattern)) for pattern in (first, second))
        for k in (1, 4):
            changed = [read(root / drawn[k].relative_to(roots[0])) for root in roots]
            rows.append([read(shown[k]), *changed])
    draw_sheet(
        rows, ["visible", *(f"gap {gap:g}" for gap in GAPS)], [False] + [True] * len(GAPS), "faces-gap"
    )


def main() -> None:
    """Draw all of them."""
    use_style()
    with tempfile.TemporaryDirectory() as folder:
        for draw in (draw_sketches, draw_casia, draw_tufts, draw_gap):
            draw(Path(folder))


if __name__ == "__main__":
    main()
