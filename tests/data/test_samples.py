"""Many files to one array on disk without holding them all, and the look at each of them for a check."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xmodal_lite.data.images import read_image
from xmodal_lite.data.kinds import ImageKind, SpectrumKind
from xmodal_lite.data.problems import Problems
from xmodal_lite.data.samples import OpenedSamples, inspect_samples, open_samples
from xmodal_lite.errors import DataError

PATHS = [f"x/{k}.jpg" for k in (3, 0, 4, 1, 2)]


def save(path: Path, mode: str = "RGB", size: tuple[int, int] = (6, 10), **options: object) -> Path:
    """Save noise of (width, height), which differs between names."""
    rng = np.random.default_rng(list(path.name.encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(path, **options)
    return path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    for k in range(5):
        save(tmp_path / "x" / f"{k}.jpg", size=(5 + k, 9))
    (tmp_path / "list.txt").write_text("1")
    return tmp_path


def opened(
    root: Path, paths: list[str] = PATHS, size: tuple[int, int] = (8, 4), grey: set[str] = frozenset()
) -> OpenedSamples:
    return open_samples(root, "toy", ImageKind(size), paths, ["list.txt"], grey)


def inspected(root: Path, grey: set[str] = frozenset()) -> Problems:
    problems = Problems()
    inspect_samples(root, ImageKind(), PATHS, grey, problems)
    return problems


def test_all_images_in_the_order_asked_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xmodal_lite.data.images.PIECE", 2)
    found = opened(root)
    assert isinstance(found.samples, np.memmap)
    assert (found.samples.shape, found.samples.dtype) == ((5, 3, 8, 4), np.uint8)
    for sample, path in zip(found.samples, PATHS, strict=True):
        np.testing.assert_array_equal(sample, read_image(root / path, (8, 4)))
    again = opened(root)
    assert (again.samples.filename, again.fingerprint) == (found.samples.filename, found.fingerprint)
    assert again.digests.tolist() == found.digests.tolist()
    assert len(set(found.digests.tolist())) == 5


def test_spectra_are_samples_as_images_are(root: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (root / name).write_text("".join(f"{x}, {(x % 97) + len(name)}\n" for x in range(200, 3000, 20)))
    kind = SpectrumKind()
    found = open_samples(root, "toy", kind, ["b.txt", "a.txt"])
    assert (found.samples.shape[1:], found.samples.dtype) == (kind.shape, np.float32)
    np.testing.assert_array_equal(found.samples[1, 0], SpectrumKind().read(root / "a.txt")[0])


def test_another_order_or_size_is_another_array_of_the_same_data(root: Path) -> None:
    first, turned, smaller = opened(root), opened(root, PATHS[::-1]), opened(root, size=(4, 4))
    np.testing.assert_array_equal(turned.samples, first.samples[::-1])
    assert turned.digests.tolist() == first.digests.tolist()[::-1]
    assert smaller.samples.shape[2:] == (4, 4)
    assert first.fingerprint == turned.fingerprint == smaller.fingerprint


def test_the_fingerprint_covers_names_images_and_lists(root: Path) -> None:
    seen = {opened(root).fingerprint}
    (root / "list.txt").write_text("2")
    seen.add(opened(root).fingerprint)
    save(root / "x" / "0.jpg", quality=20)
    seen.add(opened(root).fingerprint)
    (root / "x" / "0.jpg").rename(root / "x" / "00.jpg")
    seen.add(opened(root, [path.replace("0.", "00.") for path in PATHS]).fingerprint)
    assert len(seen) == 4


def test_damaged_images_leave_no_cache_and_are_counted(root: Path) -> None:
    for k in (4, 1):
        path = root / "x" / f"{k}.jpg"
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(
        DataError, match=r"4\.jpg: cannot be read as an image.* \(2 in all, also .*1\.jpg\)"
    ) as told:
        opened(root)
    assert not list((root / ".xmodal").iterdir())
    assert inspected(root).problems == [str(told.value)]  # the same words


def test_every_cause_is_told_once(root: Path) -> None:
    (root / "x" / "4.jpg").write_text("<html>moved</html>")
    (root / "x" / "1.jpg").unlink()
    Image.new("RGB", (9, 9), (3, 4, 5)).save(root / "x" / "2.jpg")
    problems = inspected(root).problems
    assert len(problems) == 3
    for words in ("4.jpg: cannot be read as an image", "1.jpg: no such file", "2.jpg: shows nothing"):
        assert any(words in problem for problem in problems)


def test_images_as_if_of_the_other_modality_are_found(root: Path) -> None:
    """One that should be grey is not; of the others one is, and that is odd where most are in colour."""
    save(root / "x" / "2.jpg", "L")
    found = inspected(root, {"x/1.jpg"})
    (problem,) = found.problems
    assert "x/1.jpg: is in colour where a grey image is meant" in problem
    (note,) = found.notes
    assert note.endswith("as if of the other camera: x/2.jpg")
    save(root / "x" / "3.jpg", "L")
    assert inspected(root, {"x/1.jpg"}).notes == []  # two of four are no exception
    assert inspected(root).notes == []  # nothing is known of this set


def test_grey_is_asked_of_some_and_is_in_the_key(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(root)
    with pytest.raises(DataError, match=r"x/1\.jpg: is in colour"):
        opened(root, grey={"x/1.jpg"})
    opened(root, grey={"x/9.jpg"})
    monkeypatch.setattr("xmodal_lite.data.images.decode_image", lambda *_, **__: pytest.fail("decoded again"))
    opened(root, grey={"x/9.jpg"})


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    """1,500 images at 288 x 144 are 187 MB decoded; the peak may rise by the pieces in flight alone."""
    save(tmp_path / "a.jpg", size=(40, 80))
    for k in range(1500):
        (tmp_path / f"{k}.jpg").hardlink_to(tmp_path / "a.jpg")
    script = f"""
import resource
from pathlib import Path
from xmodal_lite.data.kinds import ImageKind
from xmodal_lite.data.samples import open_samples
root, peak = Path({str(tmp_path)!r}), lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
open_samples(root, "warm", ImageKind((288, 144)), ["a.jpg"])
before = peak()
samples = open_samples(root, "toy", ImageKind((288, 144)), [f"{{k}}.jpg" for k in range(1500)]).samples
print(samples.nbytes / 2**20, peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    size, grown = map(float, done.stdout.split())
    assert size > 170
    assert grown < 110
