"""What the terminal reports share: a console of a known width, symbols, bars."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dsinspect.findings.rendering import printable
from dsinspect.findings.severity import Severity

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}


def make_console(width: int | None = None, colour: bool | None = None) -> tuple[Console, io.StringIO]:
    """Return a console that writes into a text: as wide as the terminal, coloured when stdout is one.

    Args:
        width: columns; the terminal's (at most 120), or 100 where there is none, when None.
        colour: whether to colour; decided by stdout, NO_COLOR and FORCE_COLOR when None.
    """
    from rich.console import Console

    if colour is None:
        colour = "NO_COLOR" not in os.environ and ("FORCE_COLOR" in os.environ or sys.stdout.isatty())
    if width is None:
        width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    file = io.StringIO()
    console = Console(file=file, width=max(width, 40), force_terminal=colour, highlight=False, markup=False,
                      color_system="auto" if colour else None, no_color=not colour, legacy_windows=False,
                      soft_wrap=False, emoji=False)
    return console, file


def plain_ends(text: str) -> str:
    """Return text without the blanks that wrapping leaves at the ends of lines."""
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def speaks_unicode() -> bool:
    """Say whether stdout can show block characters."""
    try:
        "█▏●—".encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def bar(share: float, width: int, unicode: bool | None = None) -> str:
    """Return a bar of `share` (0 to 1) of `width` columns, in eighths of a column; `unicode` None asks stdout."""
    if not (speaks_unicode() if unicode is None else unicode):
        return "#" * max(round(share * width), 1 if share > 0 else 0)
    eighths = max(round(share * width * 8), 1 if share > 0 else 0)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


def spark(values: Sequence[float], unicode: bool | None = None) -> str:
    """Return a histogram one row high; `unicode` None asks stdout."""
    marks = " ▁▂▃▄▅▆▇█" if (speaks_unicode() if unicode is None else unicode) else " .:-=+*#@"
    top = max(values, default=0) or 1
    return "".join(marks[0 if v <= 0 else max(1, round(v / top * 8))] for v in values)


def symbol(severity: Severity) -> Text:
    """Return the mark of a severity: a letter and a colour, so that it reads without colour as well."""
    from rich.text import Text

    return Text(str(severity).upper()[0], STYLES[severity])


def clipped(text: str, width: int, unicode: bool | None = None) -> str:
    """Return a text on one line of at most `width` characters, cut in the middle; `unicode` None asks stdout."""
    text = printable(text)
    if len(text) <= width:
        return text
    dots = "…" if (speaks_unicode() if unicode is None else unicode) else "..."
    tail = (width - len(dots)) * 2 // 3
    return text[:width - len(dots) - tail] + dots + text[-tail:]
