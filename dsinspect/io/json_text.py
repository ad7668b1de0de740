"""JSON of what a dataset says: a file name that is no text does not stop it, and no terminal or editor obeys what is in it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_HIDDEN = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf")
"""UTF-8 of DEL, the C1 controls, line and paragraph separators, marks of direction and of byte order."""


def encoded(value: Any) -> bytes:
    r"""Return a value as JSON; characters that are not seen but obeyed are written as `\uXXXX`.

    >>> encoded({"image": "a\u202eb", "file": "caf\udce9.png"}).decode()
    '{"image":"a\\u202eb","file":"caf\\\\udce9.png"}'
    """
    try:
        return escaped(msgspec.json.encode(value))
    except UnicodeEncodeError:
        return escaped(msgspec.json.encode(as_text(msgspec.to_builtins(value))))


def encoded_lines(records: list[dict[str, Any]]) -> bytes:
    """Return records as JSON, one a line."""
    try:
        return escaped(_ENCODER.encode_lines(records))
    except UnicodeEncodeError:
        return escaped(_ENCODER.encode_lines(as_text(records)))


def indented(value: Any, indent: int = 1) -> bytes:
    """Return a value as JSON on many lines, the last one ended."""
    return msgspec.json.format(encoded(value), indent=indent) + b"\n"


def escaped(content: bytes) -> bytes:
    """Return JSON in which no hidden character stands as it is; its values are the same."""
    return content if content.isascii() and b"\x7f" not in content else _HIDDEN.sub(_escape, content)


def as_text(value: Any) -> Any:
    """Return a value whose texts can be written: bytes of a file name that are no UTF-8 are escaped."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {as_text(k): as_text(v) for k, v in value.items()}
    return [as_text(v) for v in value] if isinstance(value, (list, tuple)) else value


def _escape(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())


_ENCODER = msgspec.json.Encoder()
