"""What reviewers wrote into columns of their own on sheets other than that of findings, by what each row is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dsinspect.io.formulas import unstored_formulas
from dsinspect.io.spreadsheets import Sheet, sheets_of
from dsinspect.protocols import review_sheet as named
from dsinspect.review.rows import with_formulas

MAX_SHEETS = 500
"""Sheets whose own columns are looked for."""
MAX_HEADERS = 16_384
"""Columns of a sheet."""


def read_own_cells(workbook: Path, settings: Mapping[str, str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return title of a sheet to header to what a row is about to the cell.

    Args:
        workbook: that a report wrote.
        settings: of it, JSON text by name: they list the headers that the report wrote.
    """
    titles = [name.removeprefix(named.HEADERS_OF) for name in settings if name.startswith(named.HEADERS_OF)]
    listed = {title: _names(settings[named.HEADERS_OF + title]) for title in titles[:MAX_SHEETS]}
    keys = {t: [named.KEY_HEADERS[t]] if t in named.KEY_HEADERS else _names(settings.get(named.KEYS_OF + t)) for t in listed}
    written = {title: names for title, names in listed.items() if names and keys[title]}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for sheet in sheets_of(workbook) if written else ():
        names = _header(sheet)
        title = _title(sheet.name, names, written, keys)
        if title is None:
            continue
        known = {*written[title], *named.REVIEW_HEADERS}
        own = {h: k for k, h in enumerate(names) if h and h not in known}
        if own:
            about = {h: names.index(h) for h in keys[title]}
            cells = _cells(sheet, about, dict(list(own.items())[:named.MAX_OWN_COLUMNS]), title in named.KEY_HEADERS)
            found.setdefault(title, {}).update(cells)
    return {title: headers for title, headers in found.items() if headers}


def _names(text: str | None) -> list[str]:
    try:
        return msgspec.json.decode(text or "[]", type=list[str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return []


def _header(sheet: Sheet) -> list[str]:
    row = next(iter(sheet.rows()), None)
    return [] if row is None else ["" if v is None else str(v).strip() for v in row.values[:MAX_HEADERS]]


def _title(name: str, names: Sequence[str], written: Mapping[str, Sequence[str]], keys: Mapping[str, Sequence[str]]) -> str | None:
    """Return which of our sheets it is: that with its title, else, as sheets may be renamed, one whose headers it has."""
    fits = [t for t in written if set(keys[t]) <= set(names)]
    return name if name in fits else next((t for t in fits if set(written[t]) <= set(names)), None)


def _cells(sheet: Sheet, keys: Mapping[str, int], own: Mapping[str, int], is_plain: bool) -> dict[str, dict[str, Any]]:
    cells: dict[str, dict[str, Any]] = {}
    formulas = unstored_formulas(sheet.path, sheet.name) if sheet.kind == "xlsx" else {}
    for row in list(with_formulas(list(sheet.rows()), formulas))[1:]:
        about = {h: row.values[k] for h, k in keys.items() if k < len(row.values) and row.values[k] is not None}
        if not about:
            continue
        key = str(next(iter(about.values()))) if is_plain else named.row_key(about)
        for header, k in own.items():
            if k < len(row.values) and row.values[k] is not None:
                cells.setdefault(header, {}).setdefault(key, row.values[k])
    return cells
