"""The audit of a review: who decided what about which record, the old value and the new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dsinspect import __version__
from dsinspect.errors import UserError, os_reason
from dsinspect.io.atomic import atomic
from dsinspect.io.json_text import indented
from dsinspect.review.resolve import Made, Review
from dsinspect.tables.schema import BOX_COLUMNS

COLUMNS = ("cell", "reviewer", "decision", "action", "code", "image", "category", "annotation_id", "source", "line", "index",
           "old", "new", "comment", "fingerprint")
WIDTHS = (24, 14, 14, 18, 10, 40, 16, 13, 34, 8, 8, 34, 34, 30, 18)
HEADERS = {"cell": "Decided in", "action": "Edit", "category": "Class", "annotation_id": "Annotation", "old": "Before",
           "new": "After"}
"""Headers of the workbook that are not the names of the columns."""


def audit_rows(review: Review) -> list[dict[str, Any]]:
    """Return one record per finding or record that was decided on, JSON-ready, in the order of the decisions."""
    rows = []
    for made in review.made:
        d, f, change = made.decision, made.finding, made.change or {}
        rows.append(dict(zip(COLUMNS, (
            made.place, d.reviewer, made.action, change.get("action"), f.code if f else None,
            f.image if f else change.get("image"), f.category if f else change.get("category"), f.annotation_id if f else None,
            f.source if f else None, f.line if f else None, f.index if f else None, made.old or None, made.new or None, d.comment,
            f.fingerprint if f else None), strict=True)))
    return rows


def write_audit(review: Review, stem: Path, dataset: str, names: Sequence[str]) -> tuple[Path, Path]:
    """Write `STEM.json` and `STEM.xlsx`; return both paths.

    Args:
        review: what was applied.
        stem: path of the files without their suffix.
        dataset: as it was named.
        names: of the files that the decisions were written in.

    Raises:
        UserError: they cannot be written.
    """
    rows = audit_rows(review)
    decisions = [{**row, **_boxes(made)} for row, made in zip(rows, review.made, strict=True)]
    document = {"schema_version": 1, "tool": {"name": "dsinspect", "version": __version__}, "dataset": dataset,
                "workbook": ", ".join(names), "decisions": decisions}
    as_json, as_xlsx = stem.with_name(f"{stem.name}.json"), stem.with_name(f"{stem.name}.xlsx")
    content = indented(document)
    _put(as_json, lambda path: path.write_bytes(content))
    _put(as_xlsx, lambda path: _write_xlsx(rows, path))
    return as_json, as_xlsx


def _boxes(made: Made) -> dict[str, list[float] | None]:
    """Return the boxes of a decision before and after as numbers, px, for programs."""
    box, change = made.finding.bbox_xyxy if made.finding else None, made.change or {}
    return {"bbox_xyxy": None if box is None else [float(v) for v in box],
            "new_bbox_xyxy": [float(change[c]) for c in BOX_COLUMNS] if "x_min" in change else None}


def _put(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file whole or not at all."""
    try:
        with atomic(path) as partial:
            write(partial)
    except OSError as e:
        raise UserError(f"{path}: {os_reason(e)}") from None


def _write_xlsx(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    from dsinspect.review.audit_sheet import write_sheet

    headers = [HEADERS.get(c, c.replace("_", " ").capitalize()) for c in COLUMNS]
    write_sheet(path, "Audit", headers, WIDTHS, [list(r.values()) for r in rows], COLUMNS.index("fingerprint"), "D2")
