"""The rows of a reviewed workbook that were filled in, with the addresses of their cells.

A report has many rows and a review few decisions. So the sheets of an .xlsx are first searched, as bytes, for rows with
something in the columns that a reviewer fills in, and only these are read; what does not look as spreadsheet programs write
it is read row by row with openpyxl. An .xls is read whole (xlrd).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree
from xml.sax.saxutils import unescape as unescape_xml

from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.escape import unescape

from dsinspect.errors import UserError, nearest
from dsinspect.io.formulas import Unstored, part_of, unstored_formulas
from dsinspect.io.spreadsheets import Row, Sheet, sheets_of
from dsinspect.protocols.review_sheet import (
    ADD_COLUMNS,
    AS_FOUND,
    BOX_HEADERS,
    CLASS,
    CODE,
    COMMENT,
    DECISION,
    EARLIER_DECISION,
    FINDINGS,
    FINGERPRINT,
    MAX_OWN_COLUMNS,
    NEW_VALUE,
    OF_ADDITIONS,
    OF_FINDINGS,
    SETTING,
    VALUE,
)
from dsinspect.review.edited import edited_cells

HEADER_ROWS = 20
"""Rows at the top of a sheet among which the header is looked for."""
CHUNK = 1 << 24
"""Bytes of a sheet searched at a time."""
_ROW = re.compile(rb"<row\b(?:[^>]*[^/])?>(.*?)</row>|<row\b[^>]*/>", re.DOTALL)
_ROW_NUMBER = re.compile(rb'<row\b[^>]*?\sr="(\d+)"')
_CELL = re.compile(rb"<c\b(?:[^>]*?[^/])?>.*?</c>|<c\b[^>]*/>", re.DOTALL)
_STRING = re.compile(rb"<si\b(?:[^>]*[^/])?>.*?</si>|<si\b[^>]*/>", re.DOTALL)
_TEXT = re.compile(rb"<t(?:\s[^>]*)?>(.*?)</t>", re.DOTALL)


Kind = Literal["finding", "check", "add", "earlier"]


@dataclass(frozen=True)
class ReviewRow:
    """A row that a reviewer filled in.

    Attributes:
        kind: of the sheet.
        sheet: title of the sheet.
        number: of the row, from 1.
        values: by header.
        letters: letter of each header's column.
    """

    kind: Kind
    sheet: str
    number: int
    values: Mapping[str, Any]
    letters: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """The identity of the finding, as the cell has it."""
        return str(self.values.get(FINGERPRINT) or "").strip().lower()

    def cell(self, header: str) -> str:
        """Return the address of a cell, `Findings!Q12`."""
        sheet = f"'{self.sheet}'" if " " in self.sheet else self.sheet
        return f"{sheet}!{self.letters.get(header, '?')}{self.number}"


@dataclass
class ReviewBook:
    """The rows of a workbook that a reviewer filled in.

    Attributes:
        rows: in the order of the sheets.
        findings: rows with findings, decided on or not.
        settings: name to JSON text.
    """

    rows: list[ReviewRow] = field(default_factory=list)
    findings: int = 0
    settings: dict[str, str] = field(default_factory=dict)


def read_book(workbook: Path) -> ReviewBook:
    """Read what reviewers filled in.

    Raises:
        UserError: it is no spreadsheet, or none of its sheets has the columns Decision and Fingerprint.
    """
    book = ReviewBook()
    reviewed = False
    for sheet in sheets_of(workbook):
        head = _header(sheet)
        if head is None:
            continue
        kind, number, letters = head
        if kind == "settings":
            book.settings |= {str(r.values[0]): str(r.values[1]) for r in sheet.rows() if r.number > number and len(r.values) > 1}
            continue
        reviewed = reviewed or kind == "finding"
        inputs = [letters[h] for h in (*_INPUTS[kind], *own_headers(letters, kind)) if h in letters]
        watched = {h: letters[h] for h in (AS_FOUND, CLASS, *BOX_HEADERS) if h in letters} if kind == "finding" else {}
        formulas = unstored_formulas(workbook, sheet.name) if sheet.kind == "xlsx" else {}
        unstored = {n: cells for n, cells in formulas.items() if n > number and any(
            column_index_from_string(letter) in cells for letter in (*inputs, *watched.values()))}
        count, rows = _filled(sheet, number, inputs, watched if AS_FOUND in watched else {}, unstored)
        book.findings += count if kind == "finding" else 0
        for row in with_formulas(rows, unstored):
            values = {h: row.values[k] if k < len(row.values) else None for h, k in _positions(letters).items()}
            book.rows.append(ReviewRow(kind, sheet.name, row.number, values, letters))
    if not reviewed:
        raise UserError(f"{workbook}: no sheet has the columns {DECISION} and {FINGERPRINT}; is it a workbook that "
                        "dsinspect report wrote?")
    return book


def own_headers(headers: Iterable[str], kind: Kind) -> list[str]:
    """Return the headers of a sheet of findings or additions that are not ours: columns that a reviewer added."""
    if kind == "check":
        return []  # see own_cells.py
    ours = OF_ADDITIONS if kind == "add" else OF_FINDINGS
    return [h for h in headers if h not in ours][:MAX_OWN_COLUMNS]


def with_formulas(rows: Sequence[Row], unstored: Mapping[int, Mapping[int, Unstored]]) -> list[Row]:
    """Return rows with the formulas that have no result in the cells that are empty to a reader of values."""
    made = {row.number: row for row in rows}
    for number, cells in unstored.items():
        values = list(made[number].values) if number in made else []
        values += [None] * (max(cells) - len(values))
        for column, formula in cells.items():
            values[column - 1] = formula if values[column - 1] is None else values[column - 1]
        made[number] = Row(number, values)
    return [made[number] for number in sorted(made)]


_HEADERS: Mapping[Literal["finding", "check", "add", "earlier", "settings"], frozenset[str]] = {
    "finding": frozenset((DECISION, FINGERPRINT)), "earlier": frozenset((EARLIER_DECISION, FINGERPRINT)),
    "check": frozenset((DECISION, CODE, FINDINGS)), "add": frozenset(ADD_COLUMNS[:4]), "settings": frozenset((SETTING, VALUE))}
"""What the sheets are known by, the first that fits."""
_INPUTS: Mapping[Kind, tuple[str, ...]] = {
    "finding": (DECISION, NEW_VALUE, COMMENT), "check": (DECISION, COMMENT), "add": ADD_COLUMNS,
    "earlier": (EARLIER_DECISION, NEW_VALUE, COMMENT)}
"""Columns any of which makes a row one that was filled in."""


def _positions(letters: Mapping[str, str]) -> dict[str, int]:
    return {h: column_index_from_string(letter) - 1 for h, letter in letters.items()}


def _header(sheet: Sheet) -> tuple[Any, int, dict[str, str]] | None:
    """Return what a sheet is, the number of its header's row and the letters of its columns; None when it is no review."""
    for row in sheet.rows():
        if row.number > HEADER_ROWS:
            return None
        names = [str(v).strip() if v is not None else "" for v in row.values]
        kind = next((k for k, known in _HEADERS.items() if known.issubset(names)), None)
        if kind is not None:
            letters: dict[str, str] = {}
            for k, name in enumerate(names, 1):
                if name in letters and name in _HEADERS[kind]:
                    raise UserError(f"{sheet.path}: sheet {sheet.name!r} has two columns {name}, {letters[name]} and "
                                    f"{get_column_letter(k)}; remove one")
                if name:
                    letters.setdefault(name, get_column_letter(k))
            return kind, row.number, letters
        if FINGERPRINT in names:
            raise UserError(f"{sheet.path}: sheet {sheet.name!r} has no column {DECISION}{nearest(DECISION, names)}")
    return None


def _filled(sheet: Sheet, header: int, letters: Sequence[str], watched: Mapping[str, str],
            more: Collection[int] = ()) -> tuple[int, list[Row]]:
    """Return the number of rows below the header, and those with something in one of some columns, or an edited cell.

    Args:
        sheet: to read.
        header: number of the row of the headers.
        letters: of the columns that make a row one that was filled in.
        watched: letters of the columns that `edited_cells` compares, by header; empty where nothing is to compare with.
        more: numbers of rows that were filled in with what no reader of values sees.
    """
    if sheet.kind == "xlsx":
        try:
            found = _search(sheet, header, letters, watched)
        except (zipfile.BadZipFile, OSError, KeyError, ValueError, ElementTree.ParseError):
            found = None
        if found is not None:
            return found
    positions = [column_index_from_string(letter) - 1 for letter in letters]
    compared = {h: column_index_from_string(letter) - 1 for h, letter in watched.items()}
    count, rows = 0, []
    for row in sheet.rows():
        if row.number <= header:
            continue
        count += 1
        if row.number in more or any(
                p < len(row.values) and str(row.values[p] if row.values[p] is not None else "").strip() for p in positions) or (
                edited_cells({h: row.values[p] if p < len(row.values) else None for h, p in compared.items()})):
            rows.append(row)
    return count, rows


def _search(sheet: Sheet, header: int, letters: Sequence[str], watched: Mapping[str, str]) -> tuple[int, list[Row]] | None:
    """Search the bytes of a sheet; None when they are not in the usual form."""
    with zipfile.ZipFile(sheet.path) as archive:
        part = part_of(archive, sheet.name)
        if part is None:
            return None
        count, chosen = 0, []
        positions = frozenset(map(column_index_from_string, letters))
        compared = {h: (letter.encode(), column_index_from_string(letter)) for h, letter in watched.items()}
        texts = _all_shared_strings(archive) if compared else []
        for number, content in _rows(archive, part):
            if number <= header:
                continue
            count += 1
            if _has_value(content, letters, number, positions) or (compared and _is_edited(content, number, compared, texts)):
                chosen.append((number, content))
        if not count:
            return None  # perhaps with prefixes before the names of elements
        return count, _parsed(archive, chosen)


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


def _has_value(content: bytes, letters: Sequence[str], number: int, positions: frozenset[int]) -> bool:
    """Say whether a cell of a row in one of some columns holds something."""
    if b' r="' not in content:
        last = max(positions)
        for k, cell in enumerate(_CELL.finditer(content), 1):
            if k in positions and b"</c>" in cell[0]:
                return True
            if k >= last:
                return False
        return False
    for letter in letters:
        start = content.find(b'r="%b%d"' % (letter.encode(), number))
        if start >= 0:
            head_end = content.find(b">", start)
            if content[head_end - 1:head_end] != b"/" and not content.startswith(b"</c>", head_end + 1):
                return True
    return False


def _is_edited(content: bytes, number: int, compared: Mapping[str, tuple[bytes, int]], texts: Sequence[str]) -> bool:
    """Say whether the box or the class of a row may have been edited."""
    cells = content.split(b"<c ") if b"<c>" not in content and b"<c/>" not in content else [b"", *_CELL.findall(content)]
    is_addressed = b' r="' in content or content.startswith(b'<c r="')
    values: dict[str, Any] = {}
    for header, (letter, position) in compared.items():
        if is_addressed:
            mark = b'r="%b%d"' % (letter, number)
            cell = next((c for c in cells if mark in c), b"")
        else:
            cell = cells[position] if position < len(cells) else b""
        values[header] = _raw(cell, texts)
    return bool(edited_cells(values))


def _raw(cell: bytes, texts: Sequence[str]) -> str | None:
    """Return what a cell shows, without a parser."""
    start = cell.find(b"<v>")
    if start >= 0:
        value = cell[start + 3:cell.find(b"</v>", start)].decode()
        return texts[int(value)] if b't="s"' in cell[:start] else value
    return _joined(cell) if b"<t" in cell else None


def _joined(content: bytes) -> str:
    """Return the text of a string that may come in runs."""
    return unescape(unescape_xml("".join(t.decode() for t in _TEXT.findall(content))))


def _all_shared_strings(archive: zipfile.ZipFile) -> list[str]:
    part = next((n for n in archive.namelist() if n.lower() == "xl/sharedstrings.xml"), None)
    return [_joined(match[0]) for match in _STRING.finditer(archive.read(part))] if part is not None else []


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
