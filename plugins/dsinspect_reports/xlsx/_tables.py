"""Sheets of many rows: findings, images, annotations, tables. Rows are streamed; openpyxl writes what is around them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink

from dsinspect.protocols.review_sheet import MAX_ROWS
from dsinspect_reports.xlsx import _style as style
from dsinspect_reports.xlsx._archive import Rows
from dsinspect_reports.xlsx._xml import Column, NumberColumn, TextColumn, rows_xml

LINE_HEIGHT = 15.0
"""Of a row of text, points."""
MAX_WIDTH = 40.0
"""Of a column of a table, characters; longer texts are wrapped."""
FITTED_ROWS = 10_000
"""Rows that are made as high as their text; of the rest the program that opens the workbook does it."""
MAX_LINKED = 40
"""Characters of a linked path, wide ones counted twice: LibreOffice wraps no link, and cuts a longer one off."""
ID_WORDS = frozenset(("id", "annotation", "line", "index", "seed"))
"""Last words of headers of numbers that name something."""
MAX_LINKS = 2000
"""Links to images per sheet: Excel repairs a sheet with more than 65,530, and each is an object in memory."""


@dataclass
class TableSheet:
    """A table to stream, which may go on over several sheets.

    Attributes:
        title: of the first sheet.
        headers: of the columns.
        columns: makers and values, one per header.
        rows: number of rows.
        widths: of the columns, in characters.
        hidden: headers of hidden columns.
        inputs: headers of columns that people fill in.
        heights: of tall rows, points, by number of the row in the table, from 0.
        frozen: letter of the first column that scrolls.
        printed: number of columns that are printed; 0 for all.
        header_height: of the row of headers, points.
    """

    title: str
    headers: Sequence[str]
    columns: Sequence[tuple[Column, Sequence[Any] | None]]
    rows: int
    widths: Sequence[float]
    hidden: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()
    heights: Mapping[int, float] = field(default_factory=dict)
    frozen: str = "A"
    printed: int = 0
    header_height: float = 22.0


def add_table(book: Any, table: TableSheet, streamed: dict[str, Rows], images: Sequence[Any] | None = None,
              image_base: str = "") -> list[str]:
    """Add the sheets of a table to a workbook; return their titles.

    Args:
        book: a write-only workbook.
        table: what to write.
        streamed: gets the rows of each sheet by the path of its part.
        images: paths of images, one per row, to link from the column `Image`.
        image_base: from the workbook's folder to the dataset's root, empty or ending with a slash; None to link nothing.
    """
    titles = []
    room = MAX_ROWS - 1
    for part, first in enumerate(range(0, max(table.rows, 1), room), 1):
        last = min(first + room, table.rows)
        sheet = book.create_sheet(table.title if part == 1 else f"{table.title} ({part})")
        titles.append(sheet.title)
        prepare(sheet, table, last - first)
        if images is not None:
            link_images(sheet, table.headers.index("Image") + 1, images[first:first + MAX_LINKS], image_base)
        streamed[f"xl/worksheets/sheet{len(book.worksheets)}.xml"] = _rows(sheet, table, first, last)
    return titles


def _rows(sheet: Any, table: TableSheet, first: int, last: int) -> Rows:
    plain = TextColumn(style.style_number(sheet, style.HEADER_FONT, fill=style.HEADER_FILL, alignment=style.MIDDLE_WRAP))
    to_fill = TextColumn(style.style_number(sheet, style.INPUT_FONT, fill=style.INPUT_HEADER_FILL, alignment=style.MIDDLE_WRAP))
    of_numbers = TextColumn(style.style_number(sheet, style.HEADER_FONT, fill=style.HEADER_FILL, alignment=style.RIGHT_MIDDLE_WRAP))
    after = TextColumn(style.style_number(sheet, style.HEADER_FONT, fill=style.HEADER_FILL, alignment=style.MIDDLE_INDENT))
    numbers = [isinstance(maker, NumberColumn) for maker, _ in table.columns]
    made = [to_fill if h in table.inputs else of_numbers if is_number else after if follows else plain
            for h, is_number, follows in zip(table.headers, numbers, [False, *numbers], strict=False)]
    header = "".join(m.cells([h])[0] for m, h in zip(made, table.headers, strict=True))

    def rows() -> Iterator[bytes]:
        yield f'<row ht="{table.header_height:g}" customHeight="1">{header}</row>'.encode()
        yield from rows_xml(table.columns, first, last, table.heights)

    return Rows(f"A1:{get_column_letter(len(table.headers))}{last - first + 1}", rows)


def prepare(sheet: Any, table: TableSheet, rows: int) -> None:
    """Set widths, frozen header, filter and print layout."""
    for k, (header, width) in enumerate(zip(table.headers, table.widths, strict=True), 1):
        dimension = sheet.column_dimensions[get_column_letter(k)]
        dimension.width = width
        dimension.hidden = header in table.hidden
    sheet.freeze_panes = f"{table.frozen}2"
    last = get_column_letter(len(table.headers))
    sheet.auto_filter.ref = f"A1:{last}{max(rows + 1, 2)}"
    sheet.sheet_view.showGridLines = False
    print_layout(sheet)
    sheet.print_title_rows = "1:1"
    if table.printed:
        sheet.print_area = f"A1:{get_column_letter(table.printed)}{rows + 1}"


def print_layout(sheet: Any) -> None:
    """Print in landscape, as wide as the page."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4 if hasattr(sheet, "PAPERSIZE_A4") else 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.center.text = "&A   &P / &N"
    sheet.oddFooter.center.size = 8


def link_images(sheet: Any, column: int, images: Sequence[Any], base: str) -> None:
    """Link the first cells of a column to the image files, relative to the workbook."""
    from urllib.parse import quote

    letter = get_column_letter(column)
    links = [Hyperlink(ref=f"{letter}{k}", target=quote(base, safe="/:", errors="replace") + quote(path, errors="replace"))
             for k, path in enumerate(images, 2)
             if isinstance(path, str) and 0 < text_width(path) <= MAX_LINKED and is_inside(path)]
    sheet._get_writer()
    sheet._hyperlinks.extend(links)


def is_inside(path: str) -> bool:
    r"""Say whether a path of a record stays in its dataset: a link may lead nowhere else, whatever a record says.

    >>> [is_inside(p) for p in ("a/b.jpg", "a/../b.jpg", "../b.jpg", "a/../../b.jpg", "/etc/x", "..\\x", "a/..")]
    [True, True, False, False, False, False, True]
    """
    depth = 0
    for part in path.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return False
    return not path.startswith("/") and "\\" not in path


def frame_table(title: str, frame: pd.DataFrame, sheet: Any, widths: dict[str, float] | None = None,
                shares: Collection[str] = ()) -> TableSheet:
    """Return any frame as a table to stream; columns of numbers keep their numbers, and show as many digits as say something.

    Args:
        title: of the sheet.
        frame: to write.
        sheet: of the workbook, for its styles.
        widths: of columns, where it is not that of the header.
        shares: columns of parts of 1, which are shown as per cent.
    """
    text, after_number = (style.style_number(sheet, alignment=a) for a in (style.NAME, style.INDENT))
    columns: list[tuple[Column, Any]] = []
    headers = [str(c) for c in frame.columns]
    for k, name in enumerate(headers):
        values = frame.iloc[:, k].to_numpy()
        if values.dtype.kind in "iufb":
            shape = "0.0%" if name in shares else number_shape(values, is_id=name.rpartition(" ")[2].lower() in ID_WORDS)
            columns.append((NumberColumn(style.style_number(sheet, number_format=shape)),
                            values.astype(np.int64) if values.dtype.kind == "b" else values))
        else:
            cell_style = after_number if columns and isinstance(columns[-1][0], NumberColumn) else text
            columns.append((TextColumn(cell_style, keeps_numbers=True), values))
    sizes = [(widths or {}).get(h, max(10.0, min(len(h) + 3.0, 30.0))) for h in headers]
    heights: dict[int, float] = {}
    for k, (_, values) in enumerate(columns):
        if values.dtype.kind not in "iufb":
            texts = ["" if v is None or v != v else str(v) for v in values[:FITTED_ROWS].tolist()]
            sizes[k] = max(sizes[k], min(max((len(t) for t in texts), default=0) + 2.0, MAX_WIDTH))
            for row, told in enumerate(texts):
                lines = line_count(told, sizes[k])
                if lines > 1:
                    heights[row] = max(heights.get(row, 0.0), LINE_HEIGHT * lines + 3)
    deepest = max((line_count(h, w) for h, w in zip(headers, sizes, strict=True)), default=1)
    return TableSheet(title, headers, columns, len(frame), sizes, heights=heights,
                      header_height=max(22.0, LINE_HEIGHT * deepest + 5))


def line_count(text: str, width: float) -> int:
    """Return how many lines a text takes in a column, wide characters counted twice.

    >>> line_count("a" * 30, 10), line_count("", 10), line_count("漢" * 10, 10)
    (4, 1, 3)
    """
    room = max(width - 1.5, 1.0)
    return sum(max(1, -int(-text_width(part) // room)) for part in text.split("\n")) or 1


def text_width(text: str) -> int:
    """Return the width of a text in characters, wide ones counted twice.

    >>> text_width("ab"), text_width("漢字")
    (2, 4)
    """
    return len(text) if text.isascii() else len(text) + sum(ord(c) > 0x2E80 for c in text)


def number_shape(values: np.ndarray[Any, Any], *, is_id: bool = False) -> str:
    """Return how numbers are shown: whole ones whole, others with four digits or so; ids without commas.

    >>> [number_shape(np.array(v)) for v in ([1.0, 2048.0], [0.08881], [6.5031, 91.1])]
    ['#,##0', '0.0000', '0.00']
    """
    if is_id:
        return "0"
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values[:0]
    if not len(known) or (known == np.rint(known)).all():
        return "#,##0"
    size = float(np.abs(known).max())
    return "#,##0.0" if size >= 100 else "0.00" if size >= 1 else "0.0000"
