"""The small sheets that a reviewer fills in: one decision for a whole check, what to add, and what was decided earlier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from dsinspect.protocols import review_sheet as named
from dsinspect.protocols.decisions import ADDITIONS, EDIT_OF, Decision, NewBox, addition_key
from dsinspect.protocols.run import Outcome, Run
from dsinspect_reports._choice_sets import choice_sets, of_check
from dsinspect_reports.xlsx import _style as style
from dsinspect_reports.xlsx._decided import OwnColumns, Placed, own_columns, value_text
from dsinspect_reports.xlsx._findings import WIDTHS, choice, code_width
from dsinspect_reports.xlsx._tables import LINE_HEIGHT, line_count, print_layout

GONE = "Beside a row that is gone: "
ROOM_TO_ADD = 200
"""Empty rows with dropdowns on the sheet Add."""


def write_by_check(sheet: Any, run: Run, found: Sequence[Outcome], placed: Placed, sheets: Sequence[tuple[str, int]],
                   letters: dict[str, str]) -> list[str]:
    """Write one row per check with findings, with the counts of decisions, which count by themselves; return the headers.

    Args:
        sheet: still empty.
        run: of the findings.
        found: checks with findings.
        placed: earlier decisions.
        sheets: titles of the sheets of findings, and their last rows.
        letters: of the columns of findings.
    """
    reasons = any(d.reason for d in placed.checks.values())
    headers = [*named.CHECK_COLUMNS, "Decided", "Left", *([named.REASON] if reasons else []), "What it reports"]
    widths = [15, 40, 14, code_width(found, 10), 26, 11, 11, 11, *([40] if reasons else []), 80]
    added = own_columns(run, named.BY_CHECK_SHEET, [o.code for o in found], headers)
    start_sheet(sheet, [*headers, *added.cells], [*widths, *(max(14.0, len(h) + 3.0) for h in added.cells)], frozen="B2")
    for k, outcome in enumerate(found, 2):
        sheet.row_dimensions[k].height = 15.5 * line_count(outcome.summary, widths[-1]) + 2
    header_row(sheet, [*headers, *added.cells], ("Decision", "Comment", "Reviewer"), right=("Findings", "Decided", "Left"),
               indented=[*headers[8:], *added.cells])
    for k, outcome in enumerate(found, 2):
        own = "+".join(f"COUNTIFS('{title}'!${letters['Code']}$2:${letters['Code']}${last},D{k},'{title}'!${letters['Decision']}$2:"
                       f"${letters['Decision']}${last},\"?*\")" for title, last in sheets)
        decision = placed.checks.get(outcome.code, Decision(""))
        sheet.append([
            entry(sheet, decision.action), entry(sheet, decision.comment), entry(sheet, decision.reviewer),
            style.cell(sheet, outcome.code), style.cell(sheet, outcome.name, style.BOLD),
            style.cell(sheet, len(outcome.findings), number_format="#,##0"),
            style.formula(sheet, f'=IF(TRIM(A{k})="",{own},F{k})', style.BODY, number_format="#,##0"),
            style.formula(sheet, f"=F{k}-G{k}", style.BODY, number_format="#,##0"),
            *([style.cell(sheet, decision.reason, alignment=style.INDENT)] if reasons else []),
            style.cell(sheet, outcome.summary.replace("`", ""), style.SMALL, alignment=style.INDENT),
            *own_cells(sheet, added.row(k - 2))])
        sheet.data_validations.append(choice(of_check(choice_sets(outcome, run.no_place)[1]), f"A{k}"))
    write_gone(sheet, added, len(headers), headers.index(named.CODE))
    return headers


def write_additions(sheet: Any, run: Run, placed: Placed, classes: str | None) -> None:
    """Write the rows of earlier additions, and room for new ones."""
    possible = [a for a in ADDITIONS if EDIT_OF[a] not in run.no_place]
    reasons = any(d.reason for d in placed.additions)
    own = own_columns(run, named.ADD_SHEET, [addition_key(d) for d in placed.additions], named.OF_ADDITIONS)
    headers = [*named.ADD_COLUMNS, *([named.REASON] if reasons else []), named.HINTS, *own.cells]
    widths = [24, 44, 26, 30, 40, 14, 12, 30, 8, *([40] if reasons else []), 90, *(max(14.0, len(h) + 3.0) for h in own.cells)]
    start_sheet(sheet, headers, widths, frozen="B2")
    if not any(d.record and d.record.source for d in placed.additions):
        for k in range(len(named.ADD_COLUMNS) - 2, len(named.ADD_COLUMNS) + 1):  # only other surfaces fill these in
            sheet.column_dimensions[get_column_letter(k)].hidden = True
    header_row(sheet, headers, named.ADD_COLUMNS[:6])
    told = ("add-box: Image as in the sheet Images, Class, New value = x min, y min, x max, y max in px",
            "add-class: Class = the name of a class that the dataset does not have yet",
            "rename-class: Class = its name now, New value = its new name",
            "merge-class: Class = the one that goes, New value = the one that gets its boxes",
            "drop-image: Image as in the sheet Images; its annotations go with it")
    hints = [t for t in told if t.partition(":")[0] in possible] or [
        f"The {run.info.format} format has no place for what can be added here."]
    # Notes beside rows that are gone stand below; what the row was is a hint there, and nothing that would be applied.
    hints += [""] * (len(placed.additions) - len(hints)) + [GONE + name if "," in name else "" for name, _ in own.gone]
    kept = [own.row(k) for k in range(len(placed.additions))]
    notes = [*kept, *([[None] * len(own.cells)] * (len(hints) - len(own.gone) - len(kept))), *(cells for _, cells in own.gone)]
    for k in range(max(len(placed.additions) + ROOM_TO_ADD, len(hints))):
        decision = placed.additions[k] if k < len(placed.additions) else Decision("")
        record = decision.record
        new = decision.value if isinstance(decision.value, NewBox) else None
        sheet.append([
            entry(sheet, decision.action), entry(sheet, record.image if record else None),
            entry(sheet, new.category if new else record.category if record else None), entry(sheet, value_text(decision.value)),
            entry(sheet, decision.comment), entry(sheet, decision.reviewer),
            *(style.cell(sheet, getattr(record, n) if record else None) for n in ("id", "source", "index")),
            *([style.cell(sheet, decision.reason, alignment=style.WRAP)] if reasons else []),
            style.cell(sheet, hints[k], style.SMALL) if k < len(hints) else None,
            *own_cells(sheet, notes[k] if k < len(notes) else ())])
    last = len(placed.additions) + ROOM_TO_ADD + 1
    if possible:
        sheet.data_validations.append(choice(possible, f"A2:A{last}", "What to add or change"))
    if classes is not None:
        for letter in "CD":
            offered: Any = DataValidation(type="list", formula1=classes, allow_blank=True, showErrorMessage=False,
                                          sqref=f"{letter}2:{letter}{last}")
            sheet.data_validations.append(offered)


def write_earlier(sheet: Any, placed: Placed) -> None:
    """Write decisions whose finding is gone: to look up, and to be there when the finding comes back."""
    headers = [named.EARLIER_DECISION, named.NEW_VALUE, named.COMMENT, named.REVIEWER, named.REASON, named.CODE, named.MESSAGE,
               named.CLASS, named.IMAGE, named.SPLIT, named.ANNOTATION, named.SOURCE, named.LINE, named.INDEX, named.FINGERPRINT,
               *placed.own_earlier]
    widths = [17, *(WIDTHS.get(h, 9) for h in headers[1:])]
    start_sheet(sheet, headers, widths, frozen="B2")
    header_row(sheet, headers, ())
    for d in placed.earlier:
        seen, at = d.seen, d.seen.annotation if d.seen else None
        values = (d.action, value_text(d.value), d.comment, d.reviewer, d.reason or "the finding is gone",
                  (seen.code if seen else None) or d.check, *(getattr(seen, n) if seen else None for n in (
                      "message", "category", "image", "split")),
                  *(getattr(at, n) if at else None for n in ("id", "source", "line", "index")), d.finding,
                  *(of.get(d.finding or "") for of in placed.own_earlier.values()))
        sheet.append([style.cell(sheet, v, alignment=style.WRAP) for v in values])


def entry(sheet: Any, value: Any) -> Any:
    """Return a cell to fill in."""
    return style.cell(sheet, value or None, fill=style.INPUT_FILL, border=style.BOXED, alignment=style.WRAP)


def own_cells(sheet: Any, values: Iterable[Any]) -> list[Any]:
    """Return what a reviewer wrote into own columns as cells."""
    return [style.cell(sheet, v, alignment=style.INDENT) if v is not None else None for v in values]


def write_gone(sheet: Any, own: OwnColumns, columns: int, key: int = 0) -> None:
    """Write what a reviewer wrote beside rows that are gone, below all others.

    Args:
        sheet: at its end.
        own: columns of the reviewer.
        columns: of ours before them.
        key: position of the column that says what a row is about.
    """
    for name, values in own.gone:
        cells: list[Any] = [None] * columns
        cells[key] = style.cell(sheet, name, style.SMALL, alignment=style.NAME)
        sheet.append([*cells, *own_cells(sheet, values)])


def start_sheet(sheet: Any, headers: Sequence[str], widths: Sequence[float], *, frozen: str, names: Sequence[str] = ()) -> None:
    """Set widths, frozen header and print layout, before the first row is written.

    Args:
        sheet: still empty.
        headers: of its columns.
        widths: of its columns, characters.
        frozen: the first cell that scrolls.
        names: of the first column, row after row, which are wrapped.
    """
    for k, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(k)].width = width
        sheet.column_dimensions[get_column_letter(k)].hidden = headers[k - 1] == named.FINGERPRINT
    sheet.freeze_panes = frozen
    sheet.sheet_view.showGridLines = False
    print_layout(sheet)
    sheet.print_title_rows = "1:1"
    sheet.row_dimensions[1].height = 22
    for k, name in enumerate(names, 2):
        lines = line_count(name, widths[0] * 0.9)  # they are bold
        if lines > 1:
            sheet.row_dimensions[k].height = LINE_HEIGHT * lines + 3


def header_row(sheet: Any, headers: Sequence[str], inputs: Sequence[str], right: Sequence[str] = (),
               indented: Sequence[str] = ()) -> None:
    """Write the header; columns to fill in stand out."""
    sheet.append([style.cell(
        sheet, h, style.INPUT_FONT if h in inputs else style.HEADER_FONT,
        fill=style.INPUT_HEADER_FILL if h in inputs else style.HEADER_FILL,
        alignment=style.RIGHT_MIDDLE if h in right else style.MIDDLE_INDENT if h in indented else style.MIDDLE) for h in headers])
