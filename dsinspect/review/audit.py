"""The audit of a review: who decided what about which record, the old value and the new one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from dsinspect import __version__
from dsinspect.errors import UserError
from dsinspect.io.atomic import atomic
from dsinspect.protocols.review_sheet import COMMENT, DECISION
from dsinspect.review.decisions import Review

COLUMNS = ("cell", "reviewer", "decision", "action", "code", "image", "category", "annotation_id", "source", "line", "index",
           "old", "new", "comment", "fingerprint")
WIDTHS = (16, 14, 14, 18, 9, 40, 16, 12, 30, 8, 8, 34, 34, 30, 18)


def audit_rows(review: Review) -> list[dict[str, Any]]:
    """Return one record per decision, JSON-ready, in the order of the workbook."""
    rows = []
    for d in review.decisions:
        comment = d.row.values.get(COMMENT)
        rows.append(dict(zip(COLUMNS, (
            d.row.cell(DECISION), d.row.reviewer, d.decision, d.change["action"] if d.change else None, d.finding.code,
            d.finding.image, d.finding.category, d.finding.annotation_id, d.finding.source, d.finding.line, d.finding.index,
            d.old or None, d.new or None, None if comment is None else str(comment), d.finding.fingerprint), strict=True)))
    return rows


def write_audit(review: Review, stem: Path, dataset: str, workbook: Path) -> tuple[Path, Path]:
    """Write `STEM.json` and `STEM.xlsx`; return both paths.

    Raises:
        UserError: they cannot be written.
    """
    rows = audit_rows(review)
    document = {"schema_version": 1, "tool": {"name": "dsinspect", "version": __version__}, "dataset": dataset,
                "workbook": workbook.name, "decisions": rows}
    as_json, as_xlsx = stem.with_name(f"{stem.name}.json"), stem.with_name(f"{stem.name}.xlsx")
    content = msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
    _put(as_json, lambda path: path.write_bytes(content))
    _put(as_xlsx, lambda path: _write_xlsx(rows, path))
    return as_json, as_xlsx


def _put(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file whole or not at all."""
    try:
        with atomic(path) as partial:
            write(partial)
    except OSError as e:
        raise UserError(f"{path}: {(e.strerror or str(e)).lower()}") from None


def _write_xlsx(rows: list[dict[str, Any]], path: Path) -> None:
    import datetime

    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet: Any = book.active
    sheet.title = "Audit"
    sheet.append([c.replace("_", " ").capitalize() for c in COLUMNS])
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), PatternFill("solid", fgColor="1F3A5F")
    for record in rows:
        sheet.append([ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", v) if isinstance(v, str) else v
                      for v in record.values()])
        for cell in sheet[sheet.max_row]:
            if cell.data_type == "f":  # a text that begins with = stays a text
                cell.data_type = "s"
    for k, width in enumerate(WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(k)].width = width
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    book.properties.created = book.properties.modified = datetime.datetime(1980, 1, 1)
    book.save(path)
