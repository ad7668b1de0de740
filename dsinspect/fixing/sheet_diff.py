"""What changes in a workbook, cell by cell: `boxes!E12: 130 -> 192`, for people who cannot read it as text."""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterator, Sequence
from typing import Any

from dsinspect.findings.rendering import quoted, without_controls
from dsinspect.findings.wording import counted

MAX_CHANGES = 1_000
"""Changed cells and rows of a workbook that are shown."""
MAX_ALIGNED = 5_000
"""Rows between the first and the last change among which those that moved are looked for; beyond, rows are compared by number."""
MAX_TEXT = 80
"""Characters of a value that are shown."""

Values = tuple[Any, ...]


def workbook_diff(name: str, before: bytes, after: bytes) -> Iterator[str]:
    """Yield the lines of a diff of an .xlsx file: cells that change, rows that go and that come.

    Args:
        name: path of the file.
        before: its content.
        after: its content then.
    """
    yield f"Binary files {quoted('a/' + name)} and {quoted('b/' + name)} differ, in these cells:\n"
    shown = 0
    for line in _changes(before, after):
        shown += 1
        if shown <= MAX_CHANGES:
            yield line
    if shown > MAX_CHANGES:
        yield f"... and {counted(shown - MAX_CHANGES, 'change')} more\n"


def _changes(before: bytes, after: bytes) -> Iterator[str]:
    old, new = _sheets(before), _sheets(after)
    for title in dict.fromkeys((*old, *new)):
        a, b = old.get(title, []), new.get(title, [])
        head = _equal(a, b)
        tail = _equal(a[head:][::-1], b[head:][::-1])
        yield from _of_rows(_line(title), a[head:len(a) - tail], b[head:len(b) - tail], head)


def _of_rows(title: str, a: Sequence[Values], b: Sequence[Values], start: int) -> Iterator[str]:
    """Yield the changes between rows; `start` rows before them are equal."""
    blocks = [("replace", 0, len(a), 0, len(b))]
    if len(a) != len(b) and len(a) + len(b) <= MAX_ALIGNED:
        blocks = list(difflib.SequenceMatcher(None, [_known(r) for r in a], [_known(r) for r in b], autojunk=False).get_opcodes())
    for kind, a_start, a_end, b_start, b_end in blocks:
        if kind == "equal":
            continue
        both = min(a_end - a_start, b_end - b_start)
        for k in range(both):
            yield from _of_cells(title, start + a_start + k + 1, a[a_start + k], b[b_start + k])
        for k in range(a_start + both, a_end):
            yield f"-{title} row {start + k + 1:,}: {_row(a[k])}\n"
        for k in range(b_start + both, b_end):
            yield f"+{title} row {start + k + 1:,}: {_row(b[k])}\n"


def _of_cells(title: str, number: int, a: Values, b: Values) -> Iterator[str]:
    from openpyxl.utils import get_column_letter

    width = max(len(a), len(b))
    for k, (old, new) in enumerate(zip(_padded(a, width), _padded(b, width), strict=True), 1):
        if _known((old,)) != _known((new,)):
            yield f" {title}!{get_column_letter(k)}{number}: {_shown(old)} -> {_shown(new)}\n"


def _sheets(content: bytes) -> dict[str, list[Values]]:
    """Return the rows of every sheet, formulas as they are written."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    try:
        sheets = {}
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            sheets[sheet.title] = [_trimmed(row) for row in sheet.iter_rows(values_only=True)]
        return sheets
    finally:
        book.close()


def _trimmed(row: Values) -> Values:
    end = len(row)
    while end and row[end - 1] is None:
        end -= 1
    return tuple(row[:end])


def _padded(row: Values, width: int) -> Values:
    return row + (None,) * (width - len(row))


def _known(row: Values) -> tuple[tuple[str, str], ...]:
    """Return a row so that it can be compared and hashed whatever it holds: True and 1 differ, 1 and 1.0 do not."""
    return tuple(("number", str(int(v)) if v == v // 1 else repr(v)) if type(v) in (int, float) else (type(v).__name__, str(v))
                 for v in row)


def _equal(a: Sequence[Values], b: Sequence[Values]) -> int:
    n = min(len(a), len(b))
    return next((k for k in range(n) if _known(a[k]) != _known(b[k])), n)


def _row(row: Values) -> str:
    return ", ".join(map(_shown, row))


def _shown(value: Any) -> str:
    return "(empty)" if value is None else _line(str(value))


def _line(text: str) -> str:
    text = without_controls(text)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."
