"""Images: one to an array, many to one array on disk without holding them all."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xmodal_lite.data.images import inspect_images, open_images, read_image
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
    Image.new("RGB", (31, 77), (10, 200, 60)).save(path)
    small = read_image(path, (8, 4))
    assert small.shape == (3, 8, 4)
    assert {tuple(pixel) for pixel in small.reshape(3, -1).T.tolist()} == {(10, 200, 60)}


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
        DataError, match=rf"a{suffix}: (cannot be read as an image|no such file).*fetch it again"
    ):
        read_image(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for k in range(5):
        save(tmp_path / "x" / f"{k}.jpg", size=(5 + k, 9))
    (tmp_path / "list.txt").write_text("1")
    return tmp_path


PATHS = [f"x/{k}.jpg" for k in (3, 0, 4, 1, 2)]


def test_all_images_in_the_order_asked_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xmodal_lite.data.images.PIECE", 2)
    samples, fingerprint = open_images(root, "toy", PATHS, ["list.txt"], (8, 4))
    assert isinstance(samples, np.memmap)
    assert (samples.shape, samples.dtype) == ((5, 3, 8, 4), np.uint8)
    for sample, path in zip(samples, PATHS, strict=True):
        np.testing.assert_array_equal(sample, read_image(root / path, (8, 4)))
    again, same = open_images(root, "toy", PATHS, ["list.txt"], (8, 4))
    assert (again.filename, same) == (samples.filename, fingerprint)


def test_another_order_or_size_is_another_array_of_the_same_data(root: Path) -> None:
    samples, fingerprint = open_images(root, "toy", PATHS, ["list.txt"], (8, 4))
    turned, same = open_images(root, "toy", PATHS[::-1], ["list.txt"], (8, 4))
    np.testing.assert_array_equal(turned, samples[::-1])
    smaller, also = open_images(root, "toy", PATHS, ["list.txt"], (4, 4))
    assert smaller.shape[2:] == (4, 4)
    assert fingerprint == same == also


def test_the_fingerprint_covers_names_images_and_lists(root: Path) -> None:
    seen = {open_images(root, "toy", PATHS, ["list.txt"], (8, 4))[1]}
    (root / "list.txt").write_text("2")
    seen.add(open_images(root, "toy", PATHS, ["list.txt"], (8, 4))[1])
    save(root / "x" / "0.jpg", quality=20)
    seen.add(open_images(root, "toy", PATHS, ["list.txt"], (8, 4))[1])
    (root / "x" / "0.jpg").rename(root / "x" / "00.jpg")
    seen.add(open_images(root, "toy", [path.replace("0.", "00.") for path in PATHS], ["list.txt"], (8, 4))[1])
    assert len(seen) == 4


def test_one_damaged_image_leaves_no_cache(root: Path) -> None:
    damage(root / "x" / "4.jpg", "truncated")
    with pytest.raises(DataError, match=r"4\.jpg: cannot be read"):
        open_images(root, "toy", PATHS, [], (8, 4))
    assert not list((root / ".xmodal").iterdir())


def test_every_damaged_image_is_found(root: Path) -> None:
    damage(root / "x" / "4.jpg", "truncated")
    damage(root / "x" / "1.jpg", "text")
    problems = inspect_images(root, PATHS).damaged
    assert len(problems) == 2
    assert ["4.jpg" in problems[0], "1.jpg" in problems[1]] == [True, True]


def test_images_as_if_of_the_other_modality_are_found(root: Path) -> None:
    """One that should be grey is not; of the others one is, and that is odd where most are in colour."""
    save(root / "x" / "2.jpg", "L")
    damage(root / "x" / "4.jpg", "text")
    looks = inspect_images(root, PATHS, grey={"x/1.jpg"})
    assert len(looks.damaged) == 1
    (words,) = looks.coloured.values()
    assert list(looks.coloured) == ["x/1.jpg"]
    assert "x/1.jpg: is in colour where a grey image is meant" in words
    assert looks.plain == ["x/2.jpg"]
    save(root / "x" / "3.jpg", "L")
    assert inspect_images(root, PATHS, grey={"x/1.jpg"}).plain == []  # two of three
    assert inspect_images(root, PATHS, grey=()).plain == []  # nothing is known of this set


def test_a_dull_image_is_not_a_grey_one(root: Path) -> None:
    Image.new("RGB", (6, 9), (90, 84, 82)).save(root / "x" / "2.jpg")
    looks = inspect_images(root, PATHS, grey={"x/1.jpg"})
    assert looks.plain == []
    assert inspect_images(root, PATHS, grey={"x/2.jpg"}).coloured == {}  # among grey ones its tint is allowed


def test_grey_is_asked_of_some_and_looked_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"x/1\.jpg: is in colour"):
        open_images(root, "toy", PATHS, [], (8, 4), grey={"x/1.jpg"})
    open_images(root, "toy", PATHS, [], (8, 4), grey={"x/9.jpg"})
    monkeypatch.setattr("xmodal_lite.data.images.read_image", lambda *_, **__: pytest.fail("decoded again"))
    open_images(root, "toy", PATHS, [], (8, 4), grey={"x/9.jpg"})


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    """1,500 images at 288 x 144 are 187 MB decoded; the peak may rise by the pieces in flight alone."""
    save(tmp_path / "a.jpg", size=(40, 80))
    for k in range(1500):
        (tmp_path / f"{k}.jpg").hardlink_to(tmp_path / "a.jpg")
    script = f"""
import resource
from pathlib import Path
from xmodal_lite.data.images import open_images
root, peak = Path({str(tmp_path)!r}), lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
open_images(root, "warm", ["a.jpg"], [], (288, 144))
before = peak()
samples, _ = open_images(root, "toy", [f"{{k}}.jpg" for k in range(1500)], [], (288, 144))
print(samples.nbytes / 2**20, peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    size, grown = map(float, done.stdout.split())
    assert size > 170
    assert grown < 110
