"""Read spreadsheets with a row a box: what stands in the files becomes tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dsinspect.errors import UserError
from dsinspect.io.split_names import SPLIT_NAMES
from dsinspect.io.spreadsheets import Row, Sheet, sheets_of
from dsinspect.protocols.formats import OpenRequest, ShardRef
from dsinspect.tables.columns import Columns, is_given
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import NO_POSITION, Problem, annotation_columns, image_columns, problem_columns
from dsinspect_formats._cuts import cuts_of
from dsinspect_formats._images import ImageTree, by_their_paths, is_image, namesakes, relative
from dsinspect_formats._splits import split_in, split_named
from dsinspect_formats.table._columns import TEXT, Mapped, corners_of, is_report, number, numbers_in, parse_wanted, recognise
from dsinspect_formats.table._looks import Options, _first, _tables_in


def tables_of(root: Path) -> list[Path]:
    """Return the tables of a set.

    Raises:
        UserError: there is none, or there are several whose names are not those of splits.
    """
    if not root.is_dir():
        return [root]
    refused: list[UserError] = []
    tables = _tables_in(root, refused)
    if not tables and refused:
        raise refused[0]
    if not tables:
        raise UserError(f"{root}: no table with boxes is there; where columns are not recognised, name the file and --columns")
    if len(tables) > 1 and not all(map(_split_of, tables)):
        names = ", ".join(relative(t, root) for t in tables[:5])
        raise UserError(f"{root}: holds {len(tables)} tables ({names}), and their names are not those of splits; name one of them")
    return tables


def _split_of(table: Path) -> str | None:
    return split_in(table.stem) or split_named(table.parent.name)


@dataclass
class _Collected:
    """Rows of a table on their way into columns."""

    images: dict[str, int] = field(default_factory=dict)
    sizes: list[tuple[float, float]] = field(default_factory=list)
    splits: list[str | None] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    image_rows: list[int] = field(default_factory=list)
    categories: list[str | None] = field(default_factory=list)
    box_lines: list[int] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    ids: list[int | None] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class TableSource:
    """An opened table, or several as splits; their rows are in memory, and shards are cuts of them."""

    def __init__(self, paths: Sequence[Path], request: OpenRequest, options: Options) -> None:
        base = request.root if request.root.is_dir() else request.root.parent
        tree = ImageTree.below(request.images or base)
        images, annotations, problems, boxes, notes, first = [], [], [], [], [], 0
        for path in paths:
            sheet, mapped = _choose(path, options)
            source = relative(path, base)
            collected = _collect(sheet, mapped, source, options, _split_of(path) if len(paths) > 1 else None)
            if not collected.images and not collected.problems and len(paths) == 1:
                raise UserError(f"{path}: the table holds no row")
            table, told = _image_table(collected, source, tree, base)
            ids = np.arange(first, first + len(table))
            images.append(table.with_columns({"image_id": ids}))
            rows = _annotation_table(collected, source)
            moved = rows["image_row"] + first
            annotations.append(rows.with_columns({"image_row": moved, "image_id": moved}))
            problems += [*collected.problems, *told]
            boxes.append(np.array(collected.boxes, np.float64).reshape(-1, 4))
            notes.append(_note(mapped, source if len(paths) > 1 else "", options))
            first += len(table)
        self._images, self._annotations = Columns.concat(images), Columns.concat(annotations)
        used = set(self._images["file"].tolist())
        self._problems = problem_columns([p for p in by_their_paths(dict.fromkeys(problems), self._images)
                                          if p.kind != "orphan-image" or str(tree.folder / p.source) not in used])
        edges = np.concatenate(boxes)
        is_fraction = len(edges) > 0 and bool(np.nanmax(np.abs(np.where(np.isfinite(edges), edges, 0))) <= 1.5)
        self.info = DatasetInfo(
            format="table", root=base, splits=tuple(dict.fromkeys(s for s in self._images["split"].tolist() if s is not None)),
            box_units="fraction" if is_fraction else "px", notes=tuple(dict.fromkeys(notes)),
            problems=tuple(namesakes(tree, self._images["file"].tolist())), has_files=bool(is_given(self._images["file"]).any()))

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the tables by images."""
        return cuts_of(self._images, self._annotations, self._problems, size)


def _note(mapped: Mapped, source: str, options: Options) -> str:
    """Return which columns are read as what, and what was guessed."""
    shown = ", ".join(f"{f} = column {k + 1}" for f, k in sorted(mapped.columns.items(), key=lambda c: c[1]))
    guess = ""
    if mapped.box == TEXT:
        guess = f"; boxes in one cell are read as {', '.join(options.bbox)} (--set table.bbox)"
    return f"columns read{f' of {source}' if source else ''}: {shown}{guess}"


def _choose(path: Path, options: Options) -> tuple[Sheet, Mapped]:
    sheet, mapped = _chosen(path, options)
    if "category" not in mapped.columns and not options.one_class:
        head = next((r.values for r in sheet.rows() if r.number == mapped.header_row), ())
        names = ", ".join(str(v) for v in head if v is not None)
        raise UserError(f"{path}: no column for the class recognised among {names}; name it with --columns category=COLUMN, or "
                        "give all boxes one with --set table.one_class=NAME")
    return sheet, mapped


def _chosen(path: Path, options: Options) -> tuple[Sheet, Mapped]:
    sheets = sheets_of(path)
    if options.sheet:
        sheets = [s for s in sheets if s.name == options.sheet]
        if not sheets:
            raise UserError(f"{path}: no sheet {options.sheet!r}")
    if any(is_report(_first(sheet)) for sheet in sheets):
        raise UserError(f"{path}: is a report of dsinspect, and no dataset; name the dataset that it is about")
    wanted = parse_wanted(options.columns)
    told: UserError | None = None
    for sheet in sheets:
        try:
            mapped = recognise(_first(sheet), wanted)
        except UserError as e:
            told = told or UserError(f"{path}: {e}")
            continue
        if mapped:
            return sheet, mapped
    raise told or UserError(f"{path}: no column for the image and the four edges of a box recognised; "
                            "name them with --columns image=...,x_min=...,y_min=...,x_max=...,y_max=...")


def _collect(sheet: Sheet, mapped: Mapped, source: str, options: Options, own_split: str | None = None) -> _Collected:
    collected = _Collected()
    index = NO_POSITION
    longer: list[Problem] = []
    width = _named_cells(sheet, mapped)
    for row in sheet.rows():
        is_record = row.number > mapped.header_row
        index += is_record
        if row.fault:
            collected.problems.append(_malformed(row.fault, row, index, mapped, source))
        if row.fault or not is_record:
            continue
        try:
            _take(row, index, mapped, collected, options, own_split)
        except ValueError as e:
            collected.problems.append(_malformed(str(e), row, index, mapped, source))
        if width is not None and len(row.values) > width:
            longer.append(_malformed(f"has {len(row.values)} cells under {width} names: a line end or a quote may be missing", row,
                                     index, mapped, source))
    if 2 * len(longer) <= index + 1:  # else the table is like that
        collected.problems += longer
    return collected


def _named_cells(sheet: Sheet, mapped: Mapped) -> int | None:
    """Return how many cells of a row of a CSV file have names; None in a workbook, where people write notes beside a table."""
    if sheet.kind != "csv" or not mapped.header_row:
        return None
    return next((len(r.values) for r in sheet.rows() if r.number == mapped.header_row), None)


def _malformed(reason: str, row: Row, index: int, mapped: Mapped, source: str) -> Problem:
    image = _cell(row, mapped, "image")
    text = ", ".join("" if v is None else str(v) for v in row.values)
    return Problem("malformed-record", source, reason, text, row.number, index, None if image is None else str(image), None)


def _take(row: Row, index: int, mapped: Mapped, out: _Collected, options: Options, own_split: str | None) -> None:
    """Add one row; raises ValueError, in words, when it cannot be used."""
    image = _cell(row, mapped, "image")
    if image in (None, ""):
        raise ValueError("names no image")
    name = str(int(image)) if isinstance(image, float) and image.is_integer() else str(image)
    count = len(row.values)
    edges = [row.values[k] if k < count else None for k in mapped.box_columns]
    box = None
    values = _plain_numbers(edges) if mapped.box != TEXT else None
    if values is not None or any(e not in (None, "") for e in edges):
        if values is None:
            values = numbers_in(edges[0]) if mapped.box == TEXT else []
        for label, edge in zip(mapped.box, edges, strict=True) if not values else ():
            try:
                values.append(number(edge))
            except ValueError as e:
                raise ValueError(f"{label} is empty" if edge in (None, "") else f"{label}: {e}") from None
        box = corners_of(values, mapped.box, is_corners=options.bbox == "xyxy")
    split = _cell(row, mapped, "split")
    split = own_split if split is None else SPLIT_NAMES.get(str(split).strip().lower(), split)
    key = name if split is None else f"{split}\0{name}"
    if key not in out.images:
        sizes = []
        for side in ("image_width", "image_height"):
            value = _cell(row, mapped, side)
            try:
                sizes.append(math.nan if value in (None, "") else number(value))
            except ValueError as e:
                raise ValueError(f"{side}: {e}") from None
        out.images[key] = len(out.images)
        out.sizes.append((sizes[0], sizes[1]))
        out.splits.append(None if split is None else str(split))
        out.lines.append(row.number)
    if box is None:
        return
    category = _cell(row, mapped, "category") if "category" in mapped.columns else options.one_class
    if isinstance(category, float) and category.is_integer():
        category = int(category)
    own = _cell(row, mapped, "annotation_id")
    out.boxes.append(box)
    out.image_rows.append(out.images[key])
    out.categories.append(None if category is None else str(category))
    out.box_lines.append(row.number)
    out.indices.append(index)
    out.ids.append(int(own) if isinstance(own, (int, float)) and float(own).is_integer() else None)


def _plain_numbers(cells: Sequence[Any]) -> list[float] | None:
    """Return the numbers of cells that are plain texts, as those of a CSV file nearly always are; None of any others."""
    try:
        if "".join(cells).isascii():
            return list(map(float, cells))
    except (TypeError, ValueError):
        pass
    return None


def _cell(row: Row, mapped: Mapped, name: str) -> Any:
    column = mapped.columns.get(name)
    return row.values[column] if column is not None and column < len(row.values) else None


def _image_table(collected: _Collected, source: str, tree: ImageTree, base: Path) -> tuple[Columns, list[Problem]]:
    names = [key.rpartition("\0")[2] for key in collected.images]
    paths, files, problems = [], [], []
    for name, split, line in zip(names, collected.splits, collected.lines, strict=True):
        posix = name.replace("\\", "/")
        folder = "" if "/" not in source else source.rpartition("/")[0] + "/"
        found = tree.find(posix, [folder, "", "images/", f"{split}/", f"images/{split}/"]) if tree.paths else None
        if found is None and not is_image(posix):  # a name without suffix
            stems = tree.by_stem.get(posix.rpartition("/")[2], [])
            found = stems[0] if len(stems) == 1 else None
        shown = posix if found is None else relative(tree.folder / found, base)
        if "\\" in name or posix.startswith("/") or posix[1:3] == ":/" or ".." in posix.split("/"):
            problems.append(Problem("unportable-path", source, "is absolute, leads outside or has backslashes", name,
                                    line, image=shown, split=split))
        paths.append(shown)
        files.append(None if found is None else tree.open_path(found))
    used = {f for f in files if f is not None}
    folders = {f.rpartition("/")[0] for f in used}
    for file in map(tree.open_path, tree.paths):
        if file not in used and file.rpartition("/")[0] in folders:
            shown = relative(file, base)
            problems.append(Problem("orphan-image", shown, "no row names this image", image=shown))
    n = len(names)
    sizes = np.array(collected.sizes, np.float64).reshape(-1, 2)
    return image_columns(
        n, image_id=np.arange(n), path=paths, declared_path=names, file=files, width=sizes[:, 0], height=sizes[:, 1],
        split=collected.splits, source=source, line=np.array(collected.lines, np.int64)), problems


def _annotation_table(collected: _Collected, source: str) -> Columns:
    rows = np.array(collected.image_rows, np.int64)
    order = np.argsort(rows, kind="stable")

    def sorted_texts(values: Sequence[Any]) -> Iterator[Any]:
        return (values[k] for k in order.tolist())

    boxes = np.array(collected.boxes, np.float64).reshape(-1, 4)[order]
    ids = [k if i is None else i for k, i in zip(collected.indices, collected.ids, strict=True)]
    extra: Mapping[str, Any] = {}
    return annotation_columns(
        len(rows), annotation_id=np.array(ids, np.int64)[order], image_id=rows[order], image_row=rows[order],
        category=list(sorted_texts(collected.categories)), x_min=boxes[:, 0], y_min=boxes[:, 1], x_max=boxes[:, 2],
        y_max=boxes[:, 3], source=source, line=np.array(collected.box_lines, np.int64)[order],
        index=np.array(collected.indices, np.int64)[order], **extra)
