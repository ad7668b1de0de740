"""Datasets as spreadsheets: .csv, .tsv, .xlsx and .xls, one row a box; an empty box makes a background image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from dsinspect.errors import UserError
from dsinspect.io.spreadsheets import Row, Sheet, kind_of, sheets_of
from dsinspect.protocols.formats import Detection, Format, OpenRequest, Patch, ShardRef
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.tables.columns import Columns, is_given
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import Problem, annotation_columns, image_columns, problem_columns
from dsinspect_formats._images import ImageTree, relative
from dsinspect_formats._sniffing import head
from dsinspect_formats.table._columns import Mapped, number, parse_wanted, recognise

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits

SUFFIXES = (".csv", ".tsv", ".xlsx", ".xlsm", ".xls")
LOOK_AHEAD = 25
"""Rows among which the header is looked for: titles and notes may stand above it."""


COUNTED = 10_000


class Options(BaseOptions, frozen=True):
    """How a table is read."""

    columns: Annotated[str | dict[str, str], option("FIELD=COLUMN,... where names are not recognised")] = ""
    sheet: Annotated[str, option("name of the sheet; else the first that holds boxes")] = ""


class Table(Format):
    """Spreadsheets and CSV files with one row a box."""

    name = "table"
    writable = True
    patchable = True
    no_place = frozenset(("set-area", "drop-polygon", "mark-as-crowd"))
    options_type = Options

    def detect(self, root: Path) -> Detection | None:
        """Look for a table whose header (or RetinaNet-like rows) is understood."""
        if root.is_file():
            if kind_of(root) is None or root.suffix.lower() in (".json", ".xml", ".yaml", ".yml", ".data"):
                return None
            if root.suffix.lower() in SUFFIXES:
                return Detection(0.9, f"{root.name} is a table")
            return Detection(0.6, f"{root.name} holds a row a box") if _understood(root) else None
        tables = _tables_in(root)
        if len(tables) == 1:
            return Detection(0.85, f"{tables[0].name} holds a row a box", _rows_of(tables[0]), tables[0].name)
        return None

    def open(self, request: OpenRequest) -> TableSource:
        """Read the table.

        Raises:
            UserError: no table, several of them, or no sheet with boxes.
        """
        path = request.root
        if path.is_dir():
            tables = _tables_in(path)
            if len(tables) != 1:
                names = ", ".join(t.name for t in tables) or "none"
                raise UserError(f"{path}: one table with boxes is due there; found: {names}; name the file")
            path = tables[0]
        options = request.options if isinstance(request.options, Options) else Options()
        return TableSource(path, request, options)

    def place(self, path: str, split: str | None) -> str:
        """Return the image's own path."""
        from dsinspect.io.containment import inside

        return inside(path)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.table._writing import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.table._patching import patch

        return patch(request, edits)


def _tables_in(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    return [p for p in files[:20] if _understood(p)]


def _rows_of(path: Path) -> int:
    """Return about how many rows a table has: of a text by its size, of a workbook the first `COUNTED` at most."""
    if kind_of(path) == "csv":
        content = head(path)
        return round(content.count(b"\n") * path.stat().st_size / max(len(content), 1)) - 1
    return sum(1 for sheet in sheets_of(path) for _ in islice(sheet.rows(), COUNTED)) - 1


def _understood(path: Path) -> bool:
    try:
        return any(recognise(_first(sheet), {}) for sheet in sheets_of(path))
    except UserError:
        return False


def _first(sheet: Sheet) -> list[tuple[int, list[Any]]]:
    return [(row.number, row.values) for row in islice(sheet.rows(), LOOK_AHEAD)]


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
    """An opened table; its rows are in memory, and shards are cuts of them."""

    def __init__(self, path: Path, request: OpenRequest, options: Options) -> None:
        sheet, mapped = _choose(path, options)
        collected = _collect(sheet, mapped, path.name)
        if not collected.images and not collected.problems:
            raise UserError(f"{path}: the table holds no row")
        base = path.parent
        tree = ImageTree.below(request.images or base)
        self._images, problems = _image_table(collected, path.name, tree, base)
        self._annotations = _annotation_table(collected, path.name)
        self._problems = problem_columns([*collected.problems, *problems])
        boxes = np.array(collected.boxes, np.float64).reshape(-1, 4)
        is_fraction = len(boxes) > 0 and bool(np.nanmax(np.abs(np.where(np.isfinite(boxes), boxes, 0))) <= 1.5)
        shown = ", ".join(f"{f} = column {k + 1}" for f, k in sorted(mapped.columns.items(), key=lambda c: c[1]))
        self.info = DatasetInfo(
            format="table", root=base, splits=tuple(dict.fromkeys(s for s in collected.splits if s is not None)),
            box_units="fraction" if is_fraction else "px", notes=(f"columns read: {shown}",),
            has_files=bool(is_given(self._images["file"]).any()))

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the tables by images."""
        rows = self._annotations["image_row"]
        refs: list[ShardRef] = []
        for start in range(0, len(self._images), size) or [0]:
            low, high = np.searchsorted(rows, [start, start + size])
            annotations = self._annotations.take(slice(low, high))
            annotations = annotations.with_columns({"image_row": annotations["image_row"] - start})
            images = self._images.take(slice(start, start + size))
            refs.append(TableShard(Shard(images, annotations, self._problems if start == 0 else None)))
        return refs


@dataclass(frozen=True)
class TableShard:
    """A cut of the tables."""

    shard: Shard

    def load(self) -> Shard:
        """Return the cut."""
        return self.shard


def _choose(path: Path, options: Options) -> tuple[Sheet, Mapped]:
    sheets = sheets_of(path)
    if options.sheet:
        sheets = [s for s in sheets if s.name == options.sheet]
        if not sheets:
            raise UserError(f"{path}: no sheet {options.sheet!r}")
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


def _collect(sheet: Sheet, mapped: Mapped, source: str) -> _Collected:
    collected = _Collected()
    for index, row in enumerate(r for r in sheet.rows() if r.number > mapped.header_row):
        try:
            _take(row, index, mapped, collected)
        except ValueError as e:
            text = ", ".join("" if v is None else str(v) for v in row.values)
            image = _cell(row, mapped, "image")
            collected.problems.append(Problem(
                "malformed-record", source, str(e), text, row.number, index,
                None if image is None else str(image), None))
    return collected


def _take(row: Row, index: int, mapped: Mapped, out: _Collected) -> None:
    """Add one row; raises ValueError, in words, when it cannot be used."""
    image = _cell(row, mapped, "image")
    if image in (None, ""):
        raise ValueError("names no image")
    name = str(int(image)) if isinstance(image, float) and image.is_integer() else str(image)
    edges = [_cell(row, mapped, f) for f in mapped.box]
    box = None
    if any(e not in (None, "") for e in edges):
        values = []
        for label, edge in zip(mapped.box, edges, strict=True):
            try:
                values.append(number(edge))
            except ValueError as e:
                raise ValueError(f"{label} is empty" if edge in (None, "") else f"{label}: {e}") from None
        x, y, a, b = values
        box = (x, y, a, b) if mapped.box[2] == "x_max" else (x, y, x + a, y + b)
    split = _cell(row, mapped, "split")
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
    category = _cell(row, mapped, "category")
    if isinstance(category, float) and category.is_integer():
        category = int(category)
    own = _cell(row, mapped, "annotation_id")
    out.boxes.append(box)
    out.image_rows.append(out.images[key])
    out.categories.append(None if category is None else str(category))
    out.box_lines.append(row.number)
    out.indices.append(index)
    out.ids.append(int(own) if isinstance(own, (int, float)) and float(own).is_integer() else None)


def _cell(row: Row, mapped: Mapped, name: str) -> Any:
    column = mapped.columns.get(name)
    return row.values[column] if column is not None and column < len(row.values) else None


def _image_table(collected: _Collected, source: str, tree: ImageTree, base: Path) -> tuple[Columns, list[Problem]]:
    names = [key.rpartition("\0")[2] for key in collected.images]
    paths, files, problems = [], [], []
    for name, split, line in zip(names, collected.splits, collected.lines, strict=True):
        posix = name.replace("\\", "/")
        found = tree.find(posix, ["", "images/", f"{split}/", f"images/{split}/"]) if tree.paths else None
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
