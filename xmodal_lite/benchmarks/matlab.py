"""Read cells and numbers from a MATLAB file: SciPy's reader believes the sizes in a damaged one, and may crash."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from math import prod
from pathlib import Path

import numpy as np

from xmodal_lite.data.listing import MOST_BYTES, read_file
from xmodal_lite.data.problems import FileError

HEADER = 128  # bytes; the last four are the version and a mark that gives the order of bytes
MATRIX, COMPRESSED = 14, 15  # kinds of elements
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CELL, NUMERIC = 1, range(6, 16)  # classes of a matrix
RESTORE = "restore it or remove it"


def read_variable(path: Path, name: str) -> np.ndarray:
    """Read one variable of a MATLAB file.

    Format: The MathWorks, MAT-File Format, level 5.

    Parameters
    ----------
    path : pathlib.Path
        A file as MATLAB saves it with -v6 or -v7.
    name : str
        The variable: numbers, or cells of them.

    Returns
    -------
    numpy.ndarray
        Numbers in the type in which they are stored; cells as an array of object.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged, of another version, or lacks the variable.
    """
    content = read_file(path)
    mark = content[HEADER - 4 : HEADER]
    if mark in (b"\0\2IM", b"\2\0MI"):
        remedy = "load it in MATLAB, save it with -v7, or remove it"
        raise FileError(path, "is a MATLAB file of version 7.3, which cannot be read", remedy)
    try:
        if mark not in (b"\0\1IM", b"\1\0MI"):
            raise ValueError("it has no header of version 5")
        order = "<" if mark.endswith(b"IM") else ">"
        for kind, body in _elements(content[HEADER:], order):
            if kind == COMPRESSED:
                ((kind, body),) = _elements(_unpack(body), order)
            if kind == MATRIX and _head(_elements(body, order), order)[2] == name:
                return _matrix(body, order)
    except (ValueError, struct.error, zlib.error, RecursionError) as error:
        raise FileError(path, "cannot be read as a MATLAB file", RESTORE, str(error)) from error
    raise FileError(path, f"has no variable {name}", RESTORE)


def _unpack(body: bytes) -> bytes:
    unpacked = zlib.decompressobj()
    content = unpacked.decompress(body, MOST_BYTES)
    if unpacked.unconsumed_tail:
        raise ValueError(f"holds more than {MOST_BYTES:,} bytes")
    return content


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the bytes of each element."""
    start = 0
    while start + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, start)
        start += 8
        if kind >> 16:  # a short element, whose data are in its tag
            yield kind & 0xFFFF, content[start - 4 : start - 4 + (kind >> 16)]
            continue
        body = content[start : start + size]
        if len(body) < size:
            raise ValueError(f"an element of {size:,} bytes has {len(body):,}")
        yield kind, body
        start += size if kind == COMPRESSED else size + -size % 8


def _head(elements: Iterator[tuple[int, bytes]], order: str) -> tuple[int, list[int], str]:
    """Return the class, the sides and the name of a matrix, its first three elements."""
    (_, flags), (_, sides), (_, name) = islice(elements, 3)
    code: int = struct.unpack_from(f"{order}I", flags)[0] & 0xFF
    return code, np.frombuffer(sides, f"{order}i4").tolist(), name.decode("latin-1")


def _matrix(body: bytes, order: str) -> np.ndarray:
    """Read a matrix of numbers, or of cells that are matrices."""
    if not body:
        return np.empty((0, 0))
    elements = _elements(body, order)
    code, sides, _ = _head(elements, order)
    if code == CELL:
        cells = [_matrix(cell, order) for _, cell in elements]
        values = np.empty(len(cells), object)
        for k, cell in enumerate(cells):
            values[k] = cell
    elif code in NUMERIC:
        kind, numbers = next(elements, (0, b""))
        if kind not in NUMBERS:
            raise ValueError(f"numbers of the unknown kind {kind}")
        values = np.frombuffer(numbers, order + NUMBERS[kind])
    else:
        raise ValueError(f"a matrix of class {code} where cells or numbers are meant")
    if min(sides) < 0 or prod(sides) != len(values):
        raise ValueError(f"a matrix of {' x '.join(map(str, sides))} has {len(values):,} values")
    return values.reshape(sides, order="F")
