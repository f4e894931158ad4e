"""Data of one's own: images, then spectra."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xmodal_lite.benchmarks import check, load
from xmodal_lite.data.images import read_image
from xmodal_lite.data.spectra import prepare, read_spectrum
from xmodal_lite.errors import DataError

SMALL = (16, 8)


def save_noise(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 4, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def spectra(tmp_path: Path) -> Path:
    """Four minerals in two kinds of spectra."""
    root, rng = tmp_path / "spectra", np.random.default_rng(0)
    for part, names in (("train", ("calcite", "quartz")), ("test", ("talc", "zircon"))):
        for modality in ("raman", "ftir"):
            for name in names:
                path = root / part / modality / name / "1.csv"
                path.parent.mkdir(parents=True)
                rows = zip(np.linspace(200, 3000, 50), rng.random(50), strict=True)
                path.write_text("".join(f"{x:.2f},{y:.5f}\n" for x, y in rows))
    return root


def test_images(images: Path) -> None:
    benchmark = load("folder", images)
    assert benchmark.samples.shape == (20, 3, 288, 144)
    benchmark = load("folder", images, size=SMALL)
    table = benchmark.table
    assert (benchmark.dims, benchmark.modalities, benchmark.source) == (2, ("visible", "infrared"), "real")
    for row in (0, 11, 19):
        _, modality, identity, _ = table.path[row].split("/")
        np.testing.assert_array_equal(benchmark.samples[row], read_image(images / table.path[row], SMALL))
        assert benchmark.modalities[table.modality[row]] == modality
        assert table.identity_names[table.identity[row]] == identity
    split = benchmark.split("standard", 0)
    assert {path.split("/")[0] for path in table.path[split.train]} == {"train"}
    assert {path.split("/")[0] for path in table.path[split.test]} == {"test"}
    assert list(check("folder", images)) == []


def test_every_test_sample_of_the_other_modality_is_the_gallery(images: Path) -> None:
    benchmark = load("folder", images, size=SMALL)
    split = benchmark.split("standard", 0)
    test = benchmark.table.select(split.test)
    report = split.evaluate(np.eye(5)[test.identity])
    assert report.metrics["v2r/minp"] == report.metrics["r2v/identities/rank1"] == 1
    for words in (
        "folder images",
        "v2r visible queries in infrared gallery",
        "v2r: 4 queries",
        "no re-ranking",
    ):
        assert words in report.protocol
    swapped = np.eye(5)[test.identity[::-1]]  # dora's features for eve's images in the other modality
    mixed = np.where((test.modality == 0)[:, None], np.eye(5)[test.identity], swapped)
    assert split.evaluate(mixed).metrics["v2r/identities/rank1"] < 1


def test_spectra(spectra: Path) -> None:
    benchmark = load("folder", spectra)
    assert (benchmark.dims, benchmark.modalities) == (1, ("raman", "ftir"))
    assert benchmark.samples.dtype == np.float32
    for row, path in enumerate(benchmark.table.path):
        np.testing.assert_array_equal(benchmark.samples[row, 0], prepare(read_spectrum(spectra / path)))
    split = benchmark.split("standard", 0)
    assert len(split.evaluate(benchmark.samples[split.test].reshape(4, -1)).metrics) == 20
    assert load("folder", spectra).fingerprint == benchmark.fingerprint
    assert list(check("folder", spectra)) == []


def test_what_was_changed_in_spectra_is_counted_and_noted(spectra: Path) -> None:
    words = "axes repaired: descending, reversed"
    assert not any("repaired" in name for name in check("folder", spectra).counts)
    for name in ("talc", "zircon"):
        path = spectra / "test/ftir" / name / "1.csv"
        path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    report = check("folder", spectra)
    assert (list(report), report.counts[words]) == ([], 2)
    assert report.notes == [f"test/ftir/talc/1.csv: {words} (2 in all, also test/ftir/zircon/1.csv)"]


def test_modalities_of_any_name(images: Path) -> None:
    for part in ("train", "test"):
        (images / part / "visible").rename(images / part / "sketch")
        (images / part / "infrared").rename(images / part / "Photo")
    assert load("folder", images, size=SMALL).modalities == ("Photo", "sketch")


def test_an_identity_in_one_modality(images: Path) -> None:
    shutil.rmtree(images / "train" / "infrared" / "bob")
    shutil.rmtree(images / "test" / "visible" / "eve")
    for modality in ("infrared", "visible"):
        for k in range(2):
            save_noise(images / "test" / modality / "flo" / f"{k}.png", seed=10 * k + len(modality))
    benchmark = load("folder", images, size=SMALL)
    split = benchmark.split("standard", 0)
    assert {path.split("/")[2] for path in benchmark.table.path[split.unpaired]} == {"bob"}
    report = split.evaluate(np.eye(6)[benchmark.table.identity[split.test]])
    assert "r2v: 6 queries, 4 of them with a match, in 4 gallery images" in report.protocol
    assert report.metrics["r2v/rank1"] == 1


def copy(source: str, target: str) -> Callable[[Path], object]:
    return lambda root: shutil.copytree(root / source, root / target, dirs_exist_ok=True)


def truncate(root: Path) -> None:
    path = root / "test/visible/eve/1.png"
    path.write_bytes(path.read_bytes()[:50])


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing part": (lambda root: shutil.rmtree(root / "test"), r"test: no such folder; the layout is"),
    "three modalities": (
        copy("train/visible", "train/depth"),
        r"has the modalities depth, infrared, visible; the layout",
    ),
    "other modalities in the test": (
        lambda root: (root / "test" / "visible").rename(root / "test" / "rgb"),
        "has the modalities infrared, rgb, visible",
    ),
    "two splits": (copy("train/visible/ann", "test/infrared/ann"), "identity ann is in train and in test"),
    "empty folder": (
        lambda root: (root / "train/visible/fay").mkdir(),
        r"train/visible/fay: holds no \.jpg.*\.csv file",
    ),
    "no identity": (
        lambda root: [shutil.rmtree(path) for path in (root / "test/visible").iterdir()],
        r"test/visible: holds no identity folder",
    ),
    "truncated": (truncate, r"test/visible/eve/1\.png: cannot be read as an image"),
    "wrong mode": (
        lambda root: Image.new("RGBA", (4, 4)).save(root / "train/visible/ann/1.png"),
        r"train/visible/ann/1\.png: is an image of mode RGBA",
    ),
    "a text among images": (
        lambda root: (root / "train/visible/ann/notes.txt").write_text("1 2\n3 4\n"),
        r"train/visible/ann/notes\.txt: is a file of the other kind, as are 1 of 21",
    ),
    "nothing to train on": (
        lambda root: [shutil.rmtree(root / "train/visible" / name) for name in ("ann", "bob")],
        "1 of the training identities",
    ),
    "nothing to find": (
        lambda root: (shutil.rmtree(root / "test/visible/eve"), shutil.rmtree(root / "test/infrared/dora")),
        "no test identity has samples in both modalities",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_names_the_file(images: Path, fault: str) -> None:
    break_it, words = FAULTS[fault]
    break_it(images)
    with pytest.raises(DataError, match=words):
        load("folder", images, size=SMALL)
    assert any(re.search(words, problem) for problem in check("folder", images))


def test_a_damaged_spectrum(spectra: Path) -> None:
    (spectra / "test/ftir/talc/1.csv").write_text("no numbers")
    with pytest.raises(DataError, match=r"test/ftir/talc/1\.csv: holds no numbers"):
        load("folder", spectra)
    (problem,) = check("folder", spectra)
    assert "talc/1.csv: holds no numbers" in problem


def test_spectra_over_another_axis_are_refused(spectra: Path) -> None:
    """Over micrometres, say: nothing of them lies on the axis."""
    (spectra / "test/ftir/talc/1.csv").write_text("".join(f"{2.5 + 0.5 * i},{i % 7}\n" for i in range(40)))
    words = r"test/ftir/talc/1\.csv: no signal between 100 and 4,004 cm\^-1; is the axis in cm\^-1\?"
    for _ in range(2):  # nothing that would be taken for good the second time is kept
        with pytest.raises(DataError, match=words):
            load("folder", spectra)
    (problem,) = check("folder", spectra)
    assert re.search(words, problem)


def test_what_is_left_out_or_alone_is_noted(images: Path) -> None:
    assert check("folder", images).notes == []
    (images / "train/visible/ann/1.heic").write_bytes(b"x")
    (images / "test/infrared/eve/notes.md").write_bytes(b"x")
    (images / "test/infrared/eve/.hidden").write_bytes(b"x")
    (images / "train/visible/ann/2.heic").write_bytes(b"x")
    (images / "train/visible/cem/deeper").mkdir()
    (images / "train/visible/0.png").write_bytes(b"x")
    shutil.rmtree(images / "train/visible/bob")
    notes = check("folder", images).notes
    root = f"{images}/"
    assert [note.replace(root, "") for note in notes] == [
        "train/visible/0.png: left out, it lies outside the folders of the identities",
        "train/visible/ann/1.heic: left out, files ending in .heic are not read "
        "(2 in all, also train/visible/ann/2.heic)",
        "train/visible/cem/deeper: left out, folders at this place are not entered",
        "test/infrared/eve/notes.md: left out, files ending in .md are not read",
        "1 training identities in one modality only: bob",
    ]


def test_files_of_the_system_are_passed_over(images: Path) -> None:
    (images / "train" / ".DS_Store").write_bytes(b"x")
    (images / "train/visible/ann/._0.png").write_bytes(b"x")
    (images / "train/visible/ann/Thumbs.db").write_bytes(b"x")
    assert len(load("folder", images, size=SMALL).table) == 20
