from pathlib import Path

import pytest

from xmodal_lite.data.folders import is_text, same_name, walk


def test_links_are_followed_and_each_folder_is_entered_once(tmp_path: Path) -> None:
    (tmp_path / "root/b").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for path in ("root/b/2.txt", "elsewhere/1.txt", "root/.hidden.txt"):
        (tmp_path / path).write_text("x")
    (tmp_path / "root/a").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/c").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/b/loop").symlink_to(tmp_path / "root")
    found = [
        (Path(folder).relative_to(tmp_path).as_posix(), names) for folder, _, names in walk(tmp_path / "root")
    ]
    assert found == [("root", []), ("root/a", ["1.txt"]), ("root/b", ["2.txt"])]


def test_a_folder_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    closed: list[OSError] = []
    assert list(walk(tmp_path / "nowhere", closed.append)) == []
    assert closed[0].filename == str(tmp_path / "nowhere")


@pytest.mark.parametrize(("a", "b"), [("Jos\u00e9", "Jose\u0301"), ("Quartz", "quartz "), ("a  b", "A b")])
def test_names_that_look_alike(a: str, b: str) -> None:
    assert same_name(a) == same_name(b)
    assert same_name(a) != same_name(a + "x")


def test_a_name_of_other_bytes() -> None:
    assert is_text("Jos\u00e9")
    assert not is_text("Jos\udce9")
