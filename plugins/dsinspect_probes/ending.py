"""`ending`: whether a file ends before its image does, or goes on after it."""

from __future__ import annotations

import struct

from dsinspect.protocols.probes import Column, ImageFile, Level, Probe, Value
from dsinspect_probes._header import header_of


class EndingProbe(Probe):
    """Whether the end marker of the format is missing, and what follows it."""

    name = "ending"
    version = 2
    level = Level.BYTES
    columns = (Column("is_truncated", "float64", "1", "1 when the stream ends before its end marker"),
               Column("trailing_bytes", "float64", "byte", "bytes after the last end marker of a whole JPEG"))

    def measure(self, file: ImageFile) -> tuple[Value, ...]:
        """Return the flag, None for formats without an end marker, and the count, None for what is no whole JPEG."""
        kind = file.once(header_of).format
        check = {"jpeg": jpeg_is_cut, "png": png_is_cut, "gif": gif_is_cut, "webp": webp_is_cut}.get(kind or "")
        if check is None:
            return None, None
        is_cut = check(file.content)
        return float(is_cut), jpeg_trailing_bytes(file.content) if kind == "jpeg" and not is_cut else None


def jpeg_trailing_bytes(content: bytes) -> float:
    """Return the bytes after the last end-of-image marker (FF D9) of a JPEG.

    Trainers look at the last two bytes only: a preview after the image that ends in a marker of its own is no fault to them.
    """
    return float(len(content) - content.rfind(b"\xff\xd9") - 2)


def jpeg_is_cut(content: bytes) -> bool:
    """Say whether a JPEG lacks its end-of-image marker after the scan data.

    Bytes may follow the marker (ITU-T T.81 does not forbid it, and cameras append previews). A marker inside a
    thumbnail in an APP segment does not count, so the segments are walked up to the first scan.
    """
    position, size = 2, len(content)
    while position + 4 <= size:
        if content[position] != 0xFF:
            position += 1
            continue
        marker = content[position + 1]
        if marker == 0xDA:
            return not content.endswith(b"\xff\xd9") and content.find(b"\xff\xd9", position + 2) < 0
        if marker == 0xD9:
            return False
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        position += 2 + max(int.from_bytes(content[position + 2:position + 4], "big"), 2)
    return True


def png_is_cut(content: bytes) -> bool:
    """Say whether a PNG's chunks end before IEND."""
    position = 8
    while position + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[position:position + 8])
        if kind == b"IEND":
            return False
        position += 12 + length
    return True


def gif_is_cut(content: bytes) -> bool:
    """Say whether a GIF ends without its trailer."""
    return b"\x3b" not in content[-64:]


def webp_is_cut(content: bytes) -> bool:
    """Say whether a WebP file is shorter than its RIFF header says."""
    return len(content) < 8 + int.from_bytes(content[4:8], "little")
