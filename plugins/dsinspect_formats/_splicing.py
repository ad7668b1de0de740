"""Texts in their own encoding and spans of them that change: what the patches of all formats write with."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dsinspect.errors import UserError
from dsinspect_formats._images import relative
from dsinspect_formats._text import decode

Splice = tuple[int, int, bytes]
"""Start and stop of a span, and the bytes that take its place."""
_CODECS = {"UTF-8 with a byte order mark": "utf-8", "GB18030": "gb18030", "Windows-1252": "cp1252"}
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class EncodedText:
    """A text file as UTF-8 without a byte order mark, and the way back to its own encoding.

    Bytes that mean nothing in the encoding are kept: as lone surrogates meanwhile.
    """

    utf8: bytes
    codec: str = "utf-8"
    mark: bytes = b""

    @staticmethod
    def of(content: bytes, path: str, codec: str | None = None) -> EncodedText:
        """Decode a file.

        Args:
            content: of the file.
            path: for the error.
            codec: Python's name of the encoding; None to find it as the readers do.

        Raises:
            UserError: it could not be written back byte for byte.
        """
        if codec is None:
            name = decode(content)[1]
            codec = "utf-8" if name is None else _CODECS.get(name, "")
        if content.startswith((b"\xff\xfe", b"\xfe\xff")) and codec in ("", "utf-16"):
            codec = "utf-16-le" if content.startswith(b"\xff\xfe") else "utf-16-be"
        mark = next((m for m, c in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
                     if c == codec and content.startswith(m)), b"")
        if codec == "utf-8" and not mark:
            return EncodedText(content)
        try:
            text = content[len(mark):].decode(codec, _errors(codec))
            encoded = EncodedText(text.encode("utf-8", "surrogatepass"), codec, mark)
            if encoded.encode(encoded.utf8) == content:
                return encoded
        except (UnicodeError, LookupError):
            pass
        raise UserError(f"{path}: is not clean {codec}, so it cannot be edited without loss; save it as UTF-8 first")

    def encode(self, utf8: bytes) -> bytes:
        """Return a text in the file's own encoding; raises UnicodeEncodeError for what it cannot express."""
        if self.codec == "utf-8":
            return self.mark + utf8
        text = utf8.decode("utf-8", "surrogatepass")
        return self.mark + text.encode(self.codec, _errors(self.codec))

    def can_express(self, text: str) -> bool:
        """Say whether the encoding has all characters of a text."""
        try:
            text.encode(self.codec)
        except UnicodeEncodeError:
            return False
        return True

    @staticmethod
    def plain(utf8: bytes) -> bytes:
        """Return a text as UTF-8 that anything can read: bytes that meant nothing become replacement characters."""
        try:
            utf8.decode()
        except UnicodeDecodeError:
            return readable(utf8.decode("utf-8", "surrogatepass")).encode()
        return utf8


def readable(text: str) -> str:
    """Return a text with replacement characters for bytes that meant nothing; no place in it moves."""
    return _SURROGATES.sub("\ufffd", text)


def _errors(codec: str) -> str:
    return "surrogatepass" if codec.startswith("utf") else "surrogateescape"


def splice(content: bytes, splices: Iterable[Splice]) -> bytes:
    """Replace spans that do not overlap; at one place, insertions come in the order given."""
    view = memoryview(content)
    pieces: list[bytes | memoryview] = []
    at = 0
    for start, stop, new in sorted(splices, key=lambda s: (s[0], s[1])):
        pieces += (view[at:start], new)
        at = stop
    pieces.append(view[at:])
    return b"".join(pieces)


def removals(spans: Sequence[tuple[int, int]], dropped: Collection[int], opened: int, closed: int) -> list[Splice]:
    """Return the cuts that take elements out of a list written with commas.

    A run of elements goes with the comma and white space before it; at the head of the list, with what follows; with no
    element left, all between the brackets goes.

    Args:
        spans: start and stop of each element.
        dropped: positions of those that go.
        opened: just after the opening bracket.
        closed: at the closing bracket.
    """
    if not dropped:
        return []
    if len(dropped) == len(spans):
        return [(opened, closed, b"")]
    cuts: list[Splice] = []
    chosen = sorted(dropped)
    k = 0
    while k < len(chosen):
        first = last = chosen[k]
        while k + 1 < len(chosen) and chosen[k + 1] == last + 1:
            k += 1
            last = chosen[k]
        k += 1
        if first:
            cuts.append((spans[first - 1][1], spans[last][1], b""))
        else:
            cuts.append((spans[0][0], spans[last + 1][0], b""))
    return cuts


def whole_lines(content: bytes, start: int, stop: int) -> tuple[int, int]:
    """Widen a span to whole lines when nothing but white space stands beside it."""
    left, right = start, stop
    while left and content[left - 1:left] in (b" ", b"\t"):
        left -= 1
    while content[right:right + 1] in (b" ", b"\t", b"\r"):
        right += 1
    if (left == 0 or content[left - 1:left] == b"\n") and content[right:right + 1] == b"\n":
        return left, right + 1
    return start, stop


def without_lines(lines: Sequence[str], dropped: Collection[int]) -> str:
    """Join lines, which hold their ends, without some; a file that ended without a line end still does."""
    kept = [line for k, line in enumerate(lines) if k not in dropped]
    if kept and lines and len(lines) - 1 in dropped and not lines[-1].endswith(("\n", "\r")):
        kept[-1] = kept[-1].rstrip("\r\n")
    return "".join(kept)


def number_text(value: float, old: str = "", *, whole_as_int: bool = False) -> str:
    """Return a number as text, with as many digits as it takes to read back the same float.

    Args:
        value: finite.
        old: the text it replaces: `12.0` keeps its point when the new value is whole.
        whole_as_int: write `12` for 12.0 whatever stood there.
    """
    if float(value).is_integer() and abs(value) < 1e15 and (whole_as_int or not re.search(r"[.eE]", old)):
        return str(int(value))
    return repr(float(value))


def extent_text(start: float, end: float, old: str = "") -> str:
    """Return the shortest text of `end - start` that leads from `start` to the same `end` again."""
    extent = end - start
    for digits in range(17):
        short = round(extent, digits)
        if start + short == end:
            return number_text(short, old)
    return number_text(extent, old)


def shown_path(request_root: Path, file: Path) -> str:
    """Return a patch's path: relative to the folder the user named, or that of the file the user named."""
    return relative(file, request_root if request_root.is_dir() else request_root.parent)
