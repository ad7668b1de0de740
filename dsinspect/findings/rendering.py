"""Text of a dataset as people see it: no control character of a file's name steers a terminal, an editor or a page."""

from __future__ import annotations

import re

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

_STEERS = re.compile(rf"{_CONTROLS.pattern}|\r(?!\n)")


def printable(text: str) -> str:
    r"""Return a text on one line, each character that cannot be printed replaced by U+FFFD.

    >>> printable("two\nlines, \x1b[31mred")
    'two�lines, �[31mred'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def guarded(text: str | None) -> str | None:
    """Return a text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe in front.

    >>> guarded("=1+1"), guarded("cat")
    ("'=1+1", 'cat')
    """
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text


def without_controls(text: str) -> str:
    r"""Return a text of many lines without control characters: tabs and line ends stay.

    Marks that turn the direction of writing go too: they make a line read otherwise than it is.

    >>> without_controls("a\tb\r\n\x1b[0m")
    'a\tb\r\n�[0m'
    """
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def quoted(path: str) -> str:
    r"""Return a path as Git writes it in the head of a diff: quoted, with escapes, when something in it steers a terminal.

    >>> quoted("a/b c.txt"), quoted("a/\x1b[31m.txt")
    ('a/b c.txt', '"a/\\033[31m.txt"')
    """
    if path.isprintable() and not any(c in path for c in '"\\'):
        return path
    escapes = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(escapes.get(c) or (c if c.isprintable() else "".join(
        f"\\{byte:03o}" for byte in c.encode("utf-8", "surrogateescape"))) for c in path) + '"'


def visible(line: str) -> str:
    r"""Return a line for a terminal: what would steer it is written as an escape; tabs and the end of the line stay.

    >>> visible("a\tb\x1b[2J\u202e\r\n")
    'a\tb\\x1b[2J\\u202e\r\n'
    """
    return _STEERS.sub(lambda m: m[0].encode("unicode_escape").decode(), line)
