"""Tiny copies of the image benchmarks: plain coloured images in the real layouts."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SYSU_SEEN = {1: (1, 2, 3, 4, 5, 6), 2: (1, 2, 3), 3: (4, 5, 6), 4: (1, 2, 3, 6), 5: (1, 2, 3, 4, 5, 6)}
SYSU_LISTS = {"train": (3, 20, 100, 101), "val": (7, 8), "test": (1, 9, 10, 12, 400, 533)}


def paint(path: Path, colour: Iterable[int] = (120, 60, 30)) -> Path:
    """A small image of one colour in shades that no other path has; a grey one stays grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shades = np.random.default_rng(list("/".join(path.parts[-4:]).encode())).integers(-30, 31, (8, 4, 1))
    pixels = (np.array(tuple(colour)).clip(30, 225) + shades).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def snap(path: Path, number: int, k: int, grey: bool) -> Path:
    """A plain image of a person: the colour depends on who and which, in infrared the shade."""
    shade = (number + 40 * k) % 256
    return paint(path, (shade, shade, shade) if grey else (shade, 100 + 9 * k, 0))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def sysu(tmp_path: Path) -> Path:
    """Twelve identities with gaps between their numbers, each in some of the cameras; one that no list names."""
    return write_sysu(tmp_path / "sysu")


@pytest.fixture(scope="session")
def sysu_untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, for tests that change nothing."""
    return write_sysu(tmp_path_factory.mktemp("sysu"))


def write_sysu(root: Path) -> Path:
    for part, numbers in SYSU_LISTS.items():
        (root / "exp").mkdir(parents=True, exist_ok=True)
        (root / "exp" / f"{part}_id.txt").write_text(",".join(map(str, numbers)) + "\n")
        for number in numbers:
            for camera in SYSU_SEEN[1 + number % 5]:
                for k in range(1 + (number + camera) % 3):
                    path = root / f"cam{camera}" / f"{number:04d}" / f"{k + 1:04d}.jpg"
                    snap(path, number, 3 * camera + k, grey=camera in (3, 6))
    paint(root / "cam1" / "0500" / "0001.jpg")
    return root


@pytest.fixture
def regdb(tmp_path: Path) -> Path:
    """Eight identities with three images of each kind; in split k the identities from k on train."""
    root = tmp_path / "regdb"
    numbers = (1, 2, 3, 4, 10, 11, 12, 412)
    for number in numbers:
        for folder in ("Visible", "Thermal"):
            for k in range(3):
                path = root / folder / str(number) / f"side_{folder[0].lower()}_{k}.bmp"
                snap(path, number, k, grey=folder == "Thermal")
    (root / "idx").mkdir()
    for split in range(10):
        order = numbers[split % 8 :] + numbers[: split % 8]
        for part, chosen in (("train", order[:4]), ("test", order[4:])):
            for folder in ("Visible", "Thermal"):
                lines = [
                    f"{folder}/{number}/side_{folder[0].lower()}_{k}.bmp {label}\n"
                    for label, number in enumerate(
                        sorted(chosen)
                    )  # labels from 0, as the distributed lists have
                    for k in range(3)
                ]
                (root / "idx" / f"{part}_{folder.lower()}_{split + 1}.txt").write_text("".join(lines))
    return root


@pytest.fixture
def llcm(tmp_path: Path) -> Path:
    """Nine identities in three of the cameras 1 to 4 each, six of which train."""
    root = tmp_path / "llcm"
    (root / "idx").mkdir(parents=True)
    for part, numbers in (("train", (1, 2, 5, 6, 7, 1064)), ("test", (3, 4, 9))):
        for folder in ("vis", "nir"):
            lines = []
            for number in numbers:
                for camera in {1 + (number + k) % 4 for k in range(3)}:
                    for k in range(2 + camera % 2):
                        path = f"{folder}/{number:04d}/{number:04d}_c{camera:02d}_s1_f{k}_{folder}.jpg"
                        snap(root / path, number, 3 * camera + k, grey=folder == "nir")
                        lines.append(f"{path} {number}\n")
            (root / "idx" / f"{part}_{folder}.txt").write_text("".join(lines))
    return root


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of one's own: three identities to train on, two to test on."""
    root = tmp_path / "images"
    for part, names in (("train", ("ann", "bob", "cem")), ("test", ("dora", "eve"))):
        for modality in ("infrared", "visible"):
            for name in names:
                for k in range(2):
                    paint(root / part / modality / name / f"{k}.png", (ord(name[0]), k, 0))
    return root


def paint_face(path: Path, number: int, grey: bool) -> Path:
    """A plain image, a shade of its own for each subject."""
    shade = 40 + 10 * (number % 20)
    return paint(path, (shade, shade, shade) if grey else (shade, 200 - number % 100, 20))


@pytest.fixture
def cufs(tmp_path: Path) -> Path:
    """Twelve subjects, a photo in colour and a grey sketch each."""
    root = tmp_path / "cufs"
    for number in range(1, 13):
        paint_face(root / "photos" / f"f-{number:03d}.jpg", number, grey=False)
        paint_face(root / "sketches" / f"f-{number:03d}.jpg", number, grey=True)
    return root


@pytest.fixture
def cufsf(tmp_path: Path) -> Path:
    """Twelve subjects with gaps between their numbers, all images grey; one sketch in two has FERET's suffix."""
    root = tmp_path / "cufsf"
    for number in range(3, 39, 3):
        paint_face(root / "photos" / f"{number:05d}fa010_930831.jpg", number, grey=True)
        suffix = "fa010_930831" if number % 2 else ""
        paint_face(root / "sketches" / f"{number:05d}{suffix}.png", number, grey=True)
    return root


@pytest.fixture
def tufts(tmp_path: Path) -> Path:
    """Eight subjects with two or three aligned pairs each."""
    root = tmp_path / "tufts"
    for number in range(1, 9):
        for k in range(2 + number % 2):
            for folder in ("visible", "thermal"):
                paint_face(root / folder / str(number) / f"{k}.jpg", number, grey=folder == "thermal")
    return root


@pytest.fixture
def casia(tmp_path: Path) -> Path:
    """Eight subjects in two of the four sessions each; in fold k those from k on train. Lines as distributed."""
    root = tmp_path / "casia"
    numbers = (1, 2, 3, 10, 11, 10012, 10013, 30101)
    images: dict[tuple[int, str], list[str]] = {}
    for place, number in enumerate(numbers):
        for folder, count in (("VIS", 2), ("NIR", 3)):
            images[number, folder] = [
                f"s{1 + (place + k) % 2 * 2}/{folder}_128x128/{number:05d}/{k + 1:03d}.bmp"
                for k in range(count)
            ]
            for path in images[number, folder]:
                paint_face(root / path, number, grey=folder == "NIR")
    (root / "protocols").mkdir()
    for fold in range(10):
        order = numbers[fold % 8 :] + numbers[: fold % 8]
        for name, folder, chosen, most in (
            ("vis_train", "VIS", order[:4], 2),
            ("nir_train", "NIR", order[:4], 3),
            ("vis_gallery", "VIS", order[4:], 1),
            ("nir_probe", "NIR", order[4:], 3),
        ):
            lines = [path.replace("/", "\\") for number in chosen for path in images[number, folder][:most]]
            (root / "protocols" / f"{name}_{fold + 1}.txt").write_text("\r\n".join(lines) + "\r\n")
    return root


@pytest.fixture
def face() -> Callable[..., Path]:
    """Write an image of a subject: see `paint_face`."""
    return paint_face
