"""Pixels of masks: the number of each pixel's colour, and the colours."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.errors import PluginError
from dsinspect.io.limits import limits, option
from dsinspect_formats.vocmask._looks import PNG

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PALETTE_OF_BYTES = bytes((8, 3, 0, 0, 0))
"""Depth, colour type, compression, filter and interlacing of a PNG whose pixels are a byte each, numbers of a palette."""


@dataclass(frozen=True)
class Pixels:
    """A mask.

    Attributes:
        numbers: of each pixel's colour, (H, W).
        palette: the colours by number, 0xRRGGBB, two of which may be the same; None when the numbers are the colours.
    """

    numbers: NDArray[np.uint8] | NDArray[np.int32]
    palette: NDArray[np.int64] | None = None

    def colours_at(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the colours of some pixels, by their places in rows."""
        found = self.numbers.ravel()[places].astype(np.int64)
        return found if self.palette is None else self.palette[found]


def pixels_of(content: bytes) -> Pixels:
    """Return the pixels of a PNG.

    Raises:
        ValueError: it is no PNG, is too large or cannot be decoded, in words.
    """
    if not content.startswith(PNG) or len(content) < 24:
        raise ValueError("is no PNG image")
    width, height = struct.unpack_from(">II", content, 16)
    if width * height > (most := limits().mask_pixels):
        raise ValueError(f"has {width:,} x {height:,} px, more than {most:,} px ({option('mask_pixels')})")
    return _palette_pixels(content, width, height) or Pixels(_decoded(content))


def _palette_pixels(content: bytes, width: int, height: int) -> Pixels | None:
    """Return the numbers in the palette and the palette of a PNG whose rows are not filtered, as masks are mostly written.

    A fifth of the time that OpenCV takes to make a colour image of it. None of any other PNG, and of a damaged one.
    """
    if content[24:29] != _PALETTE_OF_BYTES:
        return None
    at, parts, palette = 8, [], b""
    while at + 12 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        inside = memoryview(content)[at + 8:at + 8 + size]
        if kind == b"IEND":
            break
        if zlib.crc32(inside, zlib.crc32(kind)) != int.from_bytes(content[at + 8 + size:at + 12 + size], "big"):
            return None
        if kind == b"IDAT":
            parts.append(inside)
        elif kind == b"PLTE":
            palette = bytes(inside)
        at += 12 + size
    whole = height * (width + 1)
    unpacking = zlib.decompressobj()
    try:
        rows = unpacking.decompress(b"".join(parts), whole + 1)
    except zlib.error:
        return None
    if len(rows) != whole or not unpacking.eof or not palette or len(palette) % 3:
        return None
    table = np.frombuffer(rows, np.uint8).reshape(height, width + 1)
    if not table.size or table[:, 0].any() or int(table.max()) * 3 >= len(palette):  # filtered, or of a colour that is not there
        return None
    rgb = np.frombuffer(palette, np.uint8).reshape(-1, 3).astype(np.int64)
    return Pixels(np.ascontiguousarray(table[:, 1:]), rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2])


def _decoded(content: bytes) -> NDArray[np.int32]:
    """Return the colours of a PNG as 0xRRGGBB, (H, W); raises ValueError, in words."""
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as e:
        raise PluginError(str(e)) from None
    if pixels is None:
        raise ValueError("cannot be decoded")
    wide = cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA)  # four bytes are one number
    codes: NDArray[np.int32] = wide.view("<i4")[..., 0] & 0xFFFFFF
    return codes
