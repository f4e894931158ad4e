"""Fetch the archives of the RRUFF site, once, and unpack them into the layout that the benchmark reads.

The first fetch of an archive records its checksum in ``archives/checksums.json``; every later call verifies
the archive against it. A transfer that broke off resumes where it stopped.
"""

from __future__ import annotations

import json
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from xmodal_lite.errors import DataError
from xmodal_lite.files import sha256, write_atomic

SITE = "https://www.rruff.net/zipped_data_files"
ARCHIVES = ("raman/excellent_unoriented.zip", "infrared/Processed.zip", "infrared/RAW.zip")
TIMEOUT = 60  # seconds without a byte
CHUNK = 1 << 18
# What Python raises at a zip archive that is damaged, encrypted, or packed in a way that it does not know.
UNPACKING = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, UnicodeDecodeError)


def fetch(root: str | Path, archives: Sequence[str] = ARCHIVES, base_url: str = SITE) -> list[Path]:
    """Fetch archives of the RRUFF site and unpack them below a folder.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder to fill: spectra into ``raman/`` and ``infrared/``, the archives themselves into
        ``archives/``. An archive that already lies there is verified and not fetched again.
    archives : sequence of str
        Archives by folder and name. The site also has ``raman/{fair,poor,unrated}_unoriented.zip``,
        ``raman/{excellent,fair,poor,unrated}_oriented.zip`` and ``raman/LR-Raman.zip``.
    base_url : str
        Where the archives are; a mirror with the same layout will do.

    Returns
    -------
    list of pathlib.Path
        The folders filled.

    Raises
    ------
    DataError
        If there is no network, the transfer breaks off, an archive differs from its recorded checksum,
        cannot be unpacked or holds a member that would leave the folder, the record of checksums is damaged, or the
        disk is full.
    """
    root = Path(root)
    filled = []
    for archive in archives:
        path = _archive(root / "archives", archive, f"{base_url.rstrip('/')}/{archive}")
        filled.append(root / PurePosixPath(archive).parts[0])
        _unpack(path, filled[-1])
    return sorted(set(filled))


# ---- fetching


def _archive(folder: Path, archive: str, url: str) -> Path:
    """Return the local path of a verified archive; record its checksum if it is new."""
    import pooch
    import requests

    record = folder / "checksums.json"
    checksums = _checksums(record)
    path = folder / archive
    try:
        pooch.retrieve(
            url,
            known_hash=checksums.get(archive),
            fname=path.name,
            path=path.parent,
            downloader=_Resumable(path.with_name(path.name + ".part")),
        )
    except requests.RequestException as error:
        raise DataError(
            f"{url}: could not be fetched ({type(error).__name__}: {error}); check the network and run this "
            f"again, it resumes where it stopped, or put the archive at {path} by hand"
        ) from error
    except ValueError as error:  # pooch: the checksum differs
        raise DataError(
            f"{url}: differs from the archive that was fetched first (checksum in {record}); if the site has "
            f"renewed it and you want the new one, delete its line there and {path}, and run this again"
        ) from error
    except OSError as error:
        raise _not_written(path, error) from error
    if archive not in checksums:
        checksums[archive] = "sha256:" + sha256(path)
        try:
            write_atomic(record, json.dumps(checksums, indent=2))
        except OSError as error:
            raise _not_written(record, error) from error
    return path


def _checksums(record: Path) -> dict[str, str]:
    """Read the checksums of the archives that were fetched before."""
    try:
        return dict(json.loads(record.read_text())) if record.exists() else {}
    except (OSError, TypeError, ValueError) as error:
        raise DataError(
            f"{record}: is not a record of checksums ({error}); delete it, and it is made again of the archives there"
        ) from error


class _Resumable:
    """A downloader for pooch that continues a partial file by an HTTP range request."""

    def __init__(self, part: Path) -> None:
        self.part = part

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        import requests

        done = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                self.part.unlink()  # of another version of the archive, or already whole: begin again
                return self(url, output_file, pooch)
            response.raise_for_status()
            if response.status_code != requests.codes.partial_content:
                done = 0  # the server sends the whole archive
            expected = done + int(response.headers.get("Content-Length", 0))
            self._receive(response.iter_content(CHUNK), done, expected)
        if self.part.stat().st_size < expected:
            raise requests.ConnectionError(f"broke off at {self.part.stat().st_size:,} of {expected:,} bytes")
        os.replace(self.part, output_file)

    def _receive(self, chunks: Iterable[bytes], done: int, expected: int) -> None:
        bar = tqdm(
            desc=self.part.stem, total=expected or None, initial=done, unit="B", unit_scale=True, disable=None
        )
        with open(self.part, "r+b" if done else "wb") as file, bar:
            file.seek(done)
            for chunk in chunks:
                file.write(chunk)
                bar.update(len(chunk))


# ---- unpacking


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the text files of an archive into a folder; files that hold the very same stay untouched."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            for member in members:
                _refuse_escape(archive, member)
            for member in tqdm(members, desc=f"unpacking {archive.stem}", unit="file", disable=None):
                target = folder / member.filename
                if member.filename.lower().endswith(".txt") and not _holds(target, member):
                    _replace(target, opened.read(member))
    except UNPACKING as error:
        raise DataError(
            f"{archive}: cannot be unpacked ({type(error).__name__}: {error}); delete it and its line in "
            "checksums.json, and fetch it again"
        ) from error


def _holds(path: Path, member: zipfile.ZipInfo) -> bool:
    """Tell whether a file has the content of a member already."""
    try:
        return path.stat().st_size == member.file_size and zlib.crc32(path.read_bytes()) == member.CRC
    except OSError:
        return False


def _refuse_escape(archive: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename.replace("\\", "/")
    leaves = name.startswith("/") or ":" in name or ".." in PurePosixPath(name).parts
    if leaves or stat.S_ISLNK(member.external_attr >> 16):
        raise DataError(
            f"{archive}: member {member.filename!r} would leave the folder; nothing was unpacked, "
            "do not use this archive"
        )


def _replace(path: Path, content: bytes) -> None:
    """Write a spectrum whole or not at all; not forced to the disk, as there are thousands and `_holds` checks them."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _not_written(path: Path, error: OSError) -> DataError:
    return DataError(f"{path}: cannot be written ({error}); free space or choose another folder")
