"""Text files of datasets: decode whatever encoding they are in, and say which it was."""

from __future__ import annotations

import codecs
import re
from typing import Any

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


_DECLARED = re.compile(rb"""<\?xml\b[^>]{0,200}?\bencoding\s{0,9}=\s{0,9}["']([A-Za-z0-9._:-]{1,40})["']""")
_ALIASES = {"ansi": "cp1252", "iso-8859-1": "cp1252", "latin1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030",
            "gb_2312-80": "gb18030", "x-gbk": "gb18030", "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932",
            "sjis": "cp932", "windows-31j": "cp932", "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "euc_kr": "cp949",
            "x-x-big5": "big5", "unicode": "utf-8"}
"""Names that programs write, and the codec (a superset where there is one) that reads what they mean."""
_SHOWN = {"gb18030": "GB18030", "cp1252": "Windows-1252", "cp932": "Shift_JIS", "cp949": "EUC-KR", "big5": "Big5"}
_LONG_UTF8 = re.compile(rb"[\xe0-\xf4][\x80-\xbf]{2}")


def xml_text(content: bytes) -> tuple[str, str | None, str]:
    """Return the text of an XML file, the name of its encoding when that is not plain UTF-8, and the codec.

    The encoding that the file declares is believed where its bytes are valid in it; a file whose bytes are UTF-8 of
    three and more bytes a character is UTF-8 whatever it declares, for hardly any other text looks like that.
    """
    if content.startswith(tuple(m for m, _, _ in _MARKS)):
        text, name = decode(content)
        return text, name, "utf-8" if content.startswith(codecs.BOM_UTF8) else "utf-16"
    match = _DECLARED.match(content)
    declared = match[1].decode().lower() if match else "utf-8"
    codec = _ALIASES.get(declared, declared)
    try:
        codec = codecs.lookup(codec).name
        is_text = codecs.lookup(codec)._is_text_encoding
    except LookupError:
        is_text = False
    if content.isascii():
        known = is_text and codec.startswith(("utf-8", "iso8859", "cp125", "ascii", "koi8")) and declared not in ("ansi", "unicode")
        return content.decode("ascii"), None if known else f"ASCII that declares {declared!r}", "utf-8"
    if is_text and codec != "utf-8" and not codec.startswith("utf"):
        try:
            is_utf8 = bool(_LONG_UTF8.search(content)) and bool(content.decode("utf-8"))
        except UnicodeDecodeError:
            is_utf8 = False
        if not is_utf8:
            try:
                return content.decode(codec), _SHOWN.get(codec, declared.upper()), codec
            except UnicodeDecodeError:
                pass
    text, name = decode(content)
    if name is None and (not is_text or codec != "utf-8"):
        name = f"UTF-8 that declares {declared!r}"
    return text, name, {None: "utf-8", "GB18030": "gb18030", "Windows-1252": "cp1252"}.get(name, "utf-8")


_LONE = re.compile("[\ud800-\udfff]")


def without_lone_surrogates(value: Any) -> Any:
    """Return JSON values whose texts have replacement characters for halves of surrogate pairs, which nothing can write."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [without_lone_surrogates(v) for v in value]
    if isinstance(value, dict):
        return {without_lone_surrogates(k): without_lone_surrogates(v) for k, v in value.items()}
    return value


def _is_common_chinese(character: str) -> bool:
    """Say whether a character is one of the 6,763 Chinese ones of GB 2312."""
    if not "\u4e00" <= character <= "\u9fff":
        return False
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def odd_encoding(source: str, name: str, content: bytes = b"") -> Problem:
    """Return the problem of a file that is not plain UTF-8, with line and column where its bytes are given."""
    if not content:
        return Problem("odd-encoding", source, f"is {name}, not plain UTF-8", name)
    line, column = _first_odd(content)
    return Problem("odd-encoding", source, f"is {name}, not plain UTF-8 (first at line {line:,}, column {column:,})", name, line)


def _first_odd(content: bytes) -> tuple[int, int]:
    """Return line and column, from 1, of the first byte that is not UTF-8; the start, where a byte order mark is all there is."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as e:
        begin = content.rfind(b"\n", 0, e.start) + 1
        return content.count(b"\n", 0, e.start) + 1, len(content[begin:e.start].decode("utf-8")) + 1
    return 1, 1
