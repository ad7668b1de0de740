"""Read the header of an image file without decoding it: JPEG, PNG, GIF, BMP, WebP and TIFF by their specifications.

JPEG: ITU-T T.81; PNG: ISO/IEC 15948; GIF89a; TIFF 6.0; WebP: RFC 9649; EXIF 2.32 for the orientation.
"""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass, field

from dsinspect.protocols.probes import ImageFile

MAX_SEGMENTS = 2000
"""Segments, chunks or blocks looked at before a header is given up: real files have a few dozen at most."""
MAX_FRAMES = 1000
"""Frames of a GIF or TIFF counted."""


@dataclass
class Header:
    """What a header says; None where it does not say it.

    Attributes:
        format: `jpeg`, `png`, `gif`, `bmp`, `webp`, `tiff`, or another name; None when it is no image.
        width: stored width, px.
        height: stored height, px.
        channels: number of channels as stored; a palette counts as 1.
        bit_depth: bits per channel.
        colour: `grey`, `grey-alpha`, `rgb`, `rgba`, `palette` or `cmyk`.
        orientation: EXIF orientation, 1 to 8.
        frames: number of frames or pages.
        exif: the TIFF structure of the EXIF block, if there is one.
    """

    format: str | None = None
    width: int | None = None
    height: int | None = None
    channels: int | None = None
    bit_depth: int | None = None
    colour: str | None = None
    orientation: int = 1
    frames: int = 1
    exif: bytes = b""
    tags: dict[int, str | int] = field(default_factory=dict)


def header_of(file: ImageFile) -> Header:
    """Return the header of a file; damaged content leaves fields None, never raises but for OSError."""
    head = file.head
    header = Header()
    for magic, read in _READERS:
        if head.startswith(magic):
            # Cut in the middle of its header: what was read so far stands.
            with contextlib.suppress(struct.error, IndexError, ValueError, OverflowError):
                read(file, header)
            break
    else:
        _by_magic(head, header)
    if header.exif:
        header.tags = tiff_tags(header.exif)
        orientation = header.tags.get(0x0112)
        if isinstance(orientation, int) and 1 <= orientation <= 8:
            header.orientation = orientation
    return header


def _jpeg(file: ImageFile, header: Header) -> None:
    header.format = "jpeg"
    buffer, base = file.head, 0
    position = 2
    for _ in range(MAX_SEGMENTS):
        if position - base + 20 > len(buffer):  # segments of cameras are tens of KB: jump over them on disk
            buffer, base = file.read_at(position, 4096), position
            if len(buffer) < 4:
                return
        at = position - base
        if buffer[at] != 0xFF:
            position += 1  # stray bytes between segments: decoders skip them
            continue
        marker = buffer[at + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in (0xD9, 0xDA):
            return
        length = int.from_bytes(buffer[at + 2:at + 4], "big")
        if length < 2:
            position += 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            depth, height, width, channels = struct.unpack(">BHHB", buffer[at + 4:at + 10])
            header.bit_depth, header.channels = depth, channels
            header.width, header.height = width or None, height or None
            header.colour = {1: "grey", 3: "rgb", 4: "cmyk"}.get(channels)
            return
        if marker == 0xE1 and buffer[at + 4:at + 10] == b"Exif\0\0" and not header.exif:
            header.exif = file.read_at(position + 10, min(length - 8, 65536))
        position += 2 + length


def _png(file: ImageFile, header: Header) -> None:
    header.format = "png"
    width, height, depth, colour = struct.unpack(">IIBB", file.head[16:26])
    header.width, header.height, header.bit_depth = width or None, height or None, depth
    header.colour, header.channels = {0: ("grey", 1), 2: ("rgb", 3), 3: ("palette", 1), 4: ("grey-alpha", 2),
                                      6: ("rgba", 4)}.get(colour, (None, None))
    position = 8
    for _ in range(MAX_SEGMENTS):
        chunk = file.read_at(position, 12)
        if len(chunk) < 8:
            return
        length, kind = struct.unpack(">I4s", chunk[:8])
        if kind in (b"IDAT", b"IEND"):
            return
        if kind == b"eXIf":
            header.exif = file.read_at(position + 8, min(length, 65536))
        elif kind == b"acTL":
            header.frames = max(1, min(struct.unpack(">I", file.read_at(position + 8, 4))[0], MAX_FRAMES))
        position += 12 + length


def _gif(file: ImageFile, header: Header) -> None:
    header.format, header.colour, header.channels, header.bit_depth = "gif", "palette", 1, 8
    width, height, flags = struct.unpack("<HHB", file.head[6:11])
    header.width, header.height = width or None, height or None
    content = file.content
    position = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    frames = 0
    while position < len(content) and frames < MAX_FRAMES:
        kind = content[position]
        if kind == 0x3B:
            break
        if kind == 0x21:
            position = _after_blocks(content, position + 2)
        elif kind == 0x2C:
            frames += 1
            local = content[position + 9]
            position = _after_blocks(content, position + 11 + (3 << ((local & 7) + 1) if local & 0x80 else 0))
        else:
            break
    header.frames = max(frames, 1)


def _after_blocks(content: bytes, position: int) -> int:
    while position < len(content) and content[position]:
        position += 1 + content[position]
    return position + 1


def _bmp(file: ImageFile, header: Header) -> None:
    header.format = "bmp"
    size = struct.unpack("<I", file.head[14:18])[0]
    if size == 12:
        width, height, _, bits = struct.unpack("<HHHH", file.head[18:26])
    else:
        width, height, _, bits = struct.unpack("<iiHH", file.head[18:30])
    header.width, header.height = abs(width) or None, abs(height) or None
    header.colour, header.channels = ("palette", 1) if bits <= 8 else ("rgba", 4) if bits == 32 else ("rgb", 3)
    header.bit_depth = 8


def _webp(file: ImageFile, header: Header) -> None:
    head = file.head
    if head[8:12] != b"WEBP":
        return
    header.format, header.bit_depth, header.colour, header.channels = "webp", 8, "rgb", 3
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        header.width, header.height = width & 0x3FFF, height & 0x3FFF
    elif kind == b"VP8L":
        bits = struct.unpack("<I", head[21:25])[0]
        header.width, header.height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        if bits >> 28 & 1:
            header.colour, header.channels = "rgba", 4
    elif kind == b"VP8X":
        flags = head[20]
        header.width = int.from_bytes(head[24:27], "little") + 1
        header.height = int.from_bytes(head[27:30], "little") + 1
        if flags & 0x10:
            header.colour, header.channels = "rgba", 4
        if flags & 0x0A:  # EXIF or animation: walk the chunks
            _webp_chunks(file, header)


def _webp_chunks(file: ImageFile, header: Header) -> None:
    position, frames = 12, 0
    for _ in range(MAX_SEGMENTS):
        chunk = file.read_at(position, 8)
        if len(chunk) < 8:
            break
        kind, length = struct.unpack("<4sI", chunk)
        if kind == b"EXIF":
            exif = file.read_at(position + 8, min(length, 65536))
            header.exif = exif.removeprefix(b"Exif\0\0")
        frames += kind == b"ANMF"
        position += 8 + length + (length & 1)
    header.frames = max(frames, 1)


def _tiff(file: ImageFile, header: Header) -> None:
    header.format = "tiff"
    order = "<" if file.head[:2] == b"II" else ">"
    offset = struct.unpack(order + "I", file.head[4:8])[0]
    frames = 0
    seen = set()
    while offset and offset not in seen and frames < MAX_FRAMES:
        seen.add(offset)
        tags, offset = _directory(file, order, offset)
        if frames == 0:
            _tiff_first(header, tags)
        frames += not (isinstance(tags.get(254), int) and tags[254] & 1)  # reduced copies are no pages
    header.frames = max(frames, 1)


def _tiff_first(header: Header, tags: dict[int, int]) -> None:
    header.width, header.height = tags.get(256) or None, tags.get(257) or None
    header.bit_depth, header.channels = tags.get(258, 1), tags.get(277, 1)
    photometric = tags.get(262, 1)
    header.colour = "palette" if photometric == 3 else "cmyk" if photometric == 5 else {
        1: "grey", 2: "grey-alpha", 3: "rgb", 4: "rgba"}.get(header.channels)
    if 1 <= tags.get(274, 1) <= 8:
        header.orientation = tags.get(274, 1)


def _directory(file: ImageFile, order: str, offset: int) -> tuple[dict[int, int], int]:
    count = struct.unpack(order + "H", file.read_at(offset, 2))[0]
    block = file.read_at(offset + 2, count * 12 + 4)
    tags = {}
    for k in range(min(count, len(block) // 12)):
        tag, kind, n = struct.unpack(order + "HHI", block[k * 12:k * 12 + 8])
        value = block[k * 12 + 8:k * 12 + 12]
        if kind == 3:
            if n > 2:
                value = file.read_at(struct.unpack(order + "I", value)[0], 2)
            tags[tag] = struct.unpack(order + "H", value[:2])[0]
        elif kind == 4 and n == 1:
            tags[tag] = struct.unpack(order + "I", value)[0]
    following = block[count * 12:count * 12 + 4]
    return tags, struct.unpack(order + "I", following)[0] if len(following) == 4 else 0


def tiff_tags(exif: bytes) -> dict[int, str | int]:
    """Return the short numbers and texts of an EXIF block: of its first directory and of its EXIF directory."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return {}
    tags: dict[int, str | int] = {}
    todo = [struct.unpack(order + "I", exif[4:8])[0]]
    for offset in todo:
        if offset + 2 > len(exif) or len(todo) > 2:
            break
        count = struct.unpack(order + "H", exif[offset:offset + 2])[0]
        for k in range(min(count, 512)):
            entry = exif[offset + 2 + k * 12:offset + 14 + k * 12]
            if len(entry) < 12:
                break
            tag, kind, n = struct.unpack(order + "HHI", entry[:8])
            if kind == 3:
                tags.setdefault(tag, struct.unpack(order + "H", entry[8:10])[0])
            elif kind == 2 and n < 4096:
                start = struct.unpack(order + "I", entry[8:])[0]
                raw = entry[8:8 + n] if n <= 4 else exif[start:start + n]
                tags.setdefault(tag, raw.split(b"\0")[0].decode("ascii", "replace").strip())
            elif tag == 0x8769 and kind == 4:
                todo.append(struct.unpack(order + "I", entry[8:])[0])
    return tags


def _by_magic(head: bytes, header: Header) -> None:
    """Name formats whose size is left to the decoder."""
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis", b"heic", b"heix", b"mif1"):
        header.format = "avif" if head[8:10] == b"av" else "heic"
    elif head[:12] == b"\0\0\0\x0cjP  \r\n\x87\n" or head[:4] == b"\xff\x4f\xff\x51":
        header.format = "jpeg2000"
    elif head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in b" \t\r\n#":
        header.format = "pnm"
        tokens = [t for line in head[2:512].split(b"\n") for t in line.partition(b"#")[0].split()]
        if len(tokens) >= 2 and tokens[0].isdigit() and tokens[1].isdigit():
            header.width, header.height = int(tokens[0]) or None, int(tokens[1]) or None
    elif head.startswith((b"#?RADIANCE", b"#?RGBE")):
        header.format = "hdr"
    elif head.startswith(b"\x76\x2f\x31\x01"):
        header.format = "exr"


_READERS = ((b"\xff\xd8\xff", _jpeg), (b"\x89PNG\r\n\x1a\n", _png), (b"GIF87a", _gif), (b"GIF89a", _gif),
            (b"BM", _bmp), (b"RIFF", _webp), (b"II*\0", _tiff), (b"MM\0*", _tiff))
