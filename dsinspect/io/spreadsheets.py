"""Read the rows of .xlsx, .xls, .csv and .tsv files, recognised by content; whatever is wrong is one UserError.

Macros and links are never followed, formulas give their stored values, and a file that would unfold into more than its
limits (`dsinspect.io.limits`) is refused before it is parsed.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from dsinspect.errors import UserError, os_reason
from dsinspect.io.limits import Limits, limits, option, too_large
from dsinspect.io.reading import is_regular, read_regular
from dsinspect.io.workbooks import open_workbook, short

Kind = Literal["xlsx", "xls", "csv"]

SEPARATORS = ("\t", ";", ",", "|")
"""What may stand between the cells of a CSV file."""

MAX_EMPTY_ROWS = 10_000
"""Empty rows in a sequence after which a sheet is taken to have ended; a sheet may declare a million empty ones."""

_LAST_ROW = 1_048_576
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BIFF = (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08")


class Row(NamedTuple):
    """One row of a sheet: its number as the program shows it, from 1, and its values, trailing empty ones cut.

    Of a CSV file the number is that of the row's last line, and `fault` says why the row cannot be what was meant.
    """

    number: int
    values: list[Any]
    fault: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A sheet by name; `rows()` reads it anew each time."""

    path: Path
    kind: Kind
    name: str

    def rows(self) -> Iterator[Row]:
        """Yield the rows that hold something.

        Raises:
            UserError: the file is damaged from here on.
        """
        if self.kind == "csv":
            return _csv_rows(self.path)
        return _xlsx_rows(self.path, self.name) if self.kind == "xlsx" else _xls_rows(self.path, self.name)


def kind_of(path: Path) -> Kind | None:
    """Say what a file is by its content; None when it is no spreadsheet and no text.

    Raises:
        UserError: it cannot be read.
    """
    if path.exists() and not is_regular(path):
        return None
    try:
        with path.open("rb") as f:
            head = f.read(4096)
    except OSError as e:
        raise UserError(f"{path}: {os_reason(e, 'cannot be read')}") from None
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(_OLE) or (head[:2] in _BIFF and b"\0" in head[:64]):
        return "xls"
    if not head or (b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))):
        return None
    return "csv"


def sheets_of(path: Path) -> list[Sheet]:
    """Return the sheets of a file.

    Raises:
        UserError: the file is encrypted, cut, no spreadsheet, or unfolds into too much.
    """
    kind = kind_of(path)
    if kind == "xlsx" and path.suffix.lower() in (".ods", ".fods"):
        raise UserError(f"{path}: an OpenDocument spreadsheet; save it as .xlsx, and name that file")
    if kind is None:
        raise UserError(f"{path}: not a spreadsheet (.xlsx, .xls or .csv)")
    if kind == "csv":
        return [Sheet(path, kind, "")]
    if kind == "xlsx":
        with open_workbook(path) as book:
            return [Sheet(path, kind, s.title) for s in book.worksheets]
    return [Sheet(path, kind, name) for name in _xls_book(path).sheet_names()]


def _xlsx_rows(path: Path, name: str) -> Iterator[Row]:
    with open_workbook(path) as book:
        sheet = book[name]
        sheet.reset_dimensions()  # the declared size may be a lie: `A1:XFD1048576` on an empty sheet
        empty = 0
        number = 0
        try:
            for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                values = _trimmed(cells)
                if number > _LAST_ROW:
                    raise UserError(f"{path}: sheet {name!r} has rows after {_LAST_ROW:,}, where an .xlsx ends")
                if values:
                    empty = 0
                    yield Row(number, _within(path, number, values, limits()))
                else:
                    empty += 1
                    if empty > MAX_EMPTY_ROWS:
                        return
        except UserError:
            raise
        except Exception as e:
            raise UserError(f"{path}: sheet {name!r} cannot be read after row {number}: {short(e)}") from None


def _xls_book(path: Path) -> Any:
    import xlrd

    if (size := path.stat().st_size) > limits().xls_mb << 20:
        raise UserError(f"{path}: {too_large(path, size, 'xls_mb').strerror}")
    try:
        with open(os.devnull, "w") as quiet:  # noqa: PTH123 - xlrd prints its warnings
            return xlrd.open_workbook(path, logfile=quiet, on_demand=False)
    except xlrd.XLRDError as e:
        if "encrypted" in str(e).lower():
            raise UserError(f"{path}: encrypted; save it without a password") from None
        if _is_encrypted_package(path):
            raise UserError(f"{path}: encrypted; save it without a password") from None
        raise UserError(f"{path}: not a readable .xls workbook: {short(e)}") from None
    except Exception as e:  # xlrd raises IndexError, struct.error, AssertionError and more on damaged files
        raise UserError(f"{path}: not a readable .xls workbook: {short(e)}") from None


def _is_encrypted_package(path: Path) -> bool:
    """Say whether an OLE file is an encrypted .xlsx: its directory names the stream in UTF-16."""
    return "EncryptedPackage".encode("utf-16-le") in path.read_bytes()


def _xls_rows(path: Path, name: str) -> Iterator[Row]:
    sheet = _xls_book(path).sheet_by_name(name)
    for k in range(sheet.nrows):
        values = _trimmed([None if kind in (0, 5, 6) else bool(value) if kind == 4 else value for value, kind in zip(
            sheet.row_values(k), sheet.row_types(k), strict=True)])
        if values:
            yield Row(k + 1, _within(path, k + 1, values, limits()))


def _csv_rows(path: Path) -> Iterator[Row]:
    text = _text_of(path)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), _dialect(text))
        most = limits()
        before = 0
        for cells in reader:
            values = [c.strip() or None for c in cells]
            is_long, before = reader.line_num > before + 1, reader.line_num
            if any(values):
                yield Row(before, _within(path, before, values, most), swallowed(cells) if is_long else None)
    except csv.Error as e:
        raise UserError(f"{path}: not a readable table: {e}") from None


def swallowed(cells: Iterable[Any]) -> str | None:
    r"""Say that a cell of a CSV file holds further lines, because a quotation mark is not closed; None when none does.

    A line end in a cell is allowed; a separator behind it says that what follows was a row of its own. Cells that hold JSON or
    an array are left alone.

    >>> swallowed(["a.jpg", 'cat,1,2\nb.jpg,dog,3,4'])
    'a cell that begins with cat,1,2 holds 1 further line: a quotation mark is not closed'
    """
    for cell in cells:
        if isinstance(cell, str) and "\n" in cell and not cell.lstrip().startswith(("[", "{")):
            first, *more = cell.split("\n")
            lines = sum(any(mark in line for mark in SEPARATORS) for line in more)
            if lines:
                return (f"a cell that begins with {first.strip()[:40]} holds {lines:,} further line{'' if lines == 1 else 's'}: "
                        "a quotation mark is not closed")
    return None


def _trimmed(values: Sequence[Any]) -> list[Any]:
    """Return the values of a row without the empty ones at its end."""
    end = len(values)
    while end and values[end - 1] in (None, ""):
        end -= 1
    return list(values[:end])


def _within(path: Path, number: int, values: list[Any], most: Limits) -> list[Any]:
    """Return the values of a row; raise UserError when the row, or one of its columns, is beyond a limit."""
    if number > most.rows:
        raise UserError(f"{path}: has more than {most.rows:,} rows ({option('rows')})")
    if len(values) > most.columns:
        values = _trimmed(values)
        if len(values) > most.columns:
            raise UserError(f"{path}: row {number:,} has {len(values):,} columns, more than {most.columns:,} ({option('columns')})")
    return values


def _text_of(path: Path) -> str:
    content = read_regular(path)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _dialect(text: str) -> type[csv.Dialect]:
    """Choose the separator that cuts the first lines most evenly; a decimal comma makes `;` or a tab likely."""

    class Found(csv.excel):
        strict = False

    lines = [line for line in text[:65536].splitlines()[:50] if line.strip()]
    best = (-1.0, ",")
    for mark in SEPARATORS:
        counts = [line.count(mark) for line in lines]
        if not counts or not max(counts):
            continue
        common = max(set(counts), key=counts.count)
        evenness = counts.count(common) / len(counts)
        if common and (evenness, mark in "\t;") > (best[0], best[1] in "\t;"):
            best = (evenness, mark)
    Found.delimiter = best[1]
    return Found
