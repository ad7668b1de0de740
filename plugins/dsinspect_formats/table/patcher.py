"""Edit tables without loss: cells and rows of CSV texts, cells and rows of .xlsx workbooks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dsinspect.errors import UserError
from dsinspect.io.reading import read_regular
from dsinspect.io.split_names import SPLIT_NAMES
from dsinspect.io.spreadsheets import Sheet, kind_of
from dsinspect.protocols.edits import LATER_ACTIONS, Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import Box, CategoryPlan, Change, Changes, Wanted, any_of, is_dropped
from dsinspect_formats._images import ImageTree, relative
from dsinspect_formats._splicing import extent_text, number_text
from dsinspect_formats.table._columns import CORNERS, SIDES, Mapped, number
from dsinspect_formats.table._grids import BookGrid, CsvGrid, Grid
from dsinspect_formats.table._looks import Options
from dsinspect_formats.table.reader import TableSource, _choose, _collect, _Collected, _image_table, _split_of, tables_of


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`.

    The last row of an image stays when its box is dropped: its box and category are emptied, which makes the image a
    background. `set-field` writes the cell of the column of that name; categories are those in use, so `add-category` changes
    nothing. `add-box` fills the row of a background; else it adds a row at the end, with the image's own cells.

    An .xlsx is loaded and saved with openpyxl, which keeps values, formulas, styles, widths, validations, comments,
    charts it can read, images and (as they are) macros, but not: the stored results of formulas, shapes and text
    boxes, slicers, pivot caches, form controls, rich text within a cell, and what else it does not know. Formulas and
    merged cells below a dropped row are not moved. It is left alone when no edit changes a value.
    """
    if not len(edits):
        return
    changes = Changes.of(edits, "table", own.no_place, LATER_ACTIONS - own.no_place)
    source = own.open(request)
    assert isinstance(source, TableSource)
    tables = _opened(request)
    names = {table.name for table in tables}
    for key in (*(source for source, _ in changes.records), *changes.files):
        if key not in names:
            raise next(_changes_at(changes, key)).wrong("no such file in the set")
    shown = {path for table in tables for path in table.path_of.values()}
    for path in (*changes.images, *changes.boxes):
        if path not in shown:
            raise (any_of(changes.images[path]) if path in changes.images else changes.boxes[path][0]).wrong(
                "no row names such an image")
    used = {c for table in tables for c in table.collected.categories if c is not None}
    boxes = dict(changes.boxes)
    for table in tables:
        mine = replace(
            changes, records={k: w for k, w in changes.records.items() if k[0] == table.name}, files={},
            images={p: dict(w) for p, w in changes.images.items() if p in table.path_of.values()},
            boxes={p: boxes.pop(p) for p in list(boxes) if p in table.path_of.values()})
        to_utf8 = changes.files.get(table.name)
        if len(tables) > 1 and not (mine.records or mine.images or mine.boxes or mine.categories or mine.everywhere or to_utf8):
            continue
        before = read_regular(table.sheet.path)
        after = _edited(table, before, mine, used, to_utf8, is_fraction=source.info.box_units == "fraction")
        if after != before:
            yield Patch(table.name, before, after)


@dataclass
class _Table:
    """A table of the set as its reader sees it.

    Attributes:
        name: relative to the root.
        sheet: that holds the rows.
        mapped: its columns.
        split: that its name says, where there are several tables.
        collected: its rows.
        path_of: path by key of the image.
    """

    name: str
    sheet: Sheet
    mapped: Mapped
    split: str | None
    collected: _Collected
    path_of: dict[str, str]


def _opened(request: OpenRequest) -> list[_Table]:
    options = request.options if isinstance(request.options, Options) else Options()
    paths = tables_of(request.root)
    base = request.root if request.root.is_dir() else request.root.parent
    tree = ImageTree.below(request.images or base)
    tables = []
    for path in paths:
        name = relative(path, base)
        sheet, mapped = _choose(path, options)
        split = _split_of(path) if len(paths) > 1 else None
        collected = _collect(sheet, mapped, name, options, split)
        images = _image_table(collected, name, tree, base)[0]["path"].tolist()
        tables.append(_Table(name, sheet, mapped, split, collected, {key: images[k] for key, k in collected.images.items()}))
    return tables


def _changes_at(changes: Changes, name: str) -> Iterator[Change]:
    """Yield the edits of a file."""
    if name in changes.files:
        yield changes.files[name]
    yield from (any_of(w) for (source, _), w in changes.records.items() if source == name)


def _edited(table: _Table, before: bytes, changes: Changes, used: set[str], to_utf8: Change | None, *, is_fraction: bool) -> bytes:
    """Return the bytes of a table with its edits."""
    kind = kind_of(table.sheet.path)
    if kind == "xls":
        raise UserError(f"{table.sheet.path}: .xls files are read, not written; save it as .xlsx or .csv")
    if kind == "xlsx":
        if to_utf8 is not None:
            raise to_utf8.wrong("a workbook is no text")
        book = BookGrid(before, table.sheet, table.mapped, table.name)
        _Patcher(table, changes, used, book, is_fraction=is_fraction).apply()
        return book.saved() if book.is_changed else before
    grid = CsvGrid(before, table.mapped, table.name)
    _Patcher(table, changes, used, grid, is_fraction=is_fraction).apply()
    return grid.saved(plain=to_utf8 is not None)


class _Patcher:
    """The table as read, and the edits applied to its records."""

    def __init__(self, table: _Table, changes: Changes, used: set[str], grid: Grid, *, is_fraction: bool) -> None:
        self.table = table
        self.mapped = table.mapped
        self.columns = table.mapped.columns
        self.grid = grid
        self.changes = changes
        self.is_fraction = is_fraction
        collected = table.collected
        self.path_of = table.path_of
        self.keys = [self._key(k) for k in range(grid.count)]
        self.category_of = dict(zip(collected.indices, collected.categories, strict=True))
        self.faulty = {p.index for p in collected.problems}
        self.records = changes.by_source().get(table.name, {})
        self.plan = CategoryPlan.of(changes.categories, used, [c for c in changes.new_categories if c.category not in used])
        self.free = 1 + max((int(i) for i in map(self._id, range(grid.count)) if i is not None), default=0)

    def apply(self) -> None:
        """Check all edits, then change the grid."""
        self._check()
        gone = {path for path, wanted in self.changes.images.items() if "drop-image" in wanted}
        rows_left: dict[str, int] = {}
        dropped: set[int] = set()
        for k, key in enumerate(self.keys):
            path = self.path_of.get(key or "")
            wanted = self.records.get(k, {})
            if path in gone:
                dropped.add(k)
                self.grid.drop(k)
            elif is_dropped(wanted) or self.category_of.get(k) in self.plan.dropped:
                dropped.add(k)
            if k not in dropped and key is not None:
                rows_left[key] = rows_left.get(key, 0) + 1
        for k, key in enumerate(self.keys):
            path = self.path_of.get(key or "")
            if path in gone:
                continue
            if k in dropped:
                if key is not None and key in self.path_of and not rows_left.get(key):
                    rows_left[key] = 1
                    self._empty(k)
                else:
                    self.grid.drop(k)
                    continue
            else:
                self._record(k, self.records.get(k, {}))
            if path is not None and path in self.changes.images:
                self._image(k, self.changes.images[path])
        for path, boxes in self.changes.boxes.items():
            self._boxes(path, boxes, dropped)

    def _boxes(self, path: str, boxes: list[Change], dropped: set[int]) -> None:
        """Add boxes to an image: into its empty rows, then into new ones."""
        own = [k for k, key in enumerate(self.keys) if key is not None and self.path_of.get(key) == path]
        empty = [k for k in own if k not in self.category_of and k not in dropped and k not in self.faulty]
        for change in boxes:
            record = empty.pop(0) if empty else self.grid.add()
            if record not in own:
                for name in ("image", "split", "image_width", "image_height"):
                    value = self._cell(own[0], name)
                    if value not in (None, ""):
                        self.grid.set(record, self.columns[name], value)
            if "category" in self.columns:
                self.grid.set(record, self.columns["category"], self.plan.final(self.plan.target(change)))
            if "annotation_id" in self.columns and self._id(own[0]) is not None:
                self._number(record, "annotation_id", str(self.free), as_number=self._is_number(own[0], "annotation_id"))
                self.free += 1
            box = self._edges(change)
            model = next(iter(self.category_of), own[0])
            for axis in (0, 1):
                low, high = self.mapped.box[axis], self.mapped.box[axis + 2]
                is_corner = self.mapped.box == CORNERS
                self._number(record, low, number_text(box[axis]), as_number=self._is_number(model, low))
                self._number(record, high, number_text(box[axis + 2]) if is_corner else extent_text(box[axis], box[axis + 2]),
                             as_number=self._is_number(model, high))

    def _id(self, record: int) -> int | None:
        try:
            value = number(self._cell(record, "annotation_id"))
        except ValueError:
            return None
        return int(value) if value == value and float(value).is_integer() else None

    def _is_number(self, record: int, name: str) -> bool:
        return not isinstance(self._cell(record, name), str)

    def _key(self, record: int) -> str | None:
        image = self._cell(record, "image")
        if image in (None, ""):
            return None
        name = str(int(image)) if isinstance(image, float) and image.is_integer() else str(image)
        split = self._cell(record, "split")
        if split in (None, ""):
            return name if self.table.split is None else f"{self.table.split}\0{name}"
        return f"{SPLIT_NAMES.get(str(split).strip().lower(), split)}\0{name}"

    def _cell(self, record: int, name: str) -> Any:
        return self.grid.get(record, self.columns[name]) if name in self.columns else None

    def _check(self) -> None:
        if self.changes.everywhere:
            raise self.changes.everywhere[0].wrong("the edit names no record of the file")
        for (_, index), wanted in self.changes.records.items():
            change = any_of(wanted)
            if index not in self.category_of and not ("drop-record" in wanted and 0 <= index < self.grid.count):
                raise change.wrong("no such row with a box that can be read")
            for each in () if is_dropped(wanted) else wanted.values():
                self._check_record(each)
        for wanted in self.changes.images.values():
            if "set-image-size" in wanted:
                wanted["set-image-size"].size_wh()
                if not {"image_width", "image_height"} <= set(self.columns):  # nothing is declared, so nothing is wrong
                    del wanted["set-image-size"]
        for path, boxes in self.changes.boxes.items():
            for change in boxes:
                if "drop-image" in self.changes.images.get(path, {}):
                    raise change.wrong("another edit drops the image")
                self.plan.target(change)
                self._edges(change)
        if self.changes.categories:
            self._needs(any_of(next(iter(self.changes.categories.values()))), "category")

    def _check_record(self, change: Change) -> None:
        if change.action == "set-box":
            self._edges(change)
        elif change.action == "set-category":
            self._needs(change, "category")
            self.plan.target(change)
        elif change.action == "set-annotation-id":
            self._needs(change, "annotation_id")
            change.whole_number()
        elif change.action == "set-field":
            name, value = change.field()
            if name not in self.grid.header:
                raise change.wrong(f"no column {name!r}; there are {', '.join(str(h) for h in self.grid.header if h)}")
            if isinstance(value, (list, dict)):
                raise change.wrong("a cell holds one value")

    def _needs(self, change: Change, *fields: str) -> None:
        missing = [f for f in fields if f not in self.columns]
        if missing:
            raise change.wrong(f"the table has no column for {' and '.join(missing)}")

    def _edges(self, change: Change) -> Box:
        box = change.finite_box()
        if self.mapped.box not in (CORNERS, SIDES):
            raise change.wrong("boxes of centres, or in one cell, are read and not edited; convert the table with --to table first")
        if not self.is_fraction:
            return box
        w, h = change.frame_wh
        if not (w > 0 and h > 0):
            raise change.wrong("the size of the image is not known, and the table holds fractions of it")
        return box[0] / w, box[1] / h, box[2] / w, box[3] / h

    def _record(self, record: int, wanted: Mapping[str, Change]) -> None:
        name = self.category_of.get(record)
        target = self.plan.target(wanted["set-category"]) if "set-category" in wanted else name
        final = self.plan.final(target) if target in self.plan.declared else target
        if final != name and final is not None:
            self.grid.set(record, self.columns["category"], final)
        for change in wanted.values():
            if change.action == "set-box":
                self._box(record, self._edges(change))
            elif change.action == "set-annotation-id":
                self._number(record, "annotation_id", str(change.whole_number()))
            elif change.action == "set-field":
                column, value = change.field()
                self.grid.set(record, self.grid.header.index(column), value)

    def _box(self, record: int, box: Box) -> None:
        names = self.mapped.box
        old = [number(self._cell(record, f)) for f in names]
        texts = [_plain_text(self._cell(record, f)) for f in names]
        for axis in (0, 1):
            low, high = box[axis], box[axis + 2]
            is_corner = names == CORNERS
            old_high = old[axis + 2] if is_corner else old[axis] + old[axis + 2]
            tolerance = 1e-9 if self.is_fraction else 0.0
            low_stays, high_stays = abs(low - old[axis]) <= tolerance, abs(high - old_high) <= tolerance
            if not low_stays:
                self._number(record, names[axis], number_text(low, texts[axis]))
            if not high_stays or not (low_stays or is_corner):
                self._number(record, names[axis + 2], number_text(high, texts[axis + 2]) if is_corner else extent_text(
                    old[axis] if low_stays else low, high, texts[axis + 2]))

    def _number(self, record: int, name: str, text: str, *, as_number: bool = False) -> None:
        """Write a number, as text where the cell holds text, with its decimal comma where it has one.

        Args:
            record: position.
            name: of the field.
            text: of the number.
            as_number: what an empty cell gets in a workbook.
        """
        old = self._cell(record, name)
        try:
            if number(old) == float(text):
                return
        except ValueError:
            pass
        value: Any = text
        if not isinstance(old, str) and not isinstance(self.grid, CsvGrid):
            value = json.loads(text) if as_number or old is not None else text
        elif isinstance(old, str) and "," in old and "." not in old:
            value = text.replace(".", ",")
        self.grid.set(record, self.columns[name], value)

    def _empty(self, record: int) -> None:
        for name in (*self.mapped.box, "category", "annotation_id"):
            if name in self.columns and self._cell(record, name) not in (None, ""):
                self.grid.set(record, self.columns[name], None)

    def _image(self, record: int, wanted: Wanted) -> None:
        if "set-image-size" in wanted:
            for name, text in zip(("image_width", "image_height"), wanted["set-image-size"].size_wh(), strict=True):
                self._number(record, name, text)
        if "set-path" in wanted:
            change = wanted["set-path"]
            self.grid.set(record, self.columns["image"], change.image if change.text is None else change.text)


def _plain_text(value: Any) -> str:
    text = repr(value) if isinstance(value, (int, float)) else str(value)
    return text.replace(",", ".")
