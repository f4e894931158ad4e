import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from xmodal_lite.data import cache
from xmodal_lite.errors import DataError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    return folder


class Builder:
    """Counts how often samples are prepared."""

    calls = 0

    def __call__(self) -> cache.Entry:
        self.calls += 1
        return np.arange(12, dtype=np.float32).reshape(3, 1, 4), {"path": np.array(["x", "y", "zz"])}


def ask(root: Path, build: Builder, **settings: object) -> cache.Entry:
    return cache.cached(root, "toy", [root / "a.txt"], settings, build)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_second_time_comes_from_the_cache(root: Path) -> None:
    build = Builder()
    first, second = ask(root, build), ask(root, build)
    assert build.calls == 1
    for samples, columns in (first, second):
        assert isinstance(samples, np.memmap)
        np.testing.assert_array_equal(samples, np.arange(12).reshape(3, 1, 4))
        assert columns["path"].tolist() == ["x", "y", "zz"]
    assert [path.parent.name for path in entries(root / ".xmodal")] == [".xmodal"]


def test_the_cache_may_lie_beside_something_else(root: Path, tmp_path: Path) -> None:
    build, place = Builder(), tmp_path / "run"
    for _ in range(2):
        cache.cached(root, "toy", [root / "a.txt"], {}, build, beside=place)
    assert build.calls == 1
    assert len(entries(place / ".xmodal")) == 1 and not entries(root / ".xmodal")


def test_samples_may_come_in_pieces(root: Path) -> None:
    whole = np.random.default_rng(0).integers(0, 256, (7, 3, 2), dtype=np.uint8)
    arrays = (whole[k : k + 3] for k in (0, 3, 6))
    samples, columns = cache.cached(
        root,
        "toy",
        [root / "a.txt"],
        {},
        lambda: (cache.Chunks(whole.shape, whole.dtype, arrays), {"n": np.array(7)}),
    )
    assert isinstance(samples, np.memmap)
    np.testing.assert_array_equal(samples, whole)
    assert columns["n"] == 7


def test_a_piece_that_fails_leaves_nothing(root: Path) -> None:
    def arrays() -> Iterator[np.ndarray]:
        yield np.zeros((2, 3), np.uint8)
        raise DataError("the third is damaged")

    with pytest.raises(DataError, match="third"):
        cache.cached(
            root,
            "toy",
            [root / "a.txt"],
            {},
            lambda: (cache.Chunks((4, 3), np.dtype(np.uint8), arrays()), {}),
        )
    assert entries(root / ".xmodal") == []


def test_settings_size_time_and_format_are_in_the_key(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Builder()
    ask(root, build, step=4.0)
    ask(root, build, step=2.0)
    assert build.calls == 2
    os.utime(root / "a.txt", ns=(0, 10**18))
    ask(root, build, step=4.0)
    assert build.calls == 3
    (root / "a.txt").write_text("longer")
    os.utime(root / "a.txt", ns=(0, 10**18))
    ask(root, build, step=4.0)
    assert build.calls == 4
    monkeypatch.setattr(cache, "FORMAT", cache.FORMAT + 1)
    ask(root, build, step=4.0)
    assert build.calls == 5


def test_exchanged_and_edited_files_are_others(root: Path) -> None:
    """Equal names, sizes and times of writing: inodes show an exchange, times of change an edit."""
    build = Builder()
    for name in "ab":
        (root / f"{name}.txt").write_text(name)
        os.utime(root / f"{name}.txt", ns=(0, 10**18))
    files = [root / "a.txt", root / "b.txt"]
    cache.cached(root, "toy", files, {}, build)
    files[0].rename(root / "kept"), files[1].rename(files[0]), (root / "kept").rename(files[1])
    cache.cached(root, "toy", files, {}, build)
    assert build.calls == 2
    files[0].write_text("c")
    os.utime(files[0], ns=(0, 10**18))
    cache.cached(root, "toy", files, {}, build)
    assert build.calls == 3
    cache.cached(root, "toy", files[::-1], {}, build)
    assert build.calls == 3  # the order in which they are named says nothing


def test_what_a_killed_process_left_is_removed(root: Path) -> None:
    script = f"""
import os, numpy as np
from pathlib import Path
from xmodal_lite.data import cache
root = Path({str(root)!r})
def pieces():
    yield np.zeros((2, 3), np.uint8)
    os._exit(9)
build = lambda: (cache.Chunks((4, 3), np.dtype(np.uint8), pieces()), {{}})
cache.cached(root, "another", [root / "a.txt"], {{}}, build)
"""
    done = subprocess.run([sys.executable, "-B", "-c", script], check=False)
    assert done.returncode == 9 and len(entries(root / ".xmodal")) == 1
    ask(root, Builder())
    assert [path.name.partition("-")[0] for path in entries(root / ".xmodal")] == ["toy"]


def test_a_root_that_cannot_be_written_uses_the_users_folder(root: Path) -> None:
    (root / ".xmodal").write_text("a file where the folder should be")  # fails for the superuser too
    build = Builder()
    ask(root, build)
    ask(root, build)
    assert build.calls == 1
    assert len(entries(root.parent / "user" / "xmodal-lite")) == 1


def test_two_roots_that_look_the_same_do_not_share_the_users_folder(root: Path) -> None:
    other = root.parent / "other"
    other.mkdir()
    for folder in (root, other):
        (folder / ".xmodal").write_text("")
        (folder / "a.txt").write_text("a")
        os.utime(folder / "a.txt", ns=(0, 10**18))
    for folder, number in ((root, 1.0), (other, 2.0)):
        samples, _ = cache.cached(
            folder, "toy", [folder / "a.txt"], {}, lambda n=number: (np.full((2, 2), n), {})
        )
        assert (samples == number).all()
    build, link = Builder(), root.parent / "link"
    link.symlink_to(root)
    cache.cached(link, "toy", [link / "a.txt"], {}, build)
    assert build.calls == 0  # the same folder by another name


def test_no_folder_that_can_be_written(root: Path) -> None:
    (root / ".xmodal").write_text("")
    (root.parent / "user").write_text("")
    with pytest.raises(DataError, match=r"neither .*\.xmodal nor .*xmodal-lite can be written"):
        ask(root, Builder())


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("function", ["save", "savez"])
def test_full_disk_leaves_nothing_half_written(
    root: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(np, function, full_disk)
        with pytest.raises(DataError, match=r"No space left.*free"):
            ask(root, Builder())
    assert entries(root / ".xmodal") == []
    samples, _ = ask(root, Builder())  # and the next try, with space, succeeds
    assert samples.shape == (3, 1, 4)


def test_a_write_cut_short_by_the_system(root: Path) -> None:
    """The operating system itself refuses to let a file grow: numpy then reports no errno."""
    script = f"""
import resource, numpy as np
from pathlib import Path
from xmodal_lite.data.cache import cached
from xmodal_lite.errors import DataError
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
root = Path({str(root)!r})
try:
    cached(root, "toy", [root / "a.txt"], {{}}, lambda: (np.zeros((9, 1, 999)), {{}}))
except DataError as error:
    print("refused:", error)
"""
    done = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("refused:")
    assert entries(root / ".xmodal") == []


def test_damaged_entry_is_made_again(root: Path) -> None:
    build = Builder()
    ask(root, build)
    (entry,) = entries(root / ".xmodal")
    (entry / "samples.npy").write_bytes((entry / "samples.npy").read_bytes()[:-8])
    samples, _ = ask(root, build)
    assert build.calls == 2
    assert float(samples.sum()) == 66.0
    assert entries(root / ".xmodal") == [entry]


def test_two_processes_at_once(root: Path) -> None:
    """All prepare, one entry stays, each gets whole samples."""
    script = f"""
import sys, time, numpy as np
from pathlib import Path
from xmodal_lite.data.cache import cached
root = Path({str(root)!r})
def build():
    print("prepares", flush=True)
    sys.stdin.readline()
    return np.ones((500, 1, 100)), {{"path": np.array(["a"])}}
samples, _ = cached(root, "toy", [root / "a.txt"], {{}}, build)
print(samples.sum())
"""
    command, pipe = [sys.executable, "-c", script], subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    said = [process.stdout.readline() for process in processes]
    assert said == ["prepares\n"] * 3  # all are in `build` now
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == ["50000.0\n"] * 3
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(entries(root / ".xmodal")) == 1
