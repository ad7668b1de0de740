"""The sheets of the workbook, put together: Summary, Findings, By check, Add, Classes, tables, Splits, Images, Charts, About."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

from dsinspect.findings.wording import counted
from dsinspect.io.brought import as_named
from dsinspect.protocols import review_sheet as named
from dsinspect.protocols.run import Run
from dsinspect_reports._counted import header, is_share, other_tables, words, worst_first
from dsinspect_reports.xlsx._archive import Rows, WorkbookArchive
from dsinspect_reports.xlsx._charts import charts_of, front_charts, write_charts
from dsinspect_reports.xlsx._decided import distinct_by, own_columns, placed, with_own_cells
from dsinspect_reports.xlsx._facts import (
    has_measures,
    sheet_title,
    write_about,
    write_classes,
    write_measures,
    write_settings,
    write_splits,
)
from dsinspect_reports.xlsx._findings import FindingsTable, decorate_findings, findings_table, text_heights
from dsinspect_reports.xlsx._front import CHART_ROW, write_front
from dsinspect_reports.xlsx._review_sheets import write_additions, write_by_check, write_earlier
from dsinspect_reports.xlsx._tables import add_table, frame_table
from dsinspect_reports.xlsx._thumbnails import ROW_HEIGHT, Thumbnails, add_thumbnails, has_thumbnails, make_thumbnails

IMAGE_COLUMNS = {"path": "Image", "split": "Split", "width": "Declared width", "height": "Declared height",
                 "file_width": "File width", "file_height": "File height", "file_size": "File size, bytes"}
FLAGS = {"is_truncated": ("Truncated", 1), "channels_equal": ("Colour channels equal", 1), "decodes": ("Cannot be decoded", 0)}
"""Measured flags: how people call them, and the value that deserves a `yes`."""
NOT_FOR_PEOPLE = frozenset((
    "image_id", "declared_path", "file", "source", "line", "index", "frame_width", "frame_height", "boxes_upright", "read_error",
    "signature"))
"""Columns of the images that programs need; report.json and report.csv have them."""
PRINTED_OF_IMAGES = 13
"""Columns of the sheet Images that are printed; what is right of them is for searches."""
ANNOTATION_COLUMNS = {
    "path": "Image", "split": "Split", "annotation_id": "Annotation", "category": "Class", "category_id": "Class id",
    "x_min": "x min", "y_min": "y min", "x_max": "x max", "y_max": "y max", "is_crowd": "Crowd", "is_ignored": "Ignored",
    "source": "Source", "line": "Line", "index": "Index"}
NO_CLOCK = datetime.datetime(1980, 1, 1)
FITTED_ROWS = 10_000
"""Rows of findings that are made as high as their text where others have images; else the program that opens it fits them."""
MAX_TABLE_ROWS = 100_000
"""Rows of a table of a check; the rest is in report.json."""


def write_book(run: Run, out: Path, *, tables: bool, each: int, max_mb: float) -> None:
    """Write the workbook; the same run gives the same bytes.

    Args:
        run: with images.
        out: the file to write.
        tables: put the table of annotations into it.
        each: findings of one check that get an image, at most.
        max_mb: megabytes of all images, at most.
    """
    book = Workbook(write_only=True)
    book.properties.creator = "dsinspect"
    book.properties.created = book.properties.modified = NO_CLOCK
    book.calculation.fullCalcOnLoad = True
    streamed: dict[str, Rows] = {}
    front = book.create_sheet("Summary")
    found = worst_first(o for o in run.outcomes if len(o.findings))
    decided = placed(run, found)
    thumbnails = make_thumbnails(run, found, each, max_mb * 1e6)
    findings = findings_table(run, found, decided, book, with_thumbnails=has_thumbnails(run, each))
    table = findings.table
    heights = dict(enumerate(text_heights(table, 0, min(table.rows, FITTED_ROWS)))) if thumbnails.by_row else {}
    table.heights = heights | {row: max(ROW_HEIGHT, *text_heights(table, row, row + 1)) for row in thumbnails.by_row}
    base = _relative_base(run, out)
    titles = add_table(book, table, streamed, findings.images if base is not None else None, base or "")
    classes = _classes_reference(run)
    room = named.MAX_ROWS - 1
    for k, title in enumerate(titles):
        decorate_findings(book[title], findings, run, k * room, classes)
        if thumbnails.by_row:
            add_thumbnails(book[title], table.headers.index(named.THUMBNAIL) + 1, thumbnails.by_row, k * room, (k + 1) * room)
    letters = {h: get_column_letter(k) for k, h in enumerate(table.headers, 1)}
    sheets = [(t, max(min(table.rows - k * room, room) + 1, 2)) for k, t in enumerate(titles)]
    headers = {named.BY_CHECK_SHEET: write_by_check(book.create_sheet(named.BY_CHECK_SHEET), run, found, decided, sheets, letters)}
    write_additions(book.create_sheet(named.ADD_SHEET), run, decided, classes)
    if decided.earlier:
        write_earlier(book.create_sheet(named.EARLIER_SHEET), decided)
    headers["Classes"] = write_classes(book.create_sheet("Classes"), run)
    keys = _write_tables(book, run, streamed, front, headers)
    if len(run.census.split_columns):
        headers["Splits"] = write_splits(book.create_sheet("Splits"), run)
    if run.images is not None:
        frame = _image_frame(run)
        headers["Images"] = list(map(str, frame.columns))
        frame = _with_own(frame, run)
        table = frame_table("Images", frame, front, {"Image": 40})
        table.printed, table.frozen = min(len(table.headers), PRINTED_OF_IMAGES), "B"
        add_table(book, table, streamed, frame["Image"].tolist() if base is not None else None, base or "")
    _write_left(book, run, streamed, front, headers, keys)
    if tables and run.annotations is not None:
        add_table(book, frame_table("Annotations", _annotation_frame(run), front, {"Image": 40, "Source": 30}), streamed)
    if has_measures(run):
        write_measures(book.create_sheet("Measures"), run)
    drawn = charts_of(run)
    starts = {code: (titles[(row - 2) // room], (row - 2) % room + 2) for code, row in findings.starts.items()}
    write_front(front, run, starts, len(found) + 1, _notes(thumbnails, findings, each, max_mb),
                has_charts=bool(front_charts(drawn)), with_thumbnails=bool(thumbnails.by_row), has_earlier=bool(decided.earlier))
    write_charts(book, front, drawn, CHART_ROW)
    write_about(book.create_sheet(named.ABOUT_SHEET), run)
    write_settings(book.create_sheet("Settings"), run, headers, keys)
    archive = WorkbookArchive(out, streamed)
    try:
        ExcelWriter(book, archive).save()
    finally:
        archive.close()


def _notes(thumbnails: Thumbnails, findings: FindingsTable, each: int, max_mb: float) -> list[str]:
    """Return how many findings have an image here, and why the others have none, with the options that change it."""
    total = findings.table.rows
    if not each or not total or not (thumbnails.left_out or thumbnails.unseen):
        return []
    parts = [f"{len(thumbnails.by_row):,} of {counted(total, 'finding')} {'has' if len(thumbnails.by_row) == 1 else 'have'} "
             "an image here"]
    if thumbnails.about_none:
        parts.append(f"{thumbnails.about_none:,} {'is' if thumbnails.about_none == 1 else 'are'} about no image")
    if thumbnails.unseen:
        parts.append(f"the image of {thumbnails.unseen:,} is missing or cannot be read")
    if thumbnails.left_out:
        parts.append(f"{thumbnails.left_out:,} had no room: at most {each:,} of a check and {max_mb:g} MB in all (options "
                     "thumbnails and thumbnails_mb under [reports.xlsx], or --thumbnails and --thumbnails-mb of dsinspect report)")
    return ["; ".join(parts) + "."]


def _classes_reference(run: Run) -> str | None:
    """Return the cells with the names of the classes; None when a name could be taken for a formula once it is chosen."""
    names = [str(n) for n in run.census.category_columns["name"].tolist()]
    if not names or any(n[:1] in "=+-@\t\r" or len(n) > 250 for n in names):
        return None
    return f"'Classes'!$A$2:$A${len(names) + 1}"


def _write_tables(book: Any, run: Run, streamed: dict[str, Rows], front: Any,
                  headers: dict[str, list[str]]) -> dict[str, list[str]]:
    """Write every table of every check on a sheet of its own, but for those per class, which the sheet Classes holds.

    Args:
        book: gets the sheets.
        run: with the tables, and with columns that a reviewer added to earlier ones.
        streamed: gets their rows.
        front: a sheet, for its styles.
        headers: gets those of each table.

    Returns:
        title of each table to the headers that tell its rows apart.
    """
    keys: dict[str, list[str]] = {}
    taken = {*book.sheetnames, "Splits", "Images", "Annotations", "Measures", "Charts", "Chart data", named.ABOUT_SHEET, "Settings"}
    for outcome, title, table in other_tables(run):
        name = sheet_title(title if title not in taken else f"{title} {outcome.code}", taken)
        taken.add(name)
        names = list(table)
        shown = table.take(slice(0, MAX_TABLE_ROWS)).frame
        named_so = [header(table, n) for n in names]
        shown.columns = pd.Index(named_so if len(set(named_so)) == len(named_so) else names, dtype=object)
        shares = [str(h) for h, n in zip(shown.columns, names, strict=True) if is_share(n)]
        headers[name], keys[name] = list(map(str, shown.columns)), distinct_by(shown)
        add_table(book, frame_table(name, with_own_cells(run, name, shown), front, shares=shares), streamed)
    return keys


def _write_left(book: Any, run: Run, streamed: dict[str, Rows], front: Any, headers: dict[str, list[str]],
                keys: dict[str, list[str]]) -> None:
    """Write the columns that a reviewer added to sheets that are there no longer, each on a sheet with their keys."""
    taken = {*book.sheetnames, "Annotations", "Measures", "Charts", "Chart data", named.ABOUT_SHEET, "Settings"}
    for title, own in run.own_cells.items():
        if title not in headers and title != named.ADD_SHEET:
            left = with_own_cells(run, title, pd.DataFrame())
            name = sheet_title(title, taken)
            taken.add(name)
            headers[name] = [str(c) for c in left.columns if c not in own]
            keys |= {} if name in named.KEY_HEADERS else {name: headers[name]}
            add_table(book, frame_table(name, left, front), streamed)


def _relative_base(run: Run, out: Path) -> str | None:
    """Return the way from the workbook's folder to the dataset's root; None where images are not on disk, or not after the run."""
    if not run.info.has_files or as_named(os.fspath(run.info.root)) != os.fspath(run.info.root):
        return None
    try:
        way = os.path.relpath(run.info.root, out.parent)
    except ValueError:  # another drive
        return None
    return "" if way == "." else Path(way).as_posix() + "/"


def _image_frame(run: Run) -> pd.DataFrame:
    """Return the images for people: what is known of each, flags as yes or nothing, no fingerprints of content."""
    images: Any = run.images
    first = [c for c in IMAGE_COLUMNS if c in images.columns]
    rest = [c for c in images.columns if c not in NOT_FOR_PEOPLE and c not in first and not _is_hash(images[c].to_numpy(), c)]
    columns = {}
    for name in (*first, *rest):
        header, noted = FLAGS.get(name, (IMAGE_COLUMNS.get(name, words(str(name))), 1))
        columns[header] = _for_people(images[name].to_numpy(), is_flag=name in FLAGS or str(name).startswith(("is_", "has_")),
                                      noted=noted)
    if "read_error" in images:
        columns["Cannot be read"] = images["read_error"].to_numpy()
    always = {*IMAGE_COLUMNS.values(), *(name for name, _ in FLAGS.values())}
    shown = {k: v for k, v in columns.items() if k in always or not pd.isna(pd.Series(v)).all()}
    return pd.DataFrame({k: pd.Series(v, dtype=v.dtype) for k, v in shown.items()})


def _with_own(frame: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Return the images with the columns that a reviewer added, and below them what stood beside images that are gone."""
    own = own_columns(run, "Images", frame["Image"].tolist(), frame.columns)
    if not own.cells:
        return frame
    wide = frame.assign(**{h: np.array(cells, object) for h, cells in own.cells.items()})
    gone = pd.DataFrame([[name, *values] for name, values in own.gone], columns=["Image", *own.cells], dtype=object)
    return pd.concat([wide, gone], ignore_index=True) if len(gone) else wide


def _is_hash(values: np.ndarray[Any, Any], name: str) -> bool:
    return values.dtype.kind == "u" or str(name).endswith("hash")


def _for_people(values: np.ndarray[Any, Any], *, is_flag: bool, noted: int) -> np.ndarray[Any, Any]:
    """Return flags as `yes` or nothing, other values as they are."""
    if not is_flag and values.dtype.kind != "b":
        return values
    return np.array(["yes" if v == noted else None for v in values.tolist()], object)


def _annotation_frame(run: Run) -> pd.DataFrame:
    """Return the annotations with readable headers; fields of a format follow, but for its masks and polygons."""
    annotations: Any = run.annotations
    fields = [c for c in annotations.columns if ":" in str(c) and not str(c).endswith(":segmentation")]
    names = [*(c for c in ANNOTATION_COLUMNS if c in annotations.columns), *fields]
    frame: pd.DataFrame = annotations[names].rename(columns=ANNOTATION_COLUMNS)
    return frame
