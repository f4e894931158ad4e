"""Inputs after public bug reports, and further ones of the same kinds: what must come out of each.

The folder of cases lies beside the repository, or where XMODAL_SHARED says; without it those tests are skipped.
"""

import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xmodal_lite.benchmarks import check, load
from xmodal_lite.data.images import read_image
from xmodal_lite.errors import DataError

SHARED = Path(os.environ.get("XMODAL_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))
SMALL = (16, 8)


@pytest.fixture
def case(tmp_path: Path) -> Callable[[str], Path]:
    """Copy a case, since `check` and `load` write into it."""

    def copy(name: str) -> Path:
        if not (SHARED / "cases" / name).is_dir():
            pytest.skip(
                f"{SHARED / 'cases' / name} is not here; set XMODAL_SHARED to the folder that holds 'cases'"
            )
        return shutil.copytree(SHARED / "cases" / name, tmp_path / "case")

    return copy


def noise(path: Path, seed: int, grey: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 8, 1 if grey else 3), dtype=np.uint8)
    Image.fromarray(np.repeat(pixels, 3, 2) if grey else pixels).save(path)
    return path


def refused_alike(name: str, root: Path, words: str) -> None:
    """Both find the one problem, in the same words."""
    (problem,) = check(name, root)
    assert re.search(words, problem), problem
    with pytest.raises(DataError, match=re.escape(problem)):
        load(name, root, size=SMALL)


# ---- C: depth, content, damage


def test_sixteen_bits_in_colour(case: Callable[[str], Path]) -> None:
    root = case("thermal-sixteen-bits-in-colour")
    words = (
        r"train/infrared/p1/0\.png: has 16 bits a channel.*save it .* with 8 bits a channel \(4 in all, also "
    )
    assert any(re.search(words, problem) for problem in check("folder", root / "input"))
    with pytest.raises(DataError, match=words):
        load("folder", root / "input", size=SMALL)
    for name in ("counts.tif", "to-255.png", "grey.png"):
        with pytest.raises(DataError, match=rf"{name}: .*save it .* with 8 bits a channel"):
            read_image(root / "files" / name)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (40, 80, 120)])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_an_image_that_shows_nothing(images: Path, colour: tuple[int, int, int], suffix: str) -> None:
    Image.new("RGB", (9, 17), colour).save(images / "test/visible/eve" / f"9.{suffix}")
    refused_alike("folder", images, rf"eve/9\.{suffix}: shows nothing: all its pixels have the same colour")


def photo(seed: int, **options: object) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (18, 12, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((96, 144), Image.Resampling.BICUBIC)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut, with an end marker": lambda data: data[: 2 * len(data) // 3] + b"\xff\xd9",
    "a piece lost": lambda data: data[: len(data) // 2] + data[len(data) // 2 + 400 :],
    "a piece too many": lambda data: data[: len(data) // 2] + data[len(data) // 2 - 400 :],
    "a foreign marker": lambda data: data[: len(data) // 2] + b"\xff\xee\x00" + data[len(data) // 2 + 3 :],
    "the end of another file": lambda data: data[: len(data) // 2] + bytes(range(250)) * 4 + data[-400:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_inside_a_jpeg(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.jpg"
    photo(3).save(path, quality=90)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    Image.open(path).convert("RGB")  # Pillow raises nothing
    with pytest.raises(
        DataError, match=r"a\.jpg: cannot be read as an image \((damaged JPEG|image file is trunc)"
    ):
        read_image(path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"quality": 20},
        {"optimize": True},
        {"progressive": True},
        {"subsampling": 0},
        {"restart_marker_rows": 1},
    ],
)
def test_sound_jpegs_are_read(tmp_path: Path, options: dict[str, object]) -> None:
    for seed in range(20):
        path = tmp_path / "a.jpg"
        image = photo(seed).crop((0, 0, 8 + 4 * seed, 9 + 3 * seed))
        (image.convert("L") if seed % 3 == 0 else image).save(path, **options)
        np.testing.assert_array_equal(
            read_image(path), np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)
        )
        path.write_bytes(path.read_bytes() + b"what an owner appended")
        read_image(path)


@pytest.mark.parametrize(
    "content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"GIF89a" + bytes(40), b"%PDF-1.4"]
)
def test_another_format_under_the_suffix_starts_no_program(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "check_call", lambda *_, **__: pytest.fail("ran a program"))
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.jpg: cannot be read as an image .*it is none of JPEG"):
        read_image(tmp_path / "a.jpg")


# ---- D: an answer that is given away


def test_one_identity_left(case: Callable[[str], Path]) -> None:
    words = "one identity, p5, is left to test in visible and infrared, so no pair is of two"
    refused_alike("folder", case("one-identity-left") / "folder", words)


def test_one_identity_in_one_gallery(images: Path) -> None:
    shutil.rmtree(images / "test/visible/eve")
    refused_alike("folder", images, "one identity, dora, is left to test in visible, so no pair")


def test_copies(case: Callable[[str], Path]) -> None:
    root = case("copies-in-train-and-test") / "input"
    problems = check("folder", root)
    for words in (
        r"p6/0\.png and test/visible/p6/0\.png, test/visible/p7/0 \(1\)\.png: hold the same bytes under several",
        r"test/infrared/p6/1\.png and test/visible/p6/1\.png: hold the same bytes in both modalities",
        r"p5/0 - Copy\.png and train/visible/p1/0\.png: .* under several identities and in training and in test",
    ):
        assert any(re.search(words, problem) for problem in problems), words
    with pytest.raises(DataError, match=re.escape(problems[0])):
        load("folder", root, size=SMALL)


def test_copies_in_a_set_of_its_owners(regdb: Path, cufs: Path) -> None:
    (regdb / "synthetic.json").write_text("{}")
    shutil.copy(regdb / "Thermal/1/side_t_0.bmp", regdb / "Thermal/412/side_t_2.bmp")
    for _ in range(2):  # from the files, then from the cache
        refused_alike(
            "regdb", regdb, "side_t_0.bmp and .*side_t_2.bmp: hold the same bytes under several identities"
        )
    (cufs / "synthetic.json").write_text("{}")
    shutil.copy(cufs / "sketches/f-001.jpg", cufs / "photos/f-001.jpg")
    refused_alike(
        "cufs", cufs, "photos/f-001.jpg and sketches/f-001.jpg: hold the same bytes in both modalities"
    )


def test_a_copy_within_one_folder_is_noted(images: Path) -> None:
    shutil.copy(images / "test/visible/eve/0.png", images / "test/visible/eve/0 - Copy.png")
    report = check("folder", images)
    assert list(report) == []
    assert any(
        note.startswith("copies of one file, all are used: test/visible/eve/0 - Copy.png")
        for note in report.notes
    )


# ---- E: files exchanged


def test_files_exchanged(case: Callable[[str], Path]) -> None:
    root = case("files-exchanged-unseen") / "RegDB"
    for path in root.rglob("*.bmp"):
        os.utime(path, (1.5e9, 1.5e9))
    before = load("regdb", root, size=SMALL)
    a, b = (root / path for path in before.table.path[:2].tolist())
    a.rename(root / "kept"), b.rename(a), (root / "kept").rename(b)
    after = load("regdb", root, size=SMALL)
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.samples[0], before.samples[1])
    np.testing.assert_array_equal(after.samples[1], before.samples[0])


def test_an_edit_that_keeps_size_and_time(images: Path) -> None:
    path = images / "test/visible/eve/0.bmp"
    noise(path, 1)
    os.utime(path, (1.5e9, 1.5e9))
    before = load("folder", images, size=SMALL)
    noise(path, 2)
    os.utime(path, (1.5e9, 1.5e9))
    assert load("folder", images, size=SMALL).fingerprint != before.fingerprint


# ---- G: file systems


def test_names_composed_or_not(tmp_path: Path, case: Callable[[str], Path]) -> None:
    root = case("names-composed-or-not")
    subprocess.run([sys.executable, "make.py"], cwd=root, check=True)
    report = check("folder", root / "folder")
    assert (list(report), report.counts["test identities"]) == ([], 3)
    assert any("counted as one identity: 'Zoe\\u0301' and 'Zo\\xe9'" in note for note in report.notes)
    benchmark = load("folder", root / "folder", size=SMALL)
    assert len(benchmark.split("standard", 0).unpaired) == 0


def test_case_and_blanks(images: Path) -> None:
    (images / "train/visible/cem").rename(images / "train/visible/Cem")
    (images / "test/infrared/eve").rename(images / "test/infrared/eve ")
    report = check("folder", images)
    assert list(report) == []
    assert any("'Cem' and 'cem'" in note and "'eve' and 'eve '" in note for note in report.notes)
    assert len(load("folder", images, size=SMALL).table.identity_names) == 5
    (images / "train/visible/cem").mkdir()
    (images / "train/visible/Cem/0.png").rename(images / "train/visible/cem/0.png")
    refused_alike(
        "folder", images, "'Cem' and 'cem' differ only in case, blanks or the composition of accents"
    )


def test_an_identity_of_another_spelling_in_the_other_part(images: Path) -> None:
    (images / "test/visible/dora").rename(images / "test/visible/Ann")
    (images / "test/infrared/dora").rename(images / "test/infrared/Ann")
    assert any("identity Ann is in train and in test" in problem for problem in check("folder", images))


def test_sketches_of_names_in_another_form(cufs: Path) -> None:
    name = "f-jos\u00e9.jpg"
    (cufs / "photos/f-001.jpg").rename(cufs / "photos" / unicodedata.normalize("NFC", name))
    (cufs / "sketches/f-001.jpg").rename(cufs / "sketches" / unicodedata.normalize("NFD", name))
    assert len(load("cufs", cufs, size=SMALL).table.specimens_in_both()) == 12


def test_links_to_folders_are_followed(images: Path, tmp_path: Path) -> None:
    whole = load("folder", images, size=SMALL)
    for place in ("train/visible/ann", "test/infrared", "train"):
        away = tmp_path / place.replace("/", "-")
        (images / place).rename(away)
        (images / place).symlink_to(away)
    (images / "test/visible/loop").symlink_to(images / "test/visible/loop")
    assert load("folder", images, size=SMALL).fingerprint == whole.fingerprint


def test_folders_of_network_disks_are_no_data(images: Path) -> None:
    whole = load("folder", images, size=SMALL)
    for place in ("train", "train/visible", "train/visible/ann", "test/infrared"):
        for name in ("@eaDir", "__MACOSX", ".thumbnails", "#recycle"):
            noise(images / place / name / "0.png", 5)
    (images / "train/visible/ann/desktop.ini").write_text("x")
    assert load("folder", images, size=SMALL).fingerprint == whole.fingerprint
    assert check("folder", images).notes == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("place", [b"test/visible/eve", b"test/visible"])
def test_a_name_that_is_not_utf_8(images: Path, place: bytes) -> None:
    folder = os.path.join(os.fsencode(images), place)
    if place.endswith(b"eve"):
        os.rename(os.path.join(folder, b"0.png"), os.path.join(folder, b"\xe9.png"))
    else:
        os.rename(os.path.join(folder, b"eve"), os.path.join(folder, b"ev\xe9"))
    problems = check("folder", images)
    assert re.search(r"\\xe9(\.png)?: its name is not UTF-8; rename it", problems[0])
    problems[0].encode()
    with pytest.raises(DataError, match="its name is not UTF-8"):
        load("folder", images, size=SMALL)


# ---- H: owners' spelling, one cause once


@pytest.mark.parametrize("copy", ["folders-and-suffixes", "suffixes-only"])
def test_the_lists_of_casia_s_owners(case: Callable[[str], Path], copy: str) -> None:
    root = case("casia-lists-of-its-owners")
    report = check("casia-nir-vis", root / copy)
    assert list(report) == []
    assert any(
        "in all, also" in note and "is read as s1/VIS_128x128/00001/001.bmp" in note for note in report.notes
    )
    ours = load("casia-nir-vis", root / "as-the-reader-wants-them", size=SMALL)
    theirs = load("casia-nir-vis", root / copy, size=SMALL)
    np.testing.assert_array_equal(theirs.table.path, ours.table.path)
    np.testing.assert_array_equal(theirs.samples, ours.samples)
    for fold in range(10):
        np.testing.assert_array_equal(theirs.split("view2", fold).test, ours.split("view2", fold).test)


@pytest.mark.parametrize(
    ("copy", "words"),
    [
        ("suffix-in-capitals", r"line 1: Visible/1/v_1_0\.bmp ends in \.bmp, the file in \.BMP"),
        ("tab-before-the-label", r"line 1: .* has a tab before the label"),
        ("set-before-the-path", r"line 1: .* begins with 'RegDB/', which is not in this copy"),
    ],
)
def test_lists_and_files_spelt_apart(case: Callable[[str], Path], copy: str, words: str) -> None:
    root = case("lists-and-files-spelt-apart") / copy
    refused_alike("regdb", root, words + r".* \(160 in all, also ")


def test_missing_images_are_one_problem(regdb: Path) -> None:
    (regdb / "synthetic.json").write_text("{}")
    for path in regdb.glob("Visible/*/side_v_2.bmp"):
        path.unlink()
    refused_alike("regdb", regdb, r"side_v_2\.bmp is not in this copy; ask the owners .* \(80 in all")


@pytest.mark.parametrize("deeper", ["RegDB", "data/RegDB"])
def test_a_set_one_folder_deeper(regdb: Path, tmp_path: Path, deeper: str) -> None:
    root = tmp_path / "root"
    (root / deeper).parent.mkdir(parents=True)
    regdb.rename(root / deeper)
    refused_alike(
        "regdb", root, f"root: holds none of Visible, Thermal, idx, but .*{deeper} does; give that folder"
    )
    refused_alike(
        "regdb", tmp_path / "gone", "gone: no such folder; give the folder that holds Visible, Thermal, idx"
    )
    (tmp_path / "void").mkdir()
    refused_alike("regdb", tmp_path / "void", "void: holds none of Visible, Thermal, idx; give")


def test_names_of_tufts_owners(tufts: Path) -> None:
    before = load("tufts", tufts, size=SMALL)
    for folder, word in (("visible", "RGB"), ("thermal", "IR")):
        for path in tufts.glob(f"{folder}/*/*.jpg"):
            path.rename(path.with_name(f"TD_{word}_E_{path.name}"))
    after = load("tufts", tufts, size=SMALL)
    np.testing.assert_array_equal(after.samples, before.samples)
    np.testing.assert_array_equal(after.table.pair, before.table.pair)


@pytest.mark.parametrize("name", ["{sex}2-{number}-sz1.jpg", "{small}-{number}-sz1.jpg"])
def test_names_of_cufs_owners(cufs: Path, name: str) -> None:
    for folder in ("photos", "sketches"):
        for path in (cufs / folder).iterdir():
            path.rename(path.with_name(f"{path.stem}-01.jpg"))
    before = load("cufs", cufs, size=SMALL)
    for path in (cufs / "sketches").iterdir():
        small, number = path.stem.split("-", 1)
        path.rename(path.with_name(name.format(sex=small.upper(), small=small, number=number)))
    after = load("cufs", cufs, size=SMALL)
    assert after.table.identity_names == before.table.identity_names
    np.testing.assert_array_equal(after.samples, before.samples)


def test_suffixes_that_are_not_read_are_named(images: Path) -> None:
    for name in ("a.gif", "b.jfif", "c.JFIF"):
        (images / "train/visible/ann" / name).write_bytes(b"x")
    notes = check("folder", images).notes
    assert any("a.gif: left out, files ending in .gif are not read" in note for note in notes)
    assert any("files ending in .jfif are not read (2 in all" in note for note in notes)


# ---- P: nothing but regular files of a reasonable size is opened


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_not_waited_for(images: Path) -> None:
    os.mkfifo(images / "test/visible/eve/9.png")
    refused_alike("folder", images, r"eve/9\.png: is a pipe, a socket or a device, not a file; remove it")
    with pytest.raises(DataError, match="is a pipe"):
        read_image(images / "test/visible/eve/9.png")


def test_files_and_images_too_large(images: Path) -> None:
    path = images / "test/visible/eve/9.png"
    with open(path, "wb") as file:
        file.truncate(1 << 40)  # takes no room
    refused_alike("folder", images, r"eve/9\.png: is larger than 268,435,456 bytes \(1,099,511,627,776")
    Image.new("1", (9000, 9000)).save(path)
    refused_alike("folder", images, r"eve/9\.png: has more than 67,108,864 pixels \(9,000 x 9,000\)")
