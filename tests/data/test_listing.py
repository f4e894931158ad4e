"""Folders of any disk: links, loops, names, pipes; and files that are not opened."""

import os
import pickle
import sys
from pathlib import Path

import pytest

from xmodal_lite.data.listing import is_system, list_folder, read_file, walk_files
from xmodal_lite.data.problems import FileError, Problems
from xmodal_lite.errors import DataError


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.name)
    return path


def test_links_count_as_what_they_lead_to(tmp_path: Path) -> None:
    write(tmp_path / "away/b/2.txt")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/folder").symlink_to(tmp_path / "away/b")
    (tmp_path / "data/file.txt").symlink_to(tmp_path / "away/b/2.txt")
    (tmp_path / "data/nowhere.txt").symlink_to(tmp_path / "gone")
    assert list_folder(tmp_path / "data", Problems()) == (["folder"], ["file.txt", "nowhere.txt"])


def test_a_walk_follows_links_and_enters_each_folder_once(tmp_path: Path) -> None:
    for path in ("root/b/2.txt", "elsewhere/1.txt", "root/.hidden.txt", "root/c.txt"):
        write(tmp_path / path)
    (tmp_path / "root/a").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/c").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/b/loop").symlink_to(tmp_path / "root")
    problems = Problems()
    found = [path.relative_to(tmp_path).as_posix() for path in walk_files(tmp_path / "root", problems)]
    assert found == ["root/c.txt", "root/a/1.txt", "root/b/2.txt"]
    assert not problems
    assert walk_files(tmp_path / "nowhere", problems) == []
    assert problems.problems[0].startswith(f"{tmp_path / 'nowhere'}: cannot be opened")


def test_system_files_are_passed_over(tmp_path: Path) -> None:
    for name in (
        "@eaDir/1.txt",
        "__MACOSX/1.txt",
        ".thumbnails/1.txt",
        "System Volume Information/1.txt",
        "Thumbs.db",
        ".DS_Store",
        "Desktop.ini",
        "1.txt",
    ):
        write(tmp_path / name)
    assert list_folder(tmp_path, Problems()) == ([], ["1.txt"])
    assert not is_system("eaDir") and is_system("@EADIR")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_and_pipes_that_are_no_data_are_named(tmp_path: Path) -> None:
    for k in range(4):
        with open(os.path.join(os.fsencode(tmp_path), b"caf\xe9%d.txt" % k), "w") as file:
            file.write("x")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    problems = Problems()
    assert list_folder(tmp_path, problems).files == ["loop.txt"]  # whose reader says what is wrong
    assert len(problems.problems) == 2 and len(problems) == 5
    assert any(
        r"caf\xe9" in words and "not UTF-8; rename it (4 in all, also" in words for words in problems.problems
    )
    with pytest.raises(DataError, match=r"pipe\.txt: is a pipe"):
        read_file(tmp_path / "pipe.txt")
    with pytest.raises(DataError, match=r"loop\.txt: cannot be opened"):
        read_file(tmp_path / "loop.txt")


def test_what_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"gone: no such file; restore it"):
        read_file(tmp_path / "gone")
    with pytest.raises(FileError, match=r"is a folder, not a file"):
        read_file(tmp_path)
    with pytest.raises(FileError, match=r"5\.txt: is larger than 4 bytes \(5 bytes\); put the right"):
        read_file(write(tmp_path / "5.txt"), most=4)
    assert read_file(write(tmp_path / "5.txt")) == b"5.txt"


def test_an_error_passes_from_one_process_to_another() -> None:
    error = pickle.loads(pickle.dumps(FileError(Path("a.txt"), "is blue", "paint it", "RGB 0 0 255")))
    assert str(error) == "a.txt: is blue (RGB 0 0 255); paint it"
    assert (error.cause, error.remedy, error.detail) == ("is blue", "paint it", "RGB 0 0 255")


def test_problems_of_one_kind_are_one_sentence() -> None:
    problems = Problems()
    for k in range(1, 2501):
        problems.add(f"{k}.txt: is blue; paint it", "is blue", f"{k}.txt")
    problems.add("other")
    assert problems.problems == ["1.txt: is blue; paint it (2,500 in all, also 2.txt and 3.txt)", "other"]
    with pytest.raises(DataError, match=r"^1\.txt: is blue; paint it \(2,500 in all"):
        problems.raise_first()
    Problems().raise_first()
