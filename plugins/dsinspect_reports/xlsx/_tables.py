"""Sheets of many rows: findings, images, annotations. Rows are streamed; openpyxl writes what is around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from openpyxl.formatting.rule import FormulaRule
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink

from dsinspect.findings.severity import Severity
from dsinspect.protocols.review_sheet import DECISIONS, FINDING_COLUMNS, FINDINGS_SHEET, MAX_ROWS, REVIEW_COLUMNS
from dsinspect.protocols.run import Outcome, Run
from dsinspect_reports.xlsx import _style as style
from dsinspect_reports.xlsx._archive import Rows
from dsinspect_reports.xlsx._pictures import HEADER, ROW_HEIGHT, WIDTH
from dsinspect_reports.xlsx._xml import Column, NumberColumn, TextColumn, rows_xml

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_LINKS = 2000
"""Links to images per sheet: Excel repairs a sheet with more than 65,530, and each is an object in memory."""
WIDTHS = {"Severity": 12, "Code": 9, "Check": 22, "Message": 64, "Image": 34, "Split": 8, "Category": 16, "Annotation": 12,
          "Source": 30, "Line": 8, "Index": 8, "Fix": 24, "Decision": 14, "New value": 20, "Reviewer": 14, "Comment": 30,
          "Fingerprint": 18}


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
    """

    title: str
    headers: Sequence[str]
    columns: Sequence[tuple[Column, Sequence[Any] | None]]
    rows: int
    widths: Sequence[float]
    hidden: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()
    heights: Mapping[int, float] = field(default_factory=dict)


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
    plain = style.style_number(sheet, style.HEADER_FONT, fill=style.HEADER_FILL, alignment=style.MIDDLE)
    header = "".join(TextColumn(plain).cells(table.headers))

    def rows() -> Iterator[bytes]:
        yield f'<row ht="22" customHeight="1">{header}</row>'.encode()
        yield from rows_xml(table.columns, first, last, table.heights)

    return Rows(f"A1:{get_column_letter(len(table.headers))}{last - first + 1}", rows)


def prepare(sheet: Any, table: TableSheet, rows: int) -> None:
    """Set widths, frozen header, filter and print layout."""
    for k, (header, width) in enumerate(zip(table.headers, table.widths, strict=True), 1):
        dimension = sheet.column_dimensions[get_column_letter(k)]
        dimension.width = width
        dimension.hidden = header in table.hidden
    sheet.freeze_panes = "A2"
    last = get_column_letter(len(table.headers))
    sheet.auto_filter.ref = f"A1:{last}{max(rows + 1, 2)}"
    sheet.sheet_view.showGridLines = False
    print_layout(sheet)
    sheet.print_title_rows = "1:1"


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
    links = [Hyperlink(ref=f"{letter}{k}", target=quote(base + path, safe="/:", errors="replace"))
             for k, path in enumerate(images, 2) if isinstance(path, str) and path]
    sheet._get_writer()
    sheet._hyperlinks.extend(links)


def findings_table(run: Run, book: Any) -> tuple[TableSheet, dict[str, int], list[Any]]:
    """Return the table of findings, the row each code begins at, and the images of the rows that may be linked."""
    sheet = book.worksheets[0]
    found = [o for o in run.outcomes if len(o.findings)]
    starts: dict[str, int] = {}
    at = 2
    for o in found:
        starts[o.code] = at
        at += len(o.findings)
    marks = np.array([style.MARK[str(s)] for s in Severity], object)

    def column(name: str) -> Cells:
        return Cells(found, lambda o, rows: o.findings.columns[name][rows])

    def number(name: str) -> Cells:
        return Cells(found, lambda o, rows: blank_minus_one(o.findings.columns[name][rows]))

    text = style.style_number(sheet)
    wrapped = style.style_number(sheet, alignment=style.WRAP)
    link = style.style_number(sheet, style.LINK)
    decimal = style.style_number(sheet, number_format="0.##")
    whole = style.style_number(sheet, number_format="0")
    entry = style.style_number(sheet, fill=style.INPUT_FILL, border=style.UNDERLINE)
    columns: list[tuple[Column, Any]] = [
        (TextColumn(text), Cells(found, lambda o, rows: marks[o.findings.severities(o.severity)[rows]])),
        (TextColumn(text), Cells(found, lambda o, rows: [o.code] * len(rows))),
        (TextColumn(text), Cells(found, lambda o, rows: [o.name] * len(rows))),
        (TextColumn(wrapped), Cells(found, lambda o, rows: o.findings.messages(rows))),
        (TextColumn(link), column("image")), (TextColumn(text), column("split")), (TextColumn(text), column("category")),
        (NumberColumn(whole), Cells(found, annotation_ids)), (TextColumn(text), column("source")),
        (NumberColumn(whole), number("line")), (NumberColumn(whole), number("index")),
        *((NumberColumn(decimal), column(c)) for c in ("x_min", "y_min", "x_max", "y_max")),
        (TextColumn(text), Cells(found, fixes)),
        (TextColumn(entry), None), (TextColumn(entry), None), (TextColumn(entry), None), (TextColumn(entry), None),
        (TextColumn(text), Fingerprints(found))]
    headers = (*FINDING_COLUMNS, *REVIEW_COLUMNS)
    n = sum(len(o.findings) for o in found)
    table = TableSheet(FINDINGS_SHEET, headers, columns, n, [WIDTHS.get(h, 9) for h in headers],
                       frozenset({"Fingerprint"}), frozenset(REVIEW_COLUMNS))
    return table, starts, list(column("image")[0:min(n, MAX_LINKS)])


def annotation_ids(outcome: Outcome, rows: NDArray[np.intp]) -> Any:
    """Return the ids of the annotations that findings are about; NaN where they are about none."""
    has = np.array([t.has_annotation for t in outcome.findings.templates], bool)
    columns = outcome.findings.columns
    return np.where(has[columns["template"][rows]], columns["annotation_id"][rows].astype(np.float64), np.nan)


def fixes(outcome: Outcome, rows: NDArray[np.intp]) -> list[str | None]:
    """Return what would mend findings, in words."""
    told = [f"{t.fix.action} ({t.fix.safety})" if t.fix else None for t in outcome.findings.templates]
    return [told[k] for k in outcome.findings.columns["template"][rows].tolist()]


class Cells:
    """A column over the findings of several checks, made only for the rows that are asked for.

    Args:
        outcomes: with findings, in the order of the sheet.
        make: returns the values of some findings of one check, by their positions.
    """

    def __init__(self, outcomes: Sequence[Outcome], make: Callable[[Outcome, NDArray[np.intp]], Any]) -> None:
        self._outcomes = outcomes
        self._make = make
        self._ends = np.cumsum([len(o.findings) for o in outcomes]).tolist()

    def __getitem__(self, rows: slice) -> Any:
        parts = []
        start = 0
        for outcome, end in zip(self._outcomes, self._ends, strict=True):
            low, high = max(rows.start - start, 0), min(rows.stop, end) - start
            if low < high:
                parts.append(self._make(outcome, np.arange(low, high)))
            start = end
        if len(parts) == 1:
            return parts[0]
        if all(isinstance(p, np.ndarray) for p in parts):
            return np.concatenate(parts) if parts else []
        return [value for part in parts for value in part]


class Fingerprints(Cells):
    """The fingerprints; those of one check at a time are in memory."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__(outcomes, self._texts)
        self._last: tuple[str, NDArray[np.uint64]] = ("", np.empty(0, np.uint64))

    def _texts(self, outcome: Outcome, rows: NDArray[np.intp]) -> list[str]:
        if self._last[0] != outcome.code:
            self._last = outcome.code, outcome.findings.fingerprints(outcome.code)
        return [f"{p:016x}" for p in self._last[1][rows].tolist()]


def with_pictures(table: TableSheet, rows: Sequence[int]) -> TableSheet:
    """Return the table of findings with a column for pictures, and tall rows that have one.

    Args:
        table: of findings.
        rows: of the sheet, from 2.
    """
    at = list(table.headers).index("Image")
    headers, columns, widths = list(table.headers), list(table.columns), list(table.widths)
    headers.insert(at, HEADER)
    columns.insert(at, (TextColumn(), None))
    widths.insert(at, WIDTH)
    return replace(table, headers=headers, columns=columns, widths=widths, heights={r - 2: ROW_HEIGHT for r in rows})


def blank_minus_one(values: Any) -> Any:
    """Return numbers with NaN for -1, which stands for none."""
    numbers = np.asarray(values, np.float64)
    return np.where(numbers < 0, np.nan, numbers)


def decorate_findings(sheet: Any, table: TableSheet, rows: int) -> None:
    """Add the dropdown of decisions and the colours of severities."""
    letters = {h: get_column_letter(k) for k, h in enumerate(table.headers, 1)}
    last = max(rows + 1, 2)
    choices = DataValidation(type="list", formula1='"' + ",".join(DECISIONS) + '"', allow_blank=True, showErrorMessage=True)
    choices.errorTitle, choices.error = "Decision", "Choose one of: " + ", ".join(DECISIONS)
    choices.promptTitle, choices.prompt = "Decision", "keep, fix, drop, set-box, set-category or drop-image (see About)"
    choices.showInputMessage = True
    choices.add(f"{letters['Decision']}2:{letters['Decision']}{last}")
    sheet.data_validations.append(choices)
    for name in ("error", "warning", "info"):
        make: Any = FormulaRule
        rule = make([f'LEFT($A2,1)="{style.MARK[name][0]}"'], font=style.severity_font(name),
                           fill=style.severity_fill(name))
        sheet.conditional_formatting.add(f"A2:A{last}", rule)


def frame_table(title: str, frame: pd.DataFrame, sheet: Any, widths: dict[str, float] | None = None) -> TableSheet:
    """Return any frame as a table to stream; columns of numbers keep their numbers."""
    text, number = style.style_number(sheet), style.style_number(sheet, number_format="General")
    columns: list[tuple[Column, Any]] = []
    headers = [str(c) for c in frame.columns]
    for name in headers:
        values = frame[name].to_numpy()
        if values.dtype.kind in "iuf":
            columns.append((NumberColumn(number), values))
        elif values.dtype.kind == "b":
            columns.append((NumberColumn(number), values.astype(np.int64)))
        else:
            columns.append((TextColumn(text), values))
    sizes = [(widths or {}).get(h, max(10.0, min(len(h) + 3.0, 30.0))) for h in headers]
    return TableSheet(title, headers, columns, len(frame), sizes)
