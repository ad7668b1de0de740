"""The sheets of facts: classes, splits, measures, limits and settings, and the tables that checks give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from openpyxl.formatting.rule import DataBarRule
from openpyxl.utils import get_column_letter

from dsinspect import __version__
from dsinspect.protocols import review_sheet as named
from dsinspect.protocols.decisions import MEANINGS
from dsinspect.protocols.run import NO_CLASS, Run
from dsinspect_reports._counted import counted_otherwise, per_class
from dsinspect_reports.xlsx import _style as style
from dsinspect_reports.xlsx._decided import own_columns
from dsinspect_reports.xlsx._review_sheets import header_row, own_cells, start_sheet, write_gone
from dsinspect_reports.xlsx._tables import print_layout

MAX_MEASURES = 5_000
"""Numbers of one check on the sheet Measures: lists are cut there, and are whole in report.json."""
COUNTS_NOTE = "Boxes and images are counted over all records of the annotation files, those of no known class or image apart."


def write_classes(sheet: Any, run: Run) -> list[str]:
    """Write one row per class, largest first, with what checks say of each, and data bars; return the headers."""
    further = per_class(run)
    headers = ["Class", "Boxes", "Images", "Share of boxes", *further]
    rows = run.census.largest_first()
    own = own_columns(run, "Classes", [name for name, _, _ in rows], headers)
    start_sheet(sheet, [*headers, *own.cells], [30, 12, 12, 15, *(max(14.0, len(h) + 3.0) for h in (*further, *own.cells))],
                frozen="B2", names=[str(name) for name, _, _ in rows])
    header_row(sheet, [*headers, *own.cells], (), right=headers[1:], indented=list(own.cells))
    total = max(sum(boxes for _, boxes, _ in rows), 1)
    unknown = run.census.annotations - sum(boxes for _, boxes, _ in rows)
    for k, (name, boxes, images) in enumerate(rows):
        sheet.append([
            style.cell(sheet, str(name), style.BOLD, alignment=style.NAME), style.cell(sheet, boxes, number_format="#,##0"),
            style.cell(sheet, images, number_format="#,##0"), style.cell(sheet, boxes / total, number_format="0.0%"),
            *(value_cell(sheet, c.values.get(name)) for c in further.values()), *own_cells(sheet, own.row(k))])
    if unknown:
        sheet.append([style.cell(sheet, NO_CLASS, style.SMALL), style.cell(sheet, unknown, number_format="#,##0"), None, None,
                      *(value_cell(sheet, c.values.get(NO_CLASS)) for c in further.values())])
    notes = [counted_otherwise(run, o, t) for o in run.measured for t in o.table_columns.values()]
    if any(notes):
        sheet.append([])
    for note in (COUNTS_NOTE, *dict.fromkeys(notes)) if any(notes) else ():
        if note:
            sheet.append([style.cell(sheet, note, style.SMALL)])
    write_gone(sheet, own, len(headers))
    last = max(len(rows) + 1, 2)
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(headers))}{last}"
    for letter, colour in (("B", "8FB3DD"), ("C", "B7D3C6")):
        sheet.conditional_formatting.add(f"{letter}2:{letter}{last}", data_bar(colour))
    return headers


def data_bar(colour: str) -> Any:
    """Return the rule of bars in cells, from 0 to the largest value."""
    rule: Any = DataBarRule
    return rule("num", 0, "max", None, color=colour, minLength=0)


def write_splits(sheet: Any, run: Run) -> list[str]:
    """Write images and boxes per split, and what belongs to none; return the headers."""
    headers = ["Split", "Images", "Share of images", "Boxes", "Boxes per image"]
    splits = run.census.split_columns
    rows = list(zip(*(splits[k].tolist() for k in ("name", "images", "annotations")), strict=True))
    rest = run.census.images - sum(r[1] for r in rows), run.census.annotations - sum(r[2] for r in rows)
    if any(rest):
        rows.append(("(no split)" if rest[0] else "(no known image)", *rest))
    own = own_columns(run, "Splits", [name for name, _, _ in rows], headers)
    start_sheet(sheet, [*headers, *own.cells], [20, 12, 16, 12, 18, *(max(14.0, len(h) + 3.0) for h in own.cells)], frozen="B2",
                names=[str(name) for name, _, _ in rows])
    header_row(sheet, [*headers, *own.cells], (), right=headers[1:], indented=list(own.cells))
    total = max(run.census.images, 1)
    for k, (name, images, boxes) in enumerate(rows):
        sheet.append([style.cell(sheet, str(name), style.BOLD, alignment=style.NAME),
                      style.cell(sheet, int(images), number_format="#,##0"),
                      style.cell(sheet, images / total, number_format="0.0%"),
                      style.cell(sheet, int(boxes), number_format="#,##0"),
                      style.cell(sheet, boxes / images if images else None, number_format="0.0"), *own_cells(sheet, own.row(k))])
    write_gone(sheet, own, len(headers))
    return headers


def has_measures(run: Run) -> bool:
    """Say whether a check measured anything."""
    return any(True for o in run.measured if o.status not in ("skipped", "crashed") for _ in flat(o.metrics))


def write_measures(sheet: Any, run: Run) -> None:
    """Write what every check measured, a number a row."""
    headers = ["Code", "Check", "Measure", "Value"]
    start_sheet(sheet, headers, [10, 28, 60, 30], frozen="A2")
    header_row(sheet, headers, (), right=("Value",))
    count = 1
    for outcome in run.measured:
        measured = {k: v for k, v in outcome.metrics.items() if outcome.status not in ("skipped", "crashed")}  # Summary says why
        for k, (name, value) in enumerate(flat(measured)):
            if k >= MAX_MEASURES:
                sheet.append([style.cell(sheet, outcome.code), None, style.cell(sheet, "more in report.json", style.SMALL)])
                count += 1
                break
            sheet.append([style.cell(sheet, outcome.code), style.cell(sheet, outcome.name),
                          style.cell(sheet, name, alignment=style.WRAP), value_cell(sheet, value)])
            count += 1
    sheet.auto_filter.ref = f"A1:D{max(count, 2)}"


def flat(metrics: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the numbers and texts of nested metrics under names in words; rows per class and other long lists are left out.

    >>> list(flat({"quantiles": {"side": {"p05": 3.0}}, "n_images": 2, "classes": [{"class": "a"}], "anchors": [[9.5, 2]]}))
    [('quantiles, side, p05', 3.0), ('n images', 2), ('anchors, 1', '9.5, 2')]
    """
    for name, value in metrics.items():
        where = f"{before}, {name}" if before else str(name)
        where = where.replace("_", " ")
        if isinstance(value, Mapping):
            yield from flat(value, where)
        elif isinstance(value, (list, tuple)):
            if all(isinstance(v, (int, float)) for v in value):
                yield where, ", ".join(f"{v:,.5g}" for v in value[:20]) + (", …" if len(value) > 20 else "")
            elif len(value) <= 20 and not any(isinstance(v, Mapping) for v in value):
                yield from flat({str(k): v for k, v in enumerate(value, 1)}, where)
        else:
            yield where, value


def value_cell(sheet: Any, value: Any) -> Any:
    """Return a number with as many digits as say something, or a text."""
    if isinstance(value, bool) or value is None or value != value:
        return style.cell(sheet, None if value is None or value != value else "yes" if value else "no", alignment=style.RIGHT)
    if isinstance(value, int):
        return style.cell(sheet, value, number_format="#,##0")
    if isinstance(value, float):
        size = abs(value)
        shape = "#,##0" if size.is_integer() else "#,##0.0" if size >= 100 else "0.00" if size >= 1 else "0.0000"
        return style.cell(sheet, value if size != float("inf") else str(value), number_format=shape)
    return style.cell(sheet, str(value), alignment=style.RIGHT_WRAP)


def write_about(sheet: Any, run: Run) -> None:
    """Write what the decisions mean, the version, every limit in force, and the settings that `review apply` uses again."""
    for letter, width in zip("ABCD", (26, 34, 24, 70), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.sheet_view.showGridLines = False
    print_layout(sheet)

    def heading(text: str) -> None:
        sheet.append([])
        sheet.append([style.cell(sheet, text, style.HEADING, alignment=style.MIDDLE)])

    sheet.append([style.cell(sheet, "What the decisions mean", style.HEADING, alignment=style.MIDDLE)])
    for word, meaning in MEANINGS.items():
        sheet.append([style.cell(sheet, word, style.BOLD), style.cell(sheet, meaning)])
    heading("Made by")
    for line in (f"dsinspect {__version__}", *run.info.notes, COUNTS_NOTE):
        sheet.append([style.cell(sheet, line)])
    if any(o.limits for o in run.outcomes):
        heading("Limits in force")
        sheet.append([style.cell(sheet, h, style.HEADER_FONT, fill=style.HEADER_FILL) for h in ("Check", "Limit", "Value")])
    for outcome in run.outcomes:
        for name, value in outcome.limits.items():
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            sheet.append([style.cell(sheet, f"{outcome.code} {outcome.name}"), style.cell(sheet, name),
                          style.cell(sheet, value if is_number else str(value), alignment=style.LEFT)])


def write_settings(sheet: Any, run: Run, headers: Mapping[str, list[str]], keys: Mapping[str, list[str]]) -> None:
    """Write the settings of the report as JSON, for `review apply`, and what is ours on sheets that a reviewer extends.

    Args:
        sheet: still empty.
        run: whose settings they are.
        headers: of ours, by title of the sheet.
        keys: those that tell the rows of a table apart, by its title.
    """
    for letter, width in zip("AB", (30, 100), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.sheet_state = "hidden"
    sheet.append([style.cell(sheet, h, style.HEADER_FONT, fill=style.HEADER_FILL) for h in (named.SETTING, named.VALUE)])
    listed = {prefix + title: names for prefix, of in ((named.HEADERS_OF, headers), (named.KEYS_OF, keys))
              for title, names in of.items()}
    for name, value in {"dataset": run.path, **msgspec.to_builtins(run.settings), **listed}.items():
        sheet.append([style.cell(sheet, name), style.cell(sheet, msgspec.json.encode(value).decode(), alignment=style.WRAP)])


def sheet_title(title: str, taken: set[str]) -> str:
    """Return a title that a spreadsheet takes and no other sheet has.

    >>> sheet_title("a/b: " + "x" * 40, {"Findings"})
    'a b  xxxxxxxxxxxxxxxxxxxxxxxxxx'
    """
    plain = re.sub(r"[\\/*?:\[\]\x00-\x1f\ud800-\udfff]", " ", title).strip("' ") or "Table"
    plain = plain[:31]
    made, k = plain, 2
    while made.casefold() in {t.casefold() for t in taken}:
        made = f"{plain[:31 - len(f' ({k})')]} ({k})"
        k += 1
    return made
