"""Read the rows of .xlsx, .xls, .csv and .tsv files, recognised by content; whatever is wrong is one UserError.

Macros and links are never followed, formulas give their stored values, and a file that would unfold into more than a
stated size is refused before it is opened.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dsinspect.errors import UserError
from dsinspect.io.reading import is_regular, read_regular

Kind = Literal["xlsx", "xls", "csv"]

MAX_UNPACKED = 8 << 30
"""Bytes of all parts of an .xlsx together; 1,048,576 rows of 20 columns are about 2 GB of XML."""
MAX_SHARED_STRINGS = 768 << 20
"""Bytes of the shared strings of an .xlsx, which have to be held in memory."""
MAX_RATIO = 1000
"""Unpacked to packed size of a part; deflate cannot exceed 1,032, and real sheets stay under 100."""
MAX_XLS = 256 << 20
"""Bytes of an .xls, which is read whole; 65,536 full rows are about 20 MB."""
MAX_CSV = 4 << 30
"""Bytes of a .csv, which is read whole."""
MAX_COLUMNS = 1024
"""Columns looked at in a row; a sheet may declare 16,384 empty ones."""
MAX_EMPTY_ROWS = 10_000
"""Empty rows in a sequence after which a sheet is taken to have ended; a sheet may declare a million empty ones."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BIFF = (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08")


@dataclass(frozen=True)
class Row:
    """One row of a sheet: its number as the program shows it, from 1, and its values, trailing empty ones cut."""

    number: int
    values: list[Any]


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
        raise UserError(f"{path}: {(e.strerror or 'cannot be read').lower()}") from None
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
    if kind is None:
        raise UserError(f"{path}: not a spreadsheet (.xlsx, .xls or .csv)")
    if kind == "csv":
        return [Sheet(path, kind, "")]
    if kind == "xlsx":
        with _workbook(path) as book:
            return [Sheet(path, kind, s.title) for s in book.worksheets]
    return [Sheet(path, kind, name) for name in _xls_book(path).sheet_names()]


@contextlib.contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    _refuse_bombs(path)
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and extensions it does not know do not concern the values
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        except Exception as e:  # openpyxl raises whatever the XML or zip library did
            raise UserError(f"{path}: not a readable .xlsx workbook: {_short(e)}") from None
        try:
            yield book
        finally:
            book.close()


def _refuse_bombs(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as e:
        raise UserError(f"{path}: not a readable .xlsx workbook, perhaps cut off: {_short(e)}") from None
    if any(p.flag_bits & 1 for p in parts):
        raise UserError(f"{path}: encrypted; save it without a password")
    for part in parts:
        packed = max(part.compress_size, 1)
        if part.file_size > 10 << 20 and part.file_size / packed > MAX_RATIO:
            raise UserError(f"{path}: {part.filename} unfolds {part.file_size / packed:.0f} times; refused as a zip bomb")
        if part.filename.endswith("sharedStrings.xml") and part.file_size > MAX_SHARED_STRINGS:
            raise UserError(f"{path}: its texts unfold to {part.file_size >> 20} MB; refused")
    total = sum(p.file_size for p in parts)
    if total > MAX_UNPACKED:
        raise UserError(f"{path}: unfolds to {total >> 20} MB; refused")


def _xlsx_rows(path: Path, name: str) -> Iterator[Row]:
    with _workbook(path) as book:
        sheet = book[name]
        sheet.reset_dimensions()  # the declared size may be a lie: `A1:XFD1048576` on an empty sheet
        empty = 0
        number = 0
        try:
            for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), 1):
                values = [c.value for c in cells]
                while values and values[-1] in (None, ""):
                    values.pop()
                if values:
                    empty = 0
                    yield Row(number, values)
                else:
                    empty += 1
                    if empty > MAX_EMPTY_ROWS:
                        return
        except UserError:
            raise
        except Exception as e:
            raise UserError(f"{path}: sheet {name!r} cannot be read after row {number}: {_short(e)}") from None


def _xls_book(path: Path) -> Any:
    import xlrd

    if path.stat().st_size > MAX_XLS:
        raise UserError(f"{path}: {path.stat().st_size >> 20} MB is more than an .xls can hold; refused")
    try:
        with open(os.devnull, "w") as quiet:  # noqa: PTH123 - xlrd prints its warnings
            return xlrd.open_workbook(path, logfile=quiet, on_demand=False)
    except xlrd.XLRDError as e:
        if "encrypted" in str(e).lower():
            raise UserError(f"{path}: encrypted; save it without a password") from None
        if _is_encrypted_package(path):
            raise UserError(f"{path}: encrypted; save it without a password") from None
        raise UserError(f"{path}: not a readable .xls workbook: {_short(e)}") from None
    except Exception as e:  # xlrd raises IndexError, struct.error, AssertionError and more on damaged files
        raise UserError(f"{path}: not a readable .xls workbook: {_short(e)}") from None


def _is_encrypted_package(path: Path) -> bool:
    """Say whether an OLE file is an encrypted .xlsx: its directory names the stream in UTF-16."""
    return "EncryptedPackage".encode("utf-16-le") in path.read_bytes()


def _xls_rows(path: Path, name: str) -> Iterator[Row]:
    sheet = _xls_book(path).sheet_by_name(name)
    for k in range(sheet.nrows):
        values = [None if kind in (0, 5, 6) else bool(value) if kind == 4 else value for value, kind in zip(
            sheet.row_values(k, 0, MAX_COLUMNS), sheet.row_types(k, 0, MAX_COLUMNS), strict=True)]
        while values and values[-1] in (None, ""):
            values.pop()
        if values:
            yield Row(k + 1, values)


def _csv_rows(path: Path) -> Iterator[Row]:
    text = _text_of(path)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), _dialect(text))
        for cells in reader:
            if any(c.strip() for c in cells):
                yield Row(reader.line_num, [c.strip() or None for c in cells[:MAX_COLUMNS]])
    except csv.Error as e:
        raise UserError(f"{path}: not a readable table: {e}") from None


def _text_of(path: Path) -> str:
    content = read_regular(path, MAX_CSV)
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
    for mark in ("\t", ";", ",", "|"):
        counts = [line.count(mark) for line in lines]
        if not counts or not max(counts):
            continue
        common = max(set(counts), key=counts.count)
        evenness = counts.count(common) / len(counts)
        if common and (evenness, mark in "\t;") > (best[0], best[1] in "\t;"):
            best = (evenness, mark)
    Found.delimiter = best[1]
    return Found


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
