"""Tables as grids that are edited: the cells and rows of CSV texts and of .xlsx workbooks."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import datetime
from typing import Any, Protocol

from dsinspect.errors import UserError
from dsinspect.io.spreadsheets import Row, Sheet
from dsinspect_formats._splicing import EncodedText
from dsinspect_formats.table._cells import CsvText
from dsinspect_formats.table._columns import Mapped


class Grid(Protocol):
    """Records of a table by their positions, and columns by theirs, both from 0."""

    header: list[Any]
    count: int

    def get(self, record: int, column: int) -> Any: ...
    def set(self, record: int, column: int, value: Any) -> None: ...
    def drop(self, record: int) -> None: ...
    def add(self) -> int: ...


class CsvGrid:
    """A CSV file as a grid."""

    def __init__(self, content: bytes, mapped: Mapped, path: str) -> None:
        codec = None
        if not content.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
            try:
                content.decode()
            except UnicodeDecodeError:
                codec = "cp1252"  # as the reader, which takes no guess at others
        self.encoded = EncodedText.of(content, path, codec)
        self.text = CsvText(self.encoded.utf8.decode("utf-8", "surrogatepass"), path)
        self.path = path
        self.rows = self.text.records(mapped.header_row)
        self.count = len(self.rows)
        head = next((k for k, r in enumerate(self.text.rows) if r.number == mapped.header_row), None)
        self.header: list[Any] = [] if head is None else [
            self.text.value(head, c) for c in range(len(self.text.rows[head].cells))]

    def get(self, record: int, column: int) -> Any:
        return self.text.value(self.rows[record], column) or None

    def set(self, record: int, column: int, value: Any) -> None:
        text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
        if not self.encoded.codec.startswith("utf") and not self.encoded.can_express(text):
            raise UserError(f"{self.path}: is {self.encoded.codec}, which cannot hold {text!r}; save it as UTF-8 first")
        self.text.set(self.rows[record], column, text)

    def drop(self, record: int) -> None:
        self.text.drop(self.rows[record])

    def add(self) -> int:
        """Add an empty row at the end; return its position."""
        self.rows.append(self.text.add(len(self.header)))
        self.count += 1
        return self.count - 1

    def saved(self, *, plain: bool) -> bytes:
        """Return the file, in UTF-8 when that is asked for."""
        utf8 = self.text.result().encode("utf-8", "surrogatepass")
        return EncodedText.plain(utf8) if plain else self.encoded.encode(utf8)


class BookGrid:
    """A sheet of an .xlsx workbook as a grid."""

    def __init__(self, content: bytes, sheet: Sheet, mapped: Mapped, path: str) -> None:
        import openpyxl

        rows = list(sheet.rows())
        self.values = [r for r in rows if r.number > mapped.header_row]
        head = next((r for r in rows if r.number == mapped.header_row), None)
        self.header: list[Any] = [] if head is None else [h.strip() if isinstance(h, str) else h for h in head.values]
        self.count = len(self.values)
        self.is_changed = False
        self._dropped: list[int] = []
        try:
            self.book = openpyxl.load_workbook(io.BytesIO(content), keep_vba=b"vbaProject.bin" in content, rich_text=False)
            self.sheet = self.book[sheet.name]
        except Exception as e:  # openpyxl raises whatever the XML or zip library did
            raise UserError(f"{path}: not a workbook that can be edited: {e}; save it as .csv") from None

    def get(self, record: int, column: int) -> Any:
        values = self.values[record].values
        return values[column] if column < len(values) else None

    def set(self, record: int, column: int, value: Any) -> None:
        if self.get(record, column) == value:
            return
        cell = self.sheet.cell(self.values[record].number, column + 1)
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"  # a text that looks like a formula is a text
        self.is_changed = True

    def drop(self, record: int) -> None:
        self._dropped.append(self.values[record].number)
        self.is_changed = True

    def add(self) -> int:
        """Add an empty row at the end; return its position."""
        self.values.append(Row(self.values[-1].number + 1, []))
        self.count += 1
        self.is_changed = True
        return self.count - 1

    def saved(self) -> bytes:
        """Return the workbook."""
        rows = sorted(set(self._dropped), reverse=True)
        k = 0
        while k < len(rows):  # a run at a time: each call moves all cells below
            first = k
            while k + 1 < len(rows) and rows[k + 1] == rows[k] - 1:
                k += 1
            self.sheet.delete_rows(rows[k], k - first + 1)
            k += 1
        modified = self.book.properties.modified
        out = io.BytesIO()
        self.book.save(out)
        return _without_clock(out.getvalue(), modified)


def _without_clock(content: bytes, modified: datetime | None) -> bytes:
    """Return a workbook without the time it was saved at: the same edits give the same bytes."""
    said = "" if modified is None else modified.strftime("%Y-%m-%dT%H:%M:%SZ")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as saved, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as fixed:
        for part in saved.infolist():
            text = saved.read(part)
            if part.filename == "docProps/core.xml" and said:
                text = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + said.encode(), text)
            fixed.writestr(zipfile.ZipInfo(part.filename, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()
