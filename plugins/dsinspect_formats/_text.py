"""Text files of datasets: decode whatever encoding they are in, and say which it was."""

from __future__ import annotations

import codecs

from dsinspect.tables.schema import Problem

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a byte order mark"),
          (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"), (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"))


def decode(content: bytes) -> tuple[str, str | None]:
    """Return the text, and the name of its encoding when that is not plain UTF-8.

    Bytes that are not UTF-8 are read as GB18030 when they are valid in it and make Chinese characters in common use (an
    accented letter and the one after it make a rare one), else as Windows-1252, which never fails here: its five
    undefined bytes become replacement characters.
    """
    for mark, encoding, name in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace"), name
    try:
        return content.decode("utf-8"), None
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        pass
    else:
        high = [c for c in text if c > "\x7f"]
        if sum(map(_is_common_chinese, high)) * 2 > len(high):
            return text, "GB18030"
    return content.decode("cp1252", "replace"), "Windows-1252"


def _is_common_chinese(character: str) -> bool:
    """Say whether a character is one of the 6,763 Chinese ones of GB 2312."""
    if not "\u4e00" <= character <= "\u9fff":
        return False
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def odd_encoding(source: str, name: str) -> Problem:
    """Return the problem of a file that is not plain UTF-8."""
    return Problem("odd-encoding", source, f"is {name}, not plain UTF-8", name)
