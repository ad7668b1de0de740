"""Colours, fonts and formats of the workbook, in one place."""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.cell_style import StyleArray

from dsinspect.protocols.review_sheet import MAX_TEXT

INK, QUIET, LINE, PAPER = "1F2933", "6B7785", "D5DBE1", "F4F6F8"
ACCENT = "1D4E89"
SEVERITY = {"error": ("B42318", "FDE8E6"), "warning": ("8A5A00", "FFF3D6"), "info": ("1D4E89", "E6F0FB"),
            "clean": ("1E7B4F", "E5F5EC"), "skipped": ("8A5A00", PAPER), "outside": (QUIET, PAPER), "crashed": ("FFFFFF", "B42318")}
MARK = {"error": "✖ error", "warning": "▲ warning", "info": "● info", "clean": "✔ clean", "skipped": "? skipped",
        "outside": "does not apply", "crashed": "! crashed"}
"""Text beside each colour, so that they can be distinguished in a print without colour."""
SERIES = ("1D4E89", "E07A1F", "2A9D8F", "8E6C8A")

TITLE = Font(name="Calibri", size=20, bold=True, color=INK)
HEADING = Font(name="Calibri", size=13, bold=True, color=ACCENT)
BODY = Font(name="Calibri", size=11, color=INK)
BOLD = Font(name="Calibri", size=11, bold=True, color=INK)
SMALL = Font(name="Calibri", size=10, color=QUIET)
ON_LIGHT = Font(name="Calibri", size=10, color=INK)
ON_DARK = Font(name="Calibri", size=10, color="FFFFFF")
LINK = Font(name="Calibri", size=11, color=ACCENT, underline="single")
BAR = Font(name="Consolas", size=11, color=ACCENT)
HEADER_FONT = Font(name="Calibri", size=11, bold=True, color="FFFFFF")
HEADER_FILL = PatternFill("solid", fgColor=ACCENT)
INPUT_FILL = PatternFill("solid", fgColor="FFFBE6")
INPUT_HEADER_FILL = PatternFill("solid", fgColor="F2C94C")
INPUT_FONT = Font(name="Calibri", size=11, bold=True, color=INK)
UNDERLINE = Border(bottom=Side("thin", color=LINE))
_HAIR = Side("hair", color=LINE)
GRID = Border(left=_HAIR, right=_HAIR, top=_HAIR, bottom=_HAIR)
_EDGE = Side("thin", color="E8DFB8")
BOXED = Border(left=_EDGE, right=_EDGE, top=_EDGE, bottom=_EDGE)
TOP = Alignment(vertical="top")
WRAP = Alignment(vertical="top", wrap_text=True)
NAME = Alignment(vertical="top", horizontal="left", wrap_text=True, readingOrder=1)
"""Of names and paths: from left to right also where they begin in a script that is written from the right."""
RIGHT = Alignment(vertical="top", horizontal="right")
INDENT = Alignment(vertical="top", horizontal="left", wrap_text=True, indent=1)
RIGHT_WRAP = Alignment(vertical="top", horizontal="right", wrap_text=True)
RIGHT_INDENT = Alignment(vertical="top", horizontal="right", indent=1)
LEFT = Alignment(vertical="top", horizontal="left")
MIDDLE = Alignment(vertical="center")
MIDDLE_WRAP = Alignment(vertical="center", wrap_text=True)
MIDDLE_INDENT = Alignment(vertical="center", horizontal="left", wrap_text=True, indent=1)
RIGHT_MIDDLE_WRAP = Alignment(vertical="center", horizontal="right", wrap_text=True)
RIGHT_MIDDLE_INDENT = Alignment(vertical="center", horizontal="right", indent=1)
RIGHT_MIDDLE = Alignment(vertical="center", horizontal="right")


@cache
def severity_fill(name: str) -> PatternFill:
    """Return the ground of a severity or status."""
    return PatternFill("solid", bgColor=SEVERITY[name][1], fgColor=SEVERITY[name][1])


@cache
def severity_font(name: str) -> Font:
    """Return the font of a severity or status."""
    return Font(name="Calibri", size=11, bold=True, color=SEVERITY[name][0])


def cell(sheet: Any, value: Any, font: Font = BODY, *, fill: PatternFill | None = None, number_format: str | None = None,
         alignment: Alignment | None = TOP, border: Border | None = None) -> Any:
    """Return a styled cell; text is text, whatever it begins with."""
    made: Any = Cell(sheet, 1, 1, None, _look(sheet, font, fill, number_format, alignment, border))
    if isinstance(value, str):
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        legal = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value)[:MAX_TEXT]
        made.value = legal.encode("utf-8", "replace").decode()
        made.data_type = "s"
    else:
        made.value = value
    return made


_LOOKS: WeakKeyDictionary[Any, dict[tuple[Any, ...], tuple[StyleArray, tuple[Any, ...]]]] = WeakKeyDictionary()
"""By workbook: the numbers under which it keeps a look, and what the look is made of, whose ids are its name."""


def _look(sheet: Any, font: Font, fill: PatternFill | None, number_format: str | None, alignment: Alignment | None,
          border: Border | None) -> StyleArray:
    """Return the numbers of a look; hashing fonts and fills anew for each cell would take a third of the time of a workbook."""
    looks = _LOOKS.setdefault(sheet.parent, {})
    parts = (font, fill, alignment, border)
    key = (*map(id, parts), number_format)
    if key not in looks:
        made: Any = Cell(sheet, 1, 1)
        made.font = font
        if fill:
            made.fill = fill
        if number_format:
            made.number_format = number_format
        if alignment:
            made.alignment = alignment
        if border:
            made.border = border
        looks[key] = (made._style, parts)
    return looks[key][0]


def formula(sheet: Any, text: str, font: Font = BODY, *, number_format: str | None = None) -> Any:
    """Return a cell that computes; `text` is ours alone and holds nothing of a dataset."""
    made = cell(sheet, None, font, number_format=number_format)
    made.value = text
    return made


def style_number(sheet: Any, font: Font = BODY, **options: Any) -> int:
    """Return the number under which the workbook keeps a style, for streamed cells."""
    number: int = cell(sheet, 0, font, **options).style_id
    return number


