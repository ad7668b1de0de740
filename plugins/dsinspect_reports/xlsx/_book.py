"""The sheets of the workbook, put together: Summary, Findings to review, Classes, Sizes, Splits, Images, About."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.writer.excel import ExcelWriter

from dsinspect.protocols.review_sheet import FINDINGS_SHEET, MAX_ROWS
from dsinspect.protocols.run import Run
from dsinspect.tables.schema import is_extra_column
from dsinspect_reports.xlsx._archive import Rows, WorkbookArchive
from dsinspect_reports.xlsx._overview import (
    add_charts,
    write_about,
    write_classes,
    write_sizes,
    write_splits,
    write_summary,
)
from dsinspect_reports.xlsx._pictures import add_pictures, thumbnails
from dsinspect_reports.xlsx._tables import add_table, decorate_findings, findings_table, frame_table, with_pictures

IMAGE_COLUMNS = {"path": "Image", "split": "Split", "width": "Declared width", "height": "Declared height"}
ANNOTATION_COLUMNS = {
    "path": "Image", "split": "Split", "annotation_id": "Annotation", "category": "Class", "category_id": "Class id",
    "x_min": "x min", "y_min": "y min", "x_max": "x max", "y_max": "y max", "is_crowd": "Crowd", "is_ignored": "Ignored",
    "source": "Source", "line": "Line", "index": "Index"}
NO_CLOCK = datetime.datetime(1980, 1, 1)


def write_book(run: Run, out: Path, *, tables: bool, count: int) -> None:
    """Write the workbook; the same run gives the same bytes.

    Args:
        run: with images.
        out: the file.
        tables: put the table of annotations into it.
        count: of crops to embed.
    """
    book = Workbook(write_only=True)
    book.properties.creator = "dsinspect"
    book.properties.created = book.properties.modified = NO_CLOCK
    streamed: dict[str, Rows] = {}
    summary = book.create_sheet("Summary")
    table, starts, images = findings_table(run, book)
    pictures = thumbnails(run, count)
    if pictures:
        table = with_pictures(table, list(pictures))
    base = _relative_base(run, out)
    for k, title in enumerate(add_table(book, table, streamed, images if base is not None else None, base or "")):
        rows = min(table.rows - k * (MAX_ROWS - 1), MAX_ROWS - 1)
        decorate_findings(book[title], table, rows)
    if pictures:
        add_pictures(book[FINDINGS_SHEET], table.headers, {r: p for r, p in pictures.items() if r <= MAX_ROWS})
    write_classes(book.create_sheet("Classes"), run)
    write_sizes(book.create_sheet("Sizes"), run)
    if len(run.census.splits):
        write_splits(book.create_sheet("Splits"), run)
    if run.images is not None:
        frame = _image_frame(run)
        add_table(book, frame_table("Images", frame, summary, {"Image": 40}), streamed,
                  frame["Image"].tolist() if base is not None else None, base or "")
    if tables and run.annotations is not None:
        add_table(book, frame_table("Annotations", _annotation_frame(run), summary, {"Image": 40, "Source": 30}), streamed)
    write_about(book.create_sheet("About"), run)
    write_summary(summary, run, starts)
    add_charts(summary, book, run)
    archive = WorkbookArchive(out, streamed)
    try:
        ExcelWriter(book, archive).save()
    finally:
        archive.close()


def _relative_base(run: Run, out: Path) -> str | None:
    """Return the way from the workbook's folder to the dataset's root; None where images are not on disk."""
    if not run.info.has_files:
        return None
    try:
        way = os.path.relpath(run.info.root, out.parent)
    except ValueError:  # another drive
        return None
    return "" if way == "." else Path(way).as_posix() + "/"


def _image_frame(run: Run) -> pd.DataFrame:
    images: Any = run.images
    hidden = {"image_id", "declared_path", "file", "source", "line", "index", "frame_width", "frame_height", "read_error"}
    hashes = [c for c in ("content_hash", "phash") if c in images.columns]
    first = [c for c in IMAGE_COLUMNS if c in images.columns]
    names = [*first, *(c for c in images.columns if c not in hidden | {*first, *hashes}), *hashes]
    frame: pd.DataFrame = images[names].rename(columns=IMAGE_COLUMNS)
    return frame.rename(columns={c: str(c).replace("_", " ").capitalize() for c in frame.columns
                                 if c not in IMAGE_COLUMNS.values()})


def _annotation_frame(run: Run) -> pd.DataFrame:
    """Return the annotations with readable headers; fields of a format follow, but for its masks and polygons."""
    annotations: Any = run.annotations
    fields = [c for c in annotations.columns if is_extra_column(str(c)) and c not in ("segmentation", "keypoints")]
    names = [*(c for c in ANNOTATION_COLUMNS if c in annotations.columns), *fields]
    frame: pd.DataFrame = annotations[names].rename(columns=ANNOTATION_COLUMNS)
    return frame
