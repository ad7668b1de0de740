"""The audit as a workbook: openpyxl writes what is around the rows, and the rows are streamed as text.

Cell by cell, a hundred thousand decisions took minutes. The same rows give the same bytes.
"""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

NO_CLOCK = datetime.datetime(1980, 1, 1)
MAX_ROWS = 1_048_575
"""Rows below the header that a sheet holds; the JSON beside it has all."""
MAX_TEXT = 32_767
MAX_LINES = 26
"""Lines that a row is made high for."""
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_CODED = re.compile("_(x[0-9A-Fa-f]{4}_)")
"""What a reader of workbooks takes for a character by its number."""


def write_sheet(path: Path, title: str, headers: Sequence[str], widths: Sequence[int], records: Sequence[Sequence[Any]],
                hidden: int, frozen: str) -> None:
    """Write a workbook of one sheet.

    Args:
        path: of the file.
        title: of the sheet.
        headers: of its columns.
        widths: of its columns, characters.
        records: cells of each row: texts, numbers or None.
        hidden: position of the column that is hidden.
        frozen: the first cell that scrolls.
    """
    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = NO_CLOCK
    sheet: Any = book.create_sheet(title)
    for k, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(k)].width = width
        sheet.column_dimensions[get_column_letter(k)].hidden = k - 1 == hidden
    sheet.freeze_panes = frozen
    sheet.sheet_view.showGridLines = False
    shown = records[:MAX_ROWS]
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(headers))}{len(shown) + 1}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 1, 0, True
    sheet.print_title_rows = "1:1"
    sheet.append([_header(sheet, h) for h in headers])
    cell: Any = WriteOnlyCell(sheet)
    cell.alignment = Alignment(vertical="top", horizontal="left", wrap_text=True)
    styles = [int(cell.style_id)] * len(headers)
    styles[hidden] = 0  # not wrapped: LibreOffice puts it into a PDF, a character a line, where nobody sees it but a search
    rows = "".join(_rows(shown, widths, styles))
    with _Spliced(path, rows) as archive:
        ExcelWriter(book, archive).write_data()


def _header(sheet: Any, text: str) -> Any:
    cell: Any = WriteOnlyCell(sheet, text)
    cell.font, cell.fill = Font(name="Calibri", bold=True, color="FFFFFF"), PatternFill("solid", fgColor="1D4E89")
    cell.alignment = Alignment(vertical="center")
    return cell


def _rows(records: Sequence[Sequence[Any]], widths: Sequence[int], styles: Sequence[int]) -> Iterator[str]:
    letters = [get_column_letter(k) for k in range(1, len(widths) + 1)]
    for number, record in enumerate(records, 2):
        cells, lines = [], 1
        for letter, value, width, style in zip(letters, record, widths, styles, strict=True):
            if value is None:
                continue
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                cells.append(f'<c r="{letter}{number}" s="{style}"><v>{value!r}</v></c>')
                continue
            text = str(value)[:MAX_TEXT]
            lines = max(lines, -(-len(text) // (width - 2)) + text.count("\n"))
            plain = _CODED.sub(r"_x005F_\1", _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text))
            cells.append(f'<c r="{letter}{number}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(plain)}</t></is>'
                         "</c>")
        yield f'<row r="{number}" ht="{15 * min(lines, MAX_LINES)}" customHeight="1">{"".join(cells)}</row>'


class _Spliced(zipfile.ZipFile):
    """An archive that puts rows at the end of the only sheet, and tells no time."""

    def __init__(self, path: Path, rows: str) -> None:
        super().__init__(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._spliced = rows

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        """Add a file under a name."""
        self.writestr(str(arcname), Path(filename).read_bytes())

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        """Add content under a name."""
        content = data.encode() if isinstance(data, str) else bytes(data)
        if str(zinfo_or_arcname).startswith("xl/worksheets/sheet"):
            content = content.replace(b"</sheetData>", self._spliced.encode() + b"</sheetData>")
        info = zipfile.ZipInfo(str(zinfo_or_arcname), (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        super().writestr(info, content)
