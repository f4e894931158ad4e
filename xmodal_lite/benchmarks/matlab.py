"""Read a variable of a MATLAB file, after a look at the sizes that the file states: a damaged one may state any."""

from __future__ import annotations

import io
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np

from xmodal_lite.data.listing import MOST_BYTES, read_file
from xmodal_lite.data.problems import FileError

HEADER = 128  # bytes
MATRIX, COMPRESSED = 14, 15  # kinds of elements
SPARSE = 5  # class of matrix that holds fewer values than its sides say
RESTORE = "restore it or remove it"
# What SciPy raises at a damaged file.
DAMAGED = (OSError, zlib.error, struct.error, IndexError, TypeError, ValueError, MemoryError, OverflowError)


def read_variable(path: Path, name: str) -> np.ndarray:
    """Read one variable of a MATLAB file.

    Parameters
    ----------
    path : pathlib.Path
        A file as MATLAB saves it with -v4, -v6 or -v7.
    name : str
        The variable.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged, of version 7.3, or lacks the variable.
    """
    from scipy.io import loadmat  # slow to import
    from scipy.io.matlab import MatReadError, matfile_version

    content = read_file(path)
    try:
        version, _ = matfile_version(io.BytesIO(content))
        if version == 2:
            remedy = "load it in MATLAB, save it with -v7, or remove it"
            raise FileError(path, "is a MATLAB file of version 7.3, which cannot be read", remedy)
        if version == 1:
            _check_elements(content[HEADER:], "<" if content[HEADER - 2 : HEADER] == b"IM" else ">")
        return loadmat(io.BytesIO(content), variable_names=[name])[name]
    except FileError:
        raise
    except KeyError as error:
        raise FileError(path, f"has no variable {name}", RESTORE) from error
    except (*DAMAGED, RecursionError, MatReadError) as error:
        raise FileError(path, "cannot be read as a MATLAB file", RESTORE, str(error)) from error


def _check_elements(content: bytes, order: str) -> None:
    """Raise a ValueError where an element states more bytes, or a matrix more values, than there are."""
    start = 0
    while start + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, start)
        start += 8
        if kind >> 16:  # a short element, whose data are in its tag
            continue
        body = content[start : start + size]
        if len(body) < size:
            raise ValueError(f"an element of {size:,} bytes has {len(body):,}")
        if kind == COMPRESSED:
            unpacked = zlib.decompressobj()
            content_of = unpacked.decompress(body, MOST_BYTES)
            if unpacked.unconsumed_tail:
                raise ValueError(f"holds more than {MOST_BYTES:,} bytes")
            _check_elements(content_of, order)
        elif kind == MATRIX and body:
            _check_matrix(body, order)
        start += size if kind == COMPRESSED else size + -size % 8


def _check_matrix(body: bytes, order: str) -> None:
    """Look at a matrix: an element of flags, one of its sides, one of its name, then values or matrices."""
    flags, _, _, size = struct.unpack_from(f"{order}8xIIII", body)
    sides = struct.unpack_from(f"{order}{size // 4}i", body, 24)
    if flags & 0xFF != SPARSE and prod(sides) > len(body):
        raise ValueError(f"a matrix of {' x '.join(map(str, sides))} has {len(body):,} bytes")
    _check_elements(body[24 + size + -size % 8 :], order)
