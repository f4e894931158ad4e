"""Files and folders that appear whole or not at all."""

import hashlib
import os
import subprocess
import sys

import pytest

from xmodal_lite.files import _host, atomic_folder, remove_partial, sha256, write_atomic

HOST = _host()


def test_a_file_is_written_whole(tmp_path):
    for content, expected in (("µ\n", "µ\n".encode()), (b"\0", b"\0"), (lambda file: file.write(b"x"), b"x")):
        write_atomic(tmp_path / "new" / "a.txt", content)
        assert (tmp_path / "new" / "a.txt").read_bytes() == expected
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_an_error_leaves_the_previous_file_and_no_temporary(tmp_path):
    write_atomic(tmp_path / "a", "before")

    def fail(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomic(tmp_path / "a", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "before"


def test_a_folder_appears_whole(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("new", "there"):
        with atomic_folder(tmp_path / name) as folder:
            (folder / "a").write_text("x")
            assert not (tmp_path / name / "a").exists()
        assert (tmp_path / name / "a").read_text() == "x"
    with pytest.raises(KeyError), atomic_folder(tmp_path / "other") as folder:
        raise KeyError
    with pytest.raises(OSError), atomic_folder(tmp_path / "there"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "there"]


def test_temporaries_of_dead_processes_are_removed_and_those_of_live_ones_stay(tmp_path):
    code = "import os, sys; print(os.getpid())"
    dead = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    (tmp_path / f".a.{HOST}-{dead}-00000000.partial").touch()
    (tmp_path / f".a.{HOST}-{dead}-11111111.partial").mkdir()
    (tmp_path / f".a.{HOST}-{os.getpid()}-00000000.partial").touch()
    (tmp_path / ".somebody's own.partial").touch()
    other, old = (tmp_path / f".a.other-{dead}-0000000{i}.partial" for i in range(2))
    other.touch()
    old.touch()
    os.utime(old, (1e9, 1e9))
    assert len(remove_partial(tmp_path)) == 3
    assert len(list(tmp_path.iterdir())) == 3
    (tmp_path / f".a[1].{HOST}-{dead}-00000000.partial").touch()
    write_atomic(tmp_path / "a[1]", "x")
    assert not (tmp_path / f".a[1].{HOST}-{dead}-00000000.partial").exists()


def test_the_hash_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc" * 100_000)
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()
