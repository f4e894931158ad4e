"""Images: one file to an array, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xmodal_lite.data.images import read_image
from xmodal_lite.errors import DataError


def save(path: Path, mode: str = "RGB", size: tuple[int, int] = (6, 10), **options: object) -> Path:
    """Save noise of (width, height)."""
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise).convert(mode).save(path, **options)
    return path


def test_colour_and_grey_come_as_three_channels(tmp_path: Path) -> None:
    colour = read_image(save(tmp_path / "a.png"))
    assert (colour.shape, colour.dtype) == ((3, 10, 6), np.uint8)
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(colour, np.asarray(image).transpose(2, 0, 1))
    grey = read_image(save(tmp_path / "b.bmp", "L"))
    np.testing.assert_array_equal(grey[0], grey[2])
    assert read_image(save(tmp_path / "c.bmp", "P")).shape == (3, 10, 6)


def test_resizing(tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    halves = Image.new("RGB", (32, 80), (10, 200, 60))
    halves.paste((90, 20, 70), (16, 0, 32, 80))
    halves.save(path)
    small = read_image(path, (8, 4))
    assert small.shape == (3, 8, 4)
    for column, colour in ((0, (10, 200, 60)), (3, (90, 20, 70))):
        np.testing.assert_allclose(small[:, :, column].T, np.tile(colour, (8, 1)), atol=8)


ORIENTATION = 0x112  # tag of EXIF


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_an_image_is_turned_upright(tmp_path: Path, name: str, orientation: int, turns: int) -> None:
    tag = Image.Exif()
    tag[ORIENTATION] = orientation
    lying = read_image(save(tmp_path / f"plain-{name}", quality=100))
    upright = read_image(save(tmp_path / name, quality=100, exif=tag))
    np.testing.assert_array_equal(upright, np.rot90(lying, turns, axes=(1, 2)))
    assert read_image(tmp_path / name, (8, 4)).shape == (3, 8, 4)


def test_a_damaged_orientation_says_nothing(tmp_path: Path) -> None:
    tag = Image.Exif()
    tag[ORIENTATION] = 6
    content = save(tmp_path / "a.webp", exif=tag).read_bytes()
    assert content.count(b"MM\0*") == 1
    (tmp_path / "b.webp").write_bytes(content.replace(b"MM\0*", b"MM\0\1"))
    assert read_image(tmp_path / "b.webp").shape == (3, 10, 6)


@pytest.mark.parametrize(
    ("mode", "name"),
    [("RGBA", "a.png"), ("LA", "a.png"), ("CMYK", "a.jpg"), ("1", "a.png"), ("I;16", "a.png")],
)
def test_a_mode_that_would_be_read_wrongly(tmp_path: Path, mode: str, name: str) -> None:
    if mode == "I;16":
        path = tmp_path / name
        Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(path)
    else:
        path = save(tmp_path / name, mode)
    with pytest.raises(DataError, match=rf"{name}: is an image of mode {mode}.*save it as RGB or as grey"):
        read_image(path)


@pytest.mark.parametrize(
    ("colour", "refused"), [((90, 90, 90), False), ((236, 232, 224), False), ((190, 140, 120), True)]
)
def test_colour_where_grey_is_meant(tmp_path: Path, colour: tuple[int, int, int], refused: bool) -> None:
    """Noise in brightness alone, compressed hard, stays grey; so does a slight tint; skin does not."""
    noise = np.random.default_rng(0).integers(-60, 20, (64, 48, 1))
    path = tmp_path / "a.jpg"
    Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(path, quality=20)
    if refused:
        with pytest.raises(DataError, match=r"a\.jpg: is in colour where a grey image is meant .*; put the"):
            read_image(path, grey=True)
    else:
        read_image(path, grey=True)
    read_image(path)


def damage(path: Path, kind: str) -> Path:
    content = path.read_bytes()
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(
            {"truncated": content[: len(content) // 2], "empty": b"", "text": b"<html>moved</html>"}[kind]
        )
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "missing"])
def test_a_damaged_file(tmp_path: Path, kind: str, suffix: str) -> None:
    path = damage(save(tmp_path / f"a{suffix}", size=(60, 100)), kind)
    with pytest.raises(
        DataError, match=rf"a{suffix}: (cannot be read as an image|no such file).*(a whole copy|restore it)"
    ):
        read_image(path)
