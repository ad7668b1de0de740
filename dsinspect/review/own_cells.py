"""What reviewers wrote into columns of their own on sheets other than that of findings, by what each row is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.io.spreadsheets import Sheet, sheets_of
from dsinspect.protocols import review_sheet as named

MAX_HEADERS = 16_384
"""Columns of a sheet."""


def read_own_cells(workbook: Path, settings: Mapping[str, str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return title of a sheet to header to what a row is about to the cell.

    Args:
        workbook: that a report wrote.
        settings: of it, JSON text by name: they list the headers that the report wrote.
    """
    listed = {title: _names(settings.get(named.HEADERS_OF + title)) for title in named.KEY_HEADERS}
    written = {title: names for title, names in listed.items() if names}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for sheet in sheets_of(workbook) if written else ():
        names = _header(sheet)
        title = _title(sheet.name, names, written)
        if title is None:
            continue
        known = {*written[title], *named.REVIEW_HEADERS}
        own = {h: k for k, h in enumerate(names) if h and h not in known}
        if own:
            found[title] = _cells(sheet, names.index(named.KEY_HEADERS[title]), dict(list(own.items())[:named.MAX_OWN_COLUMNS]))
    return {title: headers for title, headers in found.items() if headers}


def _names(text: str | None) -> list[str]:
    try:
        return msgspec.json.decode(text or "[]", type=list[str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return []


def _header(sheet: Sheet) -> list[str]:
    row = next(iter(sheet.rows()), None)
    return [] if row is None else ["" if v is None else str(v).strip() for v in row.values[:MAX_HEADERS]]


def _title(name: str, names: Sequence[str], written: Mapping[str, Sequence[str]]) -> str | None:
    """Return which of our sheets it is: that with its title, else, as sheets may be renamed, one whose headers it has."""
    fits = [t for t in written if named.KEY_HEADERS[t] in names]
    return name if name in fits else next((t for t in fits if set(written[t]) <= set(names)), None)


def _cells(sheet: Sheet, key: int, own: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    cells: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(sheet.rows()):
        about = row.values[key] if number and key < len(row.values) else None
        if about is None:
            continue
        for header, k in own.items():
            if k < len(row.values) and row.values[k] is not None:
                cells.setdefault(header, {}).setdefault(str(about), row.values[k])
    return cells
