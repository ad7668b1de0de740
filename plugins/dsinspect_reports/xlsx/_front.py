"""The first sheet: what this is, how to decide in five lines, a bar of progress that counts by itself, charts, checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange, MultiCellRange
from openpyxl.worksheet.hyperlink import Hyperlink

from dsinspect.findings.severity import Severity
from dsinspect.protocols.review_sheet import ADD_SHEET, BY_CHECK_SHEET, EARLIER_SHEET, FINDINGS_SHEET
from dsinspect.protocols.run import Outcome, Run
from dsinspect_reports.xlsx import _style as style
from dsinspect_reports.xlsx._findings import code_width
from dsinspect_reports.xlsx._tables import line_count, print_layout

WIDTHS = (3, 16, 26, 11, 12, 78, 16)
CODE_COLUMN = 4
CHART_ROW = 15
"""Row of the upper edge of the charts."""
CHART_ROWS = 18
"""Rows that they take."""
BAR_CELLS = 40
_ORDER = {"crashed": 0, "error": 1, "warning": 2, "info": 3, "skipped": 4, "clean": 5, "outside": 6}


class _Merged(MultiCellRange):
    """Merged cells in one order: a set is written in another one by every run."""

    def __iter__(self) -> Iterator[CellRange]:
        """Yield them from the top left."""
        yield from self.sorted()


def how_to(run: Run, *, with_thumbnails: bool) -> tuple[str, ...]:
    """Return how to review, in five lines."""
    see = ("Each row is one finding with its image: its own box is magenta, the other of a pair light blue." if with_thumbnails else
           "Each row is one finding.")
    return (
        f"1.  Open the sheet {FINDINGS_SHEET}. {see} Filter and sort as you like; no decision depends on the row.",
        "2.  Choose a Decision from the list in the yellow cell; only what is possible is offered: keep (it is right as it is), "
        "fix (a note at the cell says what it does), drop, set-box, ...",
        "3.  Beside set-box write the New value as four numbers: x min, y min, x max, y max in px; beside set-category, "
        "rename-class and merge-class a class.",
        f"4.  The sheet {BY_CHECK_SHEET} decides for all findings of a check that have no decision of their own; the sheet "
        f"{ADD_SHEET} takes missed boxes, and new or renamed classes.",
        f"5.  Save, and send the file back, or run:  dsinspect review apply WORKBOOK {run.path} -o corrected")


def outcome_status(outcome: Outcome) -> str:
    """Return a status, or for findings their worst severity."""
    if outcome.status != "found":
        return outcome.status if outcome.applies else "outside"
    return str(outcome.worst or Severity.INFO)


def in_order(run: Run) -> list[Outcome]:
    """Return the checks, the worst first."""
    return sorted(run.outcomes, key=lambda o: (_ORDER[outcome_status(o)], o.code))


def facts(run: Run) -> str:
    """Return what the set is, with what its counts hold and what they do not."""
    c = run.census
    unknown = c.annotations - int(c.category_columns["annotations"].sum())
    parts = [run.info.format.upper(), _counted(c.images, "image"), _counted(c.annotations, "box", "boxes")
             + (f" ({unknown:,} of no known class or image)" if unknown else ""),
             _counted(len(c.category_columns), "class", "classes")]
    if len(c.split_columns):
        parts.append(_counted(len(c.split_columns), "split"))
        apart = c.annotations - int(c.split_columns["annotations"].sum())
        if apart:
            parts.append(f"{_counted(apart, 'box', 'boxes')} of no image in a split")
    return "   ".join(parts)


def _counted(n: int, one: str, several: str = "") -> str:
    return f"{n:,} {one if n == 1 else several or one + 's'}"


def write_front(sheet: Any, run: Run, starts: Mapping[str, tuple[str, int]], last_check: int, notes: Sequence[str], *,
                has_charts: bool, with_thumbnails: bool, has_earlier: bool) -> None:
    """Write the sheet; the charts are added later.

    Args:
        sheet: still empty.
        run: of the report.
        starts: code to the sheet and row at which its findings begin.
        last_check: last row of the sheet By check.
        notes: what was left out.
        has_charts: leave room for charts.
        with_thumbnails: findings have images.
        has_earlier: there is a sheet of earlier decisions.
    """
    for k, width in enumerate(WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(k)].width = code_width(run.outcomes, width) if k == CODE_COLUMN else width
    sheet.sheet_view.showGridLines = False
    print_layout(sheet)
    lines = how_to(run, with_thumbnails=with_thumbnails)
    count = sum(len(o.findings) for o in run.outcomes)
    row = 0
    heights: dict[int, float] = {1: 8, 2: 30, 3: 18, 6: 21}
    room = sum(WIDTHS[1:])
    for k, line in enumerate(lines):
        heights[7 + k] = 15.5 * line_count(line, room * 1.2) + 2
    links = []
    checks = in_order(run)
    first_check = CHART_ROW + (CHART_ROWS if has_charts else 0) + 1 + len(notes)
    for k, outcome in enumerate(checks):
        heights[first_check + 2 + k] = 15.5 * line_count(_told(outcome), WIDTHS[5]) + 2
    heights |= {first_check: 21, first_check + 1: 18}
    for number, height in heights.items():
        sheet.row_dimensions[number].height = height
    sheet.merged_cells = _Merged()
    sheet._get_writer()  # from here on the sheet's columns are written, and it takes links

    def append(*cells: Any) -> int:
        nonlocal row
        sheet.append([None, *cells])
        row += 1
        return row

    append()
    append(style.cell(sheet, run.path, style.TITLE, alignment=None))
    append(style.cell(sheet, facts(run), style.SMALL))
    append(*_counts(sheet, run))
    append()
    append(style.cell(sheet, "How to review", style.HEADING))
    for k, line in enumerate(lines):
        sheet.merged_cells.add(f"B{7 + k}:G{7 + k}")
        append(style.cell(sheet, line, style.BODY, alignment=style.WRAP))
    append()
    _progress(sheet, append, count, last_check)
    for note in notes:
        append(style.cell(sheet, note, style.SMALL))
    while row < first_check - 1:
        append()
    append(style.cell(sheet, "Checks", style.HEADING))
    header = ("Verdict", "Check", "Code", "Findings", "What it reports", "Go to")
    places = {"Findings": style.RIGHT_MIDDLE_INDENT, "What it reports": style.MIDDLE_INDENT}
    append(*(style.cell(sheet, h, style.HEADER_FONT, fill=style.HEADER_FILL, alignment=places.get(h, style.MIDDLE))
             for h in header))
    for outcome in checks:
        status, n = outcome_status(outcome), len(outcome.findings)
        at = append(
            style.cell(sheet, style.MARK[status], style.severity_font(status), fill=style.severity_fill(status)),
            style.cell(sheet, outcome.name, style.BOLD if n else style.BODY), style.cell(sheet, outcome.code),
            style.cell(sheet, n, style.BOLD if n else style.SMALL, number_format="#,##0", alignment=style.RIGHT_INDENT),
            style.cell(sheet, _told(outcome), style.BODY if n else style.SMALL, alignment=style.INDENT),
            style.cell(sheet, "findings →", style.LINK) if n else None)
        if n:
            title, first = starts[outcome.code]
            links.append(Hyperlink(ref=f"G{at}", location=f"'{title}'!A{first}", display="findings"))
    if has_earlier:
        append()
        at = append(style.cell(sheet, f"Decisions on findings that are gone: sheet {EARLIER_SHEET}", style.LINK))
        links.append(Hyperlink(ref=f"B{at}", location=f"'{EARLIER_SHEET}'!A1", display=EARLIER_SHEET))
    sheet._hyperlinks.extend(links)


def _told(outcome: Outcome) -> str:
    told = outcome.summary if outcome.status not in ("skipped", "crashed") else str(outcome.metrics.get("reason", ""))
    return told.replace("`", "")


def _counts(sheet: Any, run: Run) -> list[Any]:
    cells = []
    for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO):
        n = run.count(severity)
        name = str(severity) if n else "skipped"
        text = f"{n:,} {severity}{'s' if n != 1 and severity is not Severity.INFO else ''}"
        cells.append(style.cell(sheet, text, style.severity_font(name), fill=style.severity_fill(name)))
    return cells


def _progress(sheet: Any, append: Any, count: int, last_check: int) -> None:
    """Write a bar that counts the decisions by itself: it holds formulas, and nothing of the dataset."""
    if not count:
        append(style.cell(sheet, "Nothing to decide: there is no finding.", style.BOLD))
        return
    decided = f"SUM('{BY_CHECK_SHEET}'!G2:G{last_check})"
    bar = f'=REPT("█",ROUND({BAR_CELLS}*{decided}/{count},0))&REPT("░",{BAR_CELLS}-ROUND({BAR_CELLS}*{decided}/{count},0))'
    text = f'=TEXT({decided},"#,##0")&" of {count:,} {"finding" if count == 1 else "findings"} decided"'
    append(style.cell(sheet, "Progress", style.HEADING, alignment=style.MIDDLE), style.formula(sheet, bar, style.BAR), None, None,
           style.formula(sheet, text, style.BOLD))
