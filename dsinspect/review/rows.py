"""The rows of a reviewed workbook that hold a decision, with the addresses of their cells.

A report has many rows and a review few decisions. So the sheets of an .xlsx are first searched, as bytes, for rows with
something in the column Decision, and only these are read; what does not look as spreadsheet programs write it is read
row by row with openpyxl. An .xls is read whole (xlrd).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.escape import unescape

from dsinspect.errors import UserError, nearest
from dsinspect.io.spreadsheets import Row, Sheet, sheets_of
from dsinspect.protocols.review_sheet import DECISION, FINGERPRINT, REVIEWER

HEADER_ROWS = 20
"""Rows at the top of a sheet among which the header is looked for."""
CHUNK = 1 << 24
"""Bytes of a sheet searched at a time."""
_ROW = re.compile(rb"<row\b(?:[^>]*[^/])?>(.*?)</row>|<row\b[^>]*/>", re.DOTALL)
_ROW_NUMBER = re.compile(rb'<row\b[^>]*?\sr="(\d+)"')
_CELL = re.compile(rb"<c\b(?:[^>]*?[^/])?>.*?</c>|<c\b[^>]*/>", re.DOTALL)
_STRING = re.compile(rb"<si\b(?:[^>]*[^/])?>.*?</si>|<si\b[^>]*/>", re.DOTALL)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class ReviewRow:
    """A row with a decision.

    Attributes:
        sheet: title of the sheet.
        number: of the row, from 1.
        values: by header.
        letters: letter of each header's column.
    """

    sheet: str
    number: int
    values: Mapping[str, Any]
    letters: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """The identity of the finding, as the cell has it."""
        return str(self.values.get(FINGERPRINT) or "").strip().lower()

    @property
    def reviewer(self) -> str | None:
        """Who decided, as far as the row says."""
        value = self.values.get(REVIEWER)
        return None if value in (None, "") else str(value)

    def cell(self, header: str) -> str:
        """Return the address of a cell, `Findings!Q12`."""
        sheet = f"'{self.sheet}'" if " " in self.sheet else self.sheet
        return f"{sheet}!{self.letters.get(header, '?')}{self.number}"


def review_rows(workbook: Path) -> tuple[list[ReviewRow], int]:
    """Return the rows that hold a decision, and how many rows with findings there are.

    Raises:
        UserError: it is no spreadsheet, or none of its sheets has the columns Decision and Fingerprint.
    """
    found: list[ReviewRow] = []
    seen = 0
    reviewed = False
    for sheet in sheets_of(workbook):
        head = _header(sheet)
        if head is None:
            continue
        reviewed = True
        number, letters = head
        count, rows = _decided(sheet, number, letters)
        seen += count
        for row in rows:
            values = {h: row.values[k] if k < len(row.values) else None for h, k in _positions(letters).items()}
            found.append(ReviewRow(sheet.name, row.number, values, letters))
    if not reviewed:
        raise UserError(f"{workbook}: no sheet has the columns {DECISION} and {FINGERPRINT}; is it a workbook that "
                        "dsinspect report wrote?")
    return found, seen


def _positions(letters: Mapping[str, str]) -> dict[str, int]:
    return {h: column_index_from_string(letter) - 1 for h, letter in letters.items()}


def _header(sheet: Sheet) -> tuple[int, dict[str, str]] | None:
    """Return the number of the header's row and the letters of its columns; None when the sheet is no review."""
    for row in sheet.rows():
        if row.number > HEADER_ROWS:
            return None
        names = [str(v).strip() if v is not None else "" for v in row.values]
        if DECISION in names and FINGERPRINT in names:
            letters: dict[str, str] = {}
            for k, name in enumerate(names, 1):
                if name in letters and name in (DECISION, FINGERPRINT):
                    raise UserError(f"{sheet.path}: sheet {sheet.name!r} has two columns {name}, {letters[name]} and "
                                    f"{get_column_letter(k)}; remove one")
                if name:
                    letters.setdefault(name, get_column_letter(k))
            return row.number, letters
        if FINGERPRINT in names:
            raise UserError(f"{sheet.path}: sheet {sheet.name!r} has no column {DECISION}{nearest(DECISION, names)}")
    return None


def _decided(sheet: Sheet, header: int, letters: Mapping[str, str]) -> tuple[int, list[Row]]:
    """Return the number of rows below the header, and those with a decision."""
    if sheet.kind == "xlsx":
        try:
            found = _search(sheet, header, letters[DECISION])
        except (zipfile.BadZipFile, OSError, KeyError, ValueError, ElementTree.ParseError):
            found = None
        if found is not None:
            return found
    position = _positions(letters)[DECISION]
    count, rows = 0, []
    for row in sheet.rows():
        if row.number <= header:
            continue
        count += 1
        if position < len(row.values) and str(row.values[position] or "").strip():
            rows.append(row)
    return count, rows


def _search(sheet: Sheet, header: int, letter: str) -> tuple[int, list[Row]] | None:
    """Search the bytes of a sheet; None when they are not in the usual form."""
    with zipfile.ZipFile(sheet.path) as archive:
        part = _part_of(archive, sheet.name)
        if part is None:
            return None
        count, chosen = 0, []
        position = column_index_from_string(letter)
        for number, content in _rows(archive, part):
            if number <= header:
                continue
            count += 1
            if _has_value(content, letter, number, position):
                chosen.append((number, content))
        if not count:
            return None  # perhaps with prefixes before the names of elements
        return count, _parsed(archive, chosen)


def _part_of(archive: zipfile.ZipFile, name: str) -> str | None:
    """Return the part that holds a sheet, by the workbook's relations."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {r.attrib["Id"]: r.attrib["Target"] for r in relations}
    for element in book.iter():
        if element.tag.endswith("}sheet") and element.attrib.get("name") == name:
            target = targets[element.attrib[_RELATION]]
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return None


def _rows(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[int, bytes]]:
    """Yield the numbers and cells of the rows of a sheet, read in chunks."""
    number = 0
    rest = b""
    with archive.open(part) as stream:
        while True:
            chunk = stream.read(CHUNK)
            rest += chunk
            end = 0
            for match in _ROW.finditer(rest):
                end = match.end()
                told = _ROW_NUMBER.match(match[0])
                number = int(told[1]) if told else number + 1
                if match[1]:
                    yield number, match[1]
            rest = rest[end:]
            if not chunk:
                return


def _has_value(content: bytes, letter: str, number: int, position: int) -> bool:
    """Say whether the cell of a row in a column holds something."""
    if b' r="' not in content:
        for k, cell in enumerate(_CELL.finditer(content), 1):
            if k == position:
                return b"</c>" in cell[0]
        return False
    start = content.find(b'r="%b%d"' % (letter.encode(), number))
    if start < 0:
        return False
    head_end = content.find(b">", start)
    return content[head_end - 1:head_end] != b"/" and not content.startswith(b"</c>", head_end + 1)


def _parsed(archive: zipfile.ZipFile, chosen: list[tuple[int, bytes]]) -> list[Row]:
    """Return rows with the values of their cells."""
    rows: list[tuple[int, dict[int, Any]]] = []
    wanted: set[int] = set()
    for number, content in chosen:
        cells: dict[int, Any] = {}
        for k, match in enumerate(_CELL.finditer(content), 1):
            element = ElementTree.fromstring(match[0])
            reference = re.match(r"[A-Z]+", element.attrib.get("r", ""))
            column = column_index_from_string(reference[0]) if reference else k
            kind = element.attrib.get("t", "n")
            value = _text(element) if kind == "inlineStr" else element.findtext("v")
            if value is None or value == "":
                continue
            if kind == "s":
                wanted.add(int(value))
                cells[column] = _Shared(int(value))
            else:
                cells[column] = _number(value) if kind == "n" else value
        rows.append((number, cells))
    texts = _shared_strings(archive, wanted)
    return [Row(number, [texts.get(v.index) if isinstance(v, _Shared) else v for v in (
        cells.get(k) for k in range(1, max(cells, default=0) + 1))]) for number, cells in rows]


@dataclass(frozen=True)
class _Shared:
    """The number of a text in the table of shared strings."""

    index: int


def _shared_strings(archive: zipfile.ZipFile, wanted: set[int]) -> dict[int, str]:
    """Return some of the shared strings."""
    if not wanted:
        return {}
    part = next(n for n in archive.namelist() if n.lower() == "xl/sharedstrings.xml")
    texts: dict[int, str] = {}
    for k, match in enumerate(_STRING.finditer(archive.read(part))):
        if k in wanted:
            texts[k] = _text(ElementTree.fromstring(match[0]))
    return texts


def _text(element: ElementTree.Element) -> str:
    """Return the text of a string, which may come in runs of several fonts; phonetic hints left out."""
    hints = {id(t) for hint in element.iter("rPh") for t in hint.iter("t")}
    return unescape("".join(t.text or "" for t in element.iter("t") if id(t) not in hints))


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() and "." not in text and "e" not in text.lower() else value
