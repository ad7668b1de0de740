"""Text of a dataset as people see it: no control character of a file's name steers a terminal, an editor or a page."""

from __future__ import annotations

import re

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


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
