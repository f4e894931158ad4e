"""Draw the data set Shapes: python draw_shapes.py FOLDER."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES, TESTED, IMAGES, SIZE, CORNERS = 24, 8, 3, 48, 7


def corners(radii: np.ndarray, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return the corners (x, y) of a polygon in pixels, turned and shifted a little."""
    angles = 2 * np.pi * np.arange(CORNERS) / CORNERS + rng.uniform(-0.1, 0.1)
    x, y = SIZE / 2 + rng.uniform(-2, 2, size=2)
    return list(zip(x + radii * np.cos(angles), y + radii * np.sin(angles), strict=True))


def draw(root: Path) -> None:
    """Write the images of every shape and the list of test shapes."""
    rng = np.random.default_rng(0)
    names = [f"shape-{number:02d}" for number in range(SHAPES)]
    for name in names:
        radii = rng.uniform(6, 20, size=CORNERS)  # what makes the shape
        for folder, mode in (("filled", "RGB"), ("outline", "L")):
            (root / folder / name).mkdir(parents=True)
            for number in range(IMAGES):
                image = Image.new(mode, (SIZE, SIZE), "white")
                green, blue = rng.integers(60, 220, size=2).tolist()
                style = {"fill": (0, green, blue)} if mode == "RGB" else {"outline": 0, "width": 2}
                ImageDraw.Draw(image).polygon(corners(radii, rng), **style)
                image.save(root / folder / name / f"{number}.png")
    (root / "synthetic.json").write_text("{}\n", encoding="utf-8")  # reports say that the data are synthetic
    (root / "test.txt").write_text("\n".join(names[-TESTED:]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
