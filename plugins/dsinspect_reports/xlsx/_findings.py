"""The sheet of findings: image and decision first, the rest of the finding beside them, one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from openpyxl.formatting.rule import FormulaRule
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from dsinspect.findings.severity import Severity
from dsinspect.protocols import review_sheet as named
from dsinspect.protocols.run import Outcome, Run
from dsinspect.tables.schema import BOX_COLUMNS
from dsinspect_reports.xlsx import _style as style
from dsinspect_reports.xlsx._choices import dropdowns, fix_words
from dsinspect_reports.xlsx._decided import DecidedColumn, Placed, value_text
from dsinspect_reports.xlsx._tables import LINE_HEIGHT, MAX_LINKS, TableSheet, line_count
from dsinspect_reports.xlsx._xml import Column, NumberColumn, TextColumn

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTHS = {
    named.THUMBNAIL: 30, named.DECISION: 15, named.NEW_VALUE: 20, named.COMMENT: 26, named.REASON: 40, named.MESSAGE: 58,
    named.CLASS: 16, named.IMAGE: 40, named.SEVERITY: 13, named.CODE: 9, named.CHECK: 20, named.FIX: 16, named.SPLIT: 9,
    named.REVIEWER: 14, named.ANNOTATION: 12, named.SOURCE: 30, named.LINE: 8, named.INDEX: 8, named.FINGERPRINT: 18}
WRAPPED = frozenset((named.MESSAGE, named.IMAGE, named.CLASS, named.SOURCE, named.COMMENT, named.REASON, named.FIX))
"""Columns whose text decides how high a row is."""
PRINTED = named.CODE
"""The last column that is printed: what is right of it is for programs and searches."""


@dataclass(frozen=True)
class FindingsTable:
    """The table of findings.

    Attributes:
        table: to stream.
        found: checks with findings, in the order of the rows.
        starts: code to the row of the sheet at which its findings begin.
        images: of the rows that may be linked.
    """

    table: TableSheet
    found: tuple[Outcome, ...]
    starts: Mapping[str, int]
    images: list[Any]


def findings_table(run: Run, found: Sequence[Outcome], placed: Placed, book: Any, *, with_thumbnails: bool) -> FindingsTable:
    """Return the table of findings.

    Args:
        run: of the findings.
        found: its checks with findings.
        placed: earlier decisions.
        book: for its styles.
        with_thumbnails: leave room for images of the findings.
    """
    sheet = book.worksheets[0]
    starts: dict[str, int] = {}
    at = 2
    for outcome in found:
        starts[outcome.code] = at
        at += len(outcome.findings)
    marks = np.array([style.MARK[str(s)] for s in Severity], object)

    def column(name: str) -> Cells:
        return Cells(found, lambda o, rows: o.findings.columns[name][rows])

    def number(name: str) -> Cells:
        return Cells(found, lambda o, rows: blank_minus_one(o.findings.columns[name][rows]))

    def decided(values: Mapping[int, Any]) -> Any:
        filled = {k: v for k, v in values.items() if v}
        return DecidedColumn(filled) if filled else None

    line = style.UNDERLINE
    text = style.style_number(sheet, border=line)
    wrapped = style.style_number(sheet, alignment=style.WRAP, border=line)
    name = style.style_number(sheet, alignment=style.NAME, border=line)
    link = style.style_number(sheet, style.LINK, alignment=style.NAME, border=line)
    after_number = style.style_number(sheet, alignment=style.INDENT, border=line)
    decimal = style.style_number(sheet, alignment=style.RIGHT_INDENT, border=line)  # a mark stands right of the last
    whole = style.style_number(sheet, number_format="0", border=line)
    entry = style.style_number(sheet, fill=style.INPUT_FILL, border=style.BOXED, alignment=style.WRAP)
    rows = placed.rows
    columns: dict[str, tuple[Column, Any]] = {
        named.THUMBNAIL: (TextColumn(text), None),
        named.DECISION: (TextColumn(entry), decided({k: d.action for k, d in rows.items()})),
        named.NEW_VALUE: (TextColumn(entry), decided({k: value_text(d.value) for k, d in rows.items()})),
        named.COMMENT: (TextColumn(entry), decided({k: d.comment for k, d in rows.items()})),
        named.REASON: (TextColumn(wrapped), decided({k: d.reason for k, d in rows.items()})),
        named.MESSAGE: (TextColumn(wrapped), Cells(found, lambda o, rows: o.findings.messages(rows))),
        named.CLASS: (TextColumn(name), column("category")),
        named.IMAGE: (TextColumn(link), column("image")),
        **{h: (NumberColumn(decimal), column(c)) for h, c in zip(named.BOX_HEADERS, BOX_COLUMNS, strict=True)},
        named.SEVERITY: (TextColumn(after_number), Cells(found, lambda o, rows: marks[o.findings.severities(o.severity)[rows]])),
        named.CODE: (TextColumn(text), Cells(found, lambda o, rows: [o.code] * len(rows))),
        named.CHECK: (TextColumn(text), Cells(found, lambda o, rows: [o.name] * len(rows))),
        named.FIX: (TextColumn(wrapped), Cells(found, fixes)),
        named.SPLIT: (TextColumn(text), column("split")),
        named.REVIEWER: (TextColumn(entry), decided({k: d.reviewer for k, d in rows.items()})),
        named.ANNOTATION: (NumberColumn(whole), Cells(found, annotation_ids)),
        named.SOURCE: (TextColumn(after_number), column("source")),
        named.LINE: (NumberColumn(whole), number("line")), named.INDEX: (NumberColumn(whole), number("index")),
        **{h: (TextColumn(entry, keeps_numbers=True), decided(cells)) for h, cells in placed.own.items()},
        named.FINGERPRINT: (TextColumn(text), Fingerprints(found)), named.AS_FOUND: (TextColumn(text), Cells(found, as_found))}
    if not with_thumbnails:
        del columns[named.THUMBNAIL]
    if not any(d.reason for d in rows.values()):
        del columns[named.REASON]
    headers = list(columns)
    n = sum(len(o.findings) for o in found)
    table = TableSheet(
        named.FINDINGS_SHEET, headers, list(columns.values()), n,
        [code_width(found) if h == named.CODE else WIDTHS.get(h, 9) for h in headers],
        frozenset({named.FINGERPRINT, named.AS_FOUND}), frozenset(named.INPUT_COLUMNS),
        frozen=get_column_letter(headers.index(named.NEW_VALUE) + 2), printed=headers.index(PRINTED) + 1)
    return FindingsTable(table, tuple(found), starts, list(column("image")[0:min(n, MAX_LINKS)]))


def code_width(outcomes: Sequence[Outcome], least: float = WIDTHS[named.CODE]) -> float:
    """Return the width of a column of codes: those of a simulation for several trainers name the trainer."""
    return max([least, *(len(o.code) + 2.0 for o in outcomes if len(o.code) + 2 > least)])


def annotation_ids(outcome: Outcome, rows: NDArray[np.intp]) -> Any:
    """Return the ids of the annotations that findings are about; NaN where they are about none."""
    has = np.array([t.has_annotation for t in outcome.findings.templates], bool)
    columns = outcome.findings.columns
    return np.where(has[columns["template"][rows]], columns["annotation_id"][rows].astype(np.float64), np.nan)


def as_found(outcome: Outcome, rows: NDArray[np.intp]) -> list[str]:
    """Return box and class of findings in one text, for the reader to know a cell that was edited."""
    columns = outcome.findings.columns
    edges = [columns[c][rows].astype(np.float64).tolist() for c in BOX_COLUMNS]
    return [f"{' '.join('-' if v != v else f'{v:.10g}' for v in box)} {name or ''}"
            for *box, name in zip(*edges, columns["category"][rows].tolist(), strict=True)]


def fixes(outcome: Outcome, rows: NDArray[np.intp]) -> list[str | None]:
    """Return what would fix findings, in words."""
    told = [fix_words(t.fix) for t in outcome.findings.templates]
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


def blank_minus_one(values: Any) -> Any:
    """Return numbers with NaN for -1, which stands for none."""
    numbers = np.asarray(values, np.float64)
    return np.where(numbers < 0, np.nan, numbers)


def text_heights(table: TableSheet, first: int, last: int) -> list[float]:
    """Return about how high rows have to be for their text, points: the longest of its wrapped cells decides for each.

    Args:
        table: of findings.
        first: number of the first row, from 0.
        last: number of the row after the last.
    """
    lines = [1] * (last - first)
    for at, header in enumerate(table.headers):
        values = table.columns[at][1]
        if header in WRAPPED and values is not None:
            width = table.widths[at]
            lines = [max(n, line_count(str(v or ""), width)) for n, v in zip(lines, values[first:last], strict=True)]
    return [LINE_HEIGHT * n + 3 for n in lines]


def decorate_findings(sheet: Any, findings: FindingsTable, run: Run, first: int, classes: str | None) -> None:
    """Add the dropdowns and the colours of severities to one sheet of findings.

    Args:
        sheet: with the rows from `first` on.
        findings: the table.
        run: of the findings.
        first: row of the table that comes first on the sheet, from 0.
        classes: reference to the cells with the names of the classes, to choose a new value from; None to offer none.
    """
    table = findings.table
    letters = {h: get_column_letter(k) for k, h in enumerate(table.headers, 1)}
    last_row = min(table.rows, first + named.MAX_ROWS - 1)
    last = max(last_row - first + 1, 2)
    for offer, cells in dropdowns(findings.found, run.no_place, first, last_row, letters[named.DECISION]):
        made = choice(offer.choices, cells)
        if offer.fix:
            made.showInputMessage, made.promptTitle, made.prompt = True, "fix", offer.fix
        sheet.data_validations.append(made)
    if classes is not None and table.rows:
        offered: Any = DataValidation(type="list", formula1=classes, allow_blank=True, showErrorMessage=False,
                                      sqref=f"{letters[named.NEW_VALUE]}2:{letters[named.NEW_VALUE]}{last}")
        sheet.data_validations.append(offered)
    letter = letters[named.SEVERITY]
    for name in ("error", "warning", "info"):
        make: Any = FormulaRule
        rule = make([f'LEFT(${letter}2,1)="{style.MARK[name][0]}"'], font=style.severity_font(name),
                    fill=style.severity_fill(name))
        sheet.conditional_formatting.add(f"{letter}2:{letter}{last}", rule)


def choice(choices: Sequence[str], cells: str, title: str = "Decision") -> Any:
    """Return a dropdown that takes nothing but its choices."""
    made: Any = DataValidation(type="list", formula1='"' + ",".join(choices) + '"', allow_blank=True, showErrorMessage=True,
                               sqref=cells)
    made.errorTitle, made.error = title, "Possible here: " + ", ".join(choices)
    return made
