"""The download against a server on this machine: whole, interrupted, changed, hostile and absent archives."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from xmodal_lite.benchmarks.download import fetch
from xmodal_lite.errors import DataError


def archive(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return buffer.getvalue()


class Site(ThreadingHTTPServer):
    """Serves archives by path; `break_after` cuts a transfer short, `ranges` says whether it can resume."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.archives: dict[str, bytes] = {}
        self.break_after: int | None = None
        self.ranges = True
        self.requests: list[tuple[str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/files"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        content = self.server.archives.get(self.path.removeprefix("/files/"))
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        if start >= len(content):
            self.send_error(416)
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.break_after])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        big = np.random.default_rng(0).bytes(900_000)  # does not compress: several chunks
        server.archives = {
            "raman/good.zip": archive({"Quartz__R1.txt": "1,2\n", "notes.pdf": "x", "big.txt": big}),
            "infrared/Processed.zip": archive({"Quartz__R1-1.txt": "3,4\n"}),
        }
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


BOTH = ("raman/good.zip", "infrared/Processed.zip")


def texts(root: Path) -> set[str]:
    return {
        path.relative_to(root).as_posix()
        for kind in ("raman", "infrared")
        for path in (root / kind).rglob("*")
    }


def test_fetches_unpacks_and_records_checksums(site: Site, tmp_path: Path) -> None:
    assert fetch(tmp_path, BOTH, site.url) == [tmp_path / "infrared", tmp_path / "raman"]
    assert texts(tmp_path) == {"raman/Quartz__R1.txt", "raman/big.txt", "infrared/Quartz__R1-1.txt"}
    recorded = json.loads((tmp_path / "archives" / "checksums.json").read_text())
    assert set(recorded) == set(BOTH)
    assert all(value.startswith("sha256:") and len(value) == 71 for value in recorded.values())


def test_second_call_fetches_and_touches_nothing(site: Site, tmp_path: Path) -> None:
    fetch(tmp_path, BOTH, site.url)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    fetch(tmp_path, BOTH, site.url)
    assert len(site.requests) == 2
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times


@pytest.mark.parametrize("ranges", [True, False])
def test_interrupted_transfer_resumes(site: Site, tmp_path: Path, ranges: bool) -> None:
    site.ranges = ranges
    site.break_after = 600_000
    with pytest.raises(DataError, match=r"good\.zip.*run this again.*resumes"):
        fetch(tmp_path, BOTH[:1], site.url)
    part = tmp_path / "archives" / "raman" / "good.zip.part"
    kept = part.stat().st_size
    assert 0 < kept <= 600_000
    assert part.read_bytes() == site.archives["raman/good.zip"][:kept]
    assert not (tmp_path / "raman").exists()
    assert not (tmp_path / "archives" / "checksums.json").exists()
    site.break_after = None
    fetch(tmp_path, BOTH[:1], site.url)
    assert site.requests[-1] == ("/files/raman/good.zip", f"bytes={kept}-")
    assert (tmp_path / "archives" / "raman" / "good.zip").read_bytes() == site.archives["raman/good.zip"]
    assert not part.exists()


def test_part_that_is_longer_than_the_archive_begins_again(site: Site, tmp_path: Path) -> None:
    part = tmp_path / "archives" / "infrared" / "Processed.zip.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 10_000)
    fetch(tmp_path, BOTH[1:], site.url)
    assert texts(tmp_path) >= {"infrared/Quartz__R1-1.txt"}


def test_changed_archive_is_refused(site: Site, tmp_path: Path) -> None:
    fetch(tmp_path, BOTH, site.url)
    (tmp_path / "archives" / "infrared" / "Processed.zip").unlink()
    site.archives["infrared/Processed.zip"] = archive({"Quartz__R1-1.txt": "9,9\n"})
    with pytest.raises(DataError, match=r"Processed\.zip: differs.*checksums\.json"):
        fetch(tmp_path, BOTH, site.url)
    assert (tmp_path / "infrared" / "Quartz__R1-1.txt").read_text() == "3,4\n"
    assert not (tmp_path / "archives" / "infrared" / "Processed.zip").exists()


def test_archive_damaged_on_disk_is_fetched_again(site: Site, tmp_path: Path) -> None:
    fetch(tmp_path, BOTH, site.url)
    local = tmp_path / "archives" / "infrared" / "Processed.zip"
    local.write_bytes(b"damaged")
    fetch(tmp_path, BOTH, site.url)
    assert local.read_bytes() == site.archives["infrared/Processed.zip"]


@pytest.mark.parametrize(
    "name", ["../outside.txt", "/tmp/outside.txt", "a/../../outside.txt", "..\\outside.txt", "C:\\o.txt"]
)
def test_member_that_leaves_the_folder_is_refused(site: Site, tmp_path: Path, name: str) -> None:
    site.archives["raman/evil.zip"] = archive({"Fine__R1.txt": "1,2\n", name: "1,2\n"})
    root = tmp_path / "root"
    with pytest.raises(DataError, match=r"evil\.zip: member .* would leave"):
        fetch(root, ("raman/evil.zip",), site.url)
    assert not list(tmp_path.rglob("*.txt"))  # not even the harmless member


def test_symbolic_link_is_refused(site: Site, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(link, "/etc/hosts")
    site.archives["raman/link.zip"] = buffer.getvalue()
    with pytest.raises(DataError, match=r"link\.txt.*would leave"):
        fetch(tmp_path, ("raman/link.zip",), site.url)


def test_not_a_zip(site: Site, tmp_path: Path) -> None:
    site.archives["raman/page.zip"] = b"<html>moved</html>"
    with pytest.raises(DataError, match=r"page\.zip: cannot be unpacked \(BadZipFile: .*delete it"):
        fetch(tmp_path, ("raman/page.zip",), site.url)


def change(content: bytes, *changes: tuple[int, int]) -> bytes:
    """Set bytes of the first member's record and, at the same fields, of its record in the directory of the archive."""
    changed, directory = bytearray(content), content.index(b"PK\x01\x02")
    for place, value in changes:
        changed[place] = changed[directory + 2 + place] = value
    return bytes(changed)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("encrypted", "RuntimeError: .*encrypted"),
        ("method", "NotImplementedError: .*compression method"),
        ("stream", "error: Error -3 while decompressing"),
        ("short", "(EOFError|BadZipFile)"),  # the latter since Python looks for members that overlap
        ("name", "UnicodeDecodeError"),
    ],
)
def test_an_archive_that_cannot_be_unpacked(site: Site, tmp_path: Path, fault: str, words: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("Quartz__R1.txt", "1,2\n" * 100)
    whole, name, data = buffer.getvalue(), 30, 30 + len("Quartz__R1.txt")
    site.archives["raman/bad.zip"] = {
        "encrypted": change(whole, (6, 1)),
        "method": change(whole, (8, 97)),
        "stream": whole[:data] + b"\xff" * 5 + whole[data + 5 :],
        "short": change(whole, (8, 0), (19, 255), (23, 255)),  # stored, and 65,000 bytes long
        "name": change(whole, (7, 8)).replace(b"Quartz", b"Qu\xffrtz"),
    }[fault]
    assert whole[name:data] == b"Quartz__R1.txt"
    with pytest.raises(DataError, match=rf"bad\.zip: cannot be unpacked \({words}.*checksums\.json"):
        fetch(tmp_path, ("raman/bad.zip",), site.url)


@pytest.mark.parametrize("content", ["{ broken", "[1]", "5"])
def test_a_damaged_record_of_checksums(site: Site, tmp_path: Path, content: str) -> None:
    fetch(tmp_path, BOTH, site.url)
    record = tmp_path / "archives" / "checksums.json"
    kept = json.loads(record.read_text())
    record.write_text(content)
    with pytest.raises(DataError, match=r"checksums\.json: is not a record of checksums .*delete it"):
        fetch(tmp_path, BOTH, site.url)
    record.unlink()  # as told
    fetch(tmp_path, BOTH, site.url)
    assert json.loads(record.read_text()) == kept
    assert len(site.requests) == 2


def test_a_file_of_another_content_is_unpacked_again(site: Site, tmp_path: Path) -> None:
    fetch(tmp_path, BOTH, site.url)
    path = tmp_path / "raman" / "Quartz__R1.txt"
    path.write_text("9,9\n")  # as long as it was
    fetch(tmp_path, BOTH, site.url)
    assert path.read_text() == "1,2\n"


def test_a_folder_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    (tmp_path / "raman").write_text("a file where the folder should be")  # fails for the superuser too
    with pytest.raises(DataError, match=r"raman/Quartz__R1\.txt: cannot be written .*free space"):
        fetch(tmp_path, BOTH, site.url)


def test_absent_archive_and_no_network(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.zip.*404"):
        fetch(tmp_path, ("raman/none.zip",), site.url)
    with pytest.raises(DataError, match=r"good\.zip.*check the network.*by hand"):
        fetch(tmp_path, BOTH[:1], "http://127.0.0.1:1/files")
