"""Which files are of dsinspect's own making: those it may replace, wherever they lie."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

_MARKS = re.compile(
    rb'\s*\{\s*"schema_version":\s*1\b'  # JSON of ours, but for:
    rb'|\s*\{"code":"[A-Z]{3}\d{3}[" ]|\s*\{"\$schema": "[^"]*sarif.{0,99}"runs": \[\{"tool": \{"driver": \{"name":"dsinspect"'
    rb'|(\xef\xbb\xbf)?(code,severity,|id,class,boxes,images,|image,split,repeat_factor)|# dsinspect: '
    rb'|\s*<!doctype html>.*dsinspect|<\?xml[^>]*>\s*<testsuites name="dsinspect"', re.S)
"""How files of ours begin. The mere word is no mark: a dataset may hold it too."""


def made_here(path: Path) -> bool:
    """Say whether a file looks like a report, a baseline or a sheet of images of dsinspect, by how it begins."""
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
            if head.startswith(b"PK\x03\x04"):
                return _is_our_workbook(path)
    except OSError:
        return False
    return _MARKS.match(head) is not None or _is_signed(head)


def _is_our_workbook(path: Path) -> bool:
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            properties = archive.getinfo("docProps/core.xml")
            return properties.file_size < 1 << 16 and b"dsinspect" in archive.read(properties)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, RuntimeError):
        return False


_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_HEADER_STOP = 33
"""Where the first chunk of a PNG ends (W3C PNG, 11.2.1: IHDR has 13 bytes)."""
_SOFTWARE = b"Software\0dsinspect"
_CHUNK = len(_SOFTWARE).to_bytes(4, "big") + b"tEXt" + _SOFTWARE + zlib.crc32(b"tEXt" + _SOFTWARE).to_bytes(4, "big")
_COMMENT = b"\xff\xfe" + (len(_SOFTWARE) + 2).to_bytes(2, "big") + _SOFTWARE


def signed(image: bytes) -> bytes:
    """Return a PNG or JPEG that says it is of our making, as its format has it (tEXt, COM); other images as they are."""
    if image.startswith(_PNG):
        return image[:_HEADER_STOP] + _CHUNK + image[_HEADER_STOP:]
    if image.startswith(_JPEG):
        return _JPEG + _COMMENT + image[len(_JPEG):]
    return image


def _is_signed(head: bytes) -> bool:
    return (head.startswith(_PNG) and head[_HEADER_STOP:].startswith(_CHUNK)) or head.startswith(_JPEG + _COMMENT)
