"""Find damage inside a JPEG file that the decoder passes over in silence.

libjpeg counts a warning and goes on where compressed data end too early, are left over, or hold a marker that does not
belong there; Pillow hands none of these warnings on. So the end of the data is held back while the image is decoded:
sound data need these last bytes and no more. Ours. Damage that leaves the length of the data as it was, and images of
several scans (progressive ones) apart from their markers, cannot be told in this way.
"""

from __future__ import annotations

import io
import re

HELD_BACK = 16  # bytes; libjpeg reads up to 8 ahead of what it needs
PADDING = bytes(8)  # in place of the end marker, so that data which end too early are noticed
SOS, EOI = 0xDA, 0xD9  # start of a scan, end of the image
BASELINE = (0xC0, 0xC1)  # frames with one pass over the image
WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
BETWEEN_SCANS = (
    SOS,
    EOI,
    0xC4,
    0xDB,
    0xDC,
    0xDD,
    0xFE,
    *range(0xE0, 0xF0),
)  # tables, comments, application data
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # that ends a scan: neither a stuffed byte nor a restart


class JpegStream(io.BytesIO):
    """A JPEG file whose last bytes are read for themselves.

    Parameters
    ----------
    content : bytes
        The file.

    Attributes
    ----------
    fault : str
        What the markers alone show to be wrong; empty if nothing.
    """

    def __init__(self, content: bytes) -> None:
        start, end, self.fault = _only_scan(content)
        self._cut = max(start, end - HELD_BACK) if end else len(content)
        self._read_on = not end
        super().__init__(content[:end] + PADDING if end else content)

    def hold_back(self) -> None:
        """From now on, return the last bytes only to a reader that has read all others; call it before decoding."""
        self.read = self._read_apart  # type: ignore[method-assign]  # a header is read in many short pieces before

    def _read_apart(self, size: int | None = -1) -> bytes:
        position = self.tell()
        if position >= self._cut:
            self._read_on = True
        elif size is None or size < 0 or position + size > self._cut:
            size = self._cut - position
        return super().read(size)

    @property
    def has_leftover(self) -> bool:
        """Tell, after the image was decoded, whether the decoder had no use for the last bytes."""
        return not self._read_on


def _only_scan(content: bytes) -> tuple[int, int, str]:
    """Return where the one scan of a baseline image begins and ends, and a fault; 0, 0 of other images."""
    position, baseline, scans = 2, False, 0
    while position + 4 <= len(content):
        if content[position] != 0xFF:
            return 0, 0, "a marker inside its data" if scans else ""  # before a scan the decoder searches on
        marker = content[position + 1]
        if marker in WITHOUT_LENGTH or marker == 0xFF:
            position += 1 if marker == 0xFF else 2
            continue
        if marker == EOI:
            break
        baseline = baseline or marker in BASELINE
        start = position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        position = start
        if marker == SOS:
            scans += 1
            if (found := MARKER.search(content, start)) is None:
                break  # cut off: the decoder says so
            position = found.end() - 2
            if content[position + 1] not in BETWEEN_SCANS:
                return 0, 0, "a marker inside its data"
            if baseline and scans == 1 and content[position + 1] == EOI:
                return start, found.start(), ""
    return 0, 0, ""
