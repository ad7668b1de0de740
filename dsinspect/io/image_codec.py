"""Read images as stored, and write them: by suffix, with quality, under a temporary name until they are whole."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from dsinspect.errors import UserError, no_opencv, os_reason
from dsinspect.io.folders import make_folder
from dsinspect.io.limits import limits, option
from dsinspect.known_names import UNDECODABLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

WRITABLE = {".jpg": "jpg", ".jpeg": "jpg", ".jpe": "jpg", ".png": "png", ".webp": "webp", ".bmp": "bmp", ".dib": "bmp",
            ".tif": "tiff", ".tiff": "tiff"}
"""Suffixes that are written as what they say; images with any other one are written as .png."""

_numbers = itertools.count()


class UnreadableError(Exception):
    """An image that cannot be read or written; the text says why, and `code` which check reports such files."""

    def __init__(self, reason: str, code: str = UNDECODABLE) -> None:
        super().__init__(reason)
        self.code = code


class Encoding(msgspec.Struct, frozen=True):
    """How images are written.

    Attributes:
        format: `jpg`, `png`, `webp`, `bmp`, `tiff`, or empty for that of each source.
        jpeg_quality: 1 to 100, also of WebP.
        png_level: 0 to 9.
    """

    format: Literal["", "jpg", "png", "webp", "bmp", "tiff"] = ""
    jpeg_quality: int = 95
    png_level: int = 1

    def suffix_for(self, suffix: str) -> str:
        """Return the suffix an output gets in place of its source's."""
        own = WRITABLE.get(suffix.lower())
        if self.format:
            return suffix if own == self.format else f".{self.format}"
        return suffix if own else ".png"

    def encode(self, pixels: NDArray[Any], suffix: str) -> bytes:
        """Return the bytes of an image file.

        JPEG, WebP and BMP hold 8 bits: 16-bit pixels are divided by 257. JPEG holds no alpha, which is left out.

        Raises:
            UnreadableError: the encoder refuses the image (a WebP of more than 16,383 px, say).
        """
        import cv2

        kind = WRITABLE[suffix.lower()]
        if pixels.dtype == np.uint16 and kind in ("jpg", "webp", "bmp"):
            pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
        if kind == "jpg" and pixels.ndim == 3 and pixels.shape[2] == 4:
            pixels = pixels[..., :3]
        flags = {"jpg": [cv2.IMWRITE_JPEG_QUALITY, self.jpeg_quality], "webp": [cv2.IMWRITE_WEBP_QUALITY, self.jpeg_quality],
                 "png": [cv2.IMWRITE_PNG_COMPRESSION, self.png_level]}.get(kind, [])
        try:
            done, buffer = cv2.imencode(suffix.lower(), pixels, flags)
        except cv2.error as e:
            raise UnreadableError(f"the encoder failed: {_first_line(e)}") from None
        if not done:
            raise UnreadableError(f"cannot be written as {suffix}")
        return bytes(buffer)


def start_opencv() -> None:
    """Set OpenCV up for images in parallel: one thread for each, no messages on stderr.

    Raises:
        UserError: it cannot be imported.
    """
    why = why_no_opencv()
    if why is not None:
        raise UserError(why)


@functools.cache
def why_no_opencv() -> str | None:
    """Set OpenCV up, and return why that fails; a second import of it would fail for another reason, which helps nobody."""
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(limits().pixels)  # it is OpenCV that holds all callers to the limit
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    before = list(sys.path)
    try:
        import cv2
    except ImportError as e:
        sys.path[:] = before  # OpenCV leaves its own folder there, whose `typing` would be every worker's `typing`
        return no_opencv(e)
    cv2.setNumThreads(1)
    return None


def decode(content: bytes) -> NDArray[Any]:
    """Return the stored pixels of an image file, EXIF orientation not applied.

    Returns:
        (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA, uint8 or uint16.

    Raises:
        UnreadableError: the decoder gives nothing.
    """
    start_opencv()
    import cv2

    if not content:
        raise UnreadableError("the file is empty")
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None and content.startswith(b"\xff\xd8"):  # OpenCV 5 refuses a JPEG without its end marker, 4 does not
            pixels = cv2.imdecode(np.frombuffer(content + b"\xff\xd9", np.uint8), cv2.IMREAD_UNCHANGED)
    except (cv2.error, MemoryError, SystemError) as e:
        raise UnreadableError(f"the decoder failed: {_first_line(e)}") from None
    if pixels is None or not pixels.size:
        raise UnreadableError(f"the decoder gives nothing (nor for more than {limits().pixels:,} px, {option('pixels')})")
    if pixels.ndim == 3 and pixels.shape[2] == 2:  # grey with alpha
        pixels = cv2.cvtColor(np.ascontiguousarray(pixels[..., 0]), cv2.COLOR_GRAY2BGR)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UnreadableError(f"its pixels are {pixels.dtype}; 8 and 16 bits are read")
    return np.asarray(pixels)


class Outputs:
    """Writes files into a folder, each first under a temporary name in a folder of its own on the same disk."""

    def __init__(self, root: Path, temporary: Path) -> None:
        self.root = root
        self.temporary = temporary

    def write(self, path: str, content: bytes) -> None:
        """Write a file.

        Args:
            path: POSIX path relative to the folder.
            content: its bytes.

        Raises:
            UserError: it cannot be written; nothing is left behind.
        """
        target = self.root / path
        partial = self.temporary / f"{os.getpid()}-{next(_numbers)}"
        try:
            partial.write_bytes(content)
            try:
                partial.replace(target)
            except FileNotFoundError:  # folders are made when first missed: asking before each file costs more
                make_folder(target.parent)
                partial.replace(target)
        except OSError as e:
            raise UserError(f"{target}: {os_reason(e)}; fix this, then rerun with --resume") from None
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:120]
