"""Datasets as spreadsheets: .csv, .tsv, .xlsx and .xls, one row a box; an empty box makes a background image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError
from dsinspect.protocols.edits import ROW_ACTIONS
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect_formats._images import relative
from dsinspect_formats.table._looks import SUFFIXES, Options, _rows_of, _tables_in, _understood

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits
    from dsinspect_formats.table.reader import TableSource


def _counted(table: Path) -> int | None:
    """Return about how many rows a table has; None of one that cannot be opened, which opening then says."""
    try:
        return _rows_of(table)
    except UserError:
        return None


class Table(Format):
    """Spreadsheets and CSV files with one row a box."""

    name = "table"
    also_called = ("csv", "excel", "xlsx", "xls", "tsv", "spreadsheet", "retinanet", "vott-csv")
    facts = Facts(
        recognised=".csv, .tsv, .xlsx or .xls with columns for the image and for the edges of a box, or RetinaNet's rows without "
                   "header; which columns are read as what is said",
        read="one row a box in corners, sides or centre, or one cell with four numbers; sizes, splits, ids; a row with an "
             "empty box is a background image; VoTT's and TensorFlow's CSV among them",
        kept="other columns, quoting, styles and formulas of workbooks, order of rows",
        written="`annotations.csv` with image, corners and class",
        assumed="corners as they stand; numbers that are all at most 1.5 are fractions of the image as displayed; four numbers in "
                "one cell are x, y, width and height (`table.bbox`)")
    writable = True
    patchable = True
    no_place = ROW_ACTIONS | {"set-area", "drop-polygon", "mark-as-crowd"}
    options_type = Options

    def detect(self, root: Path) -> Detection | None:
        """Look for a table whose header (or RetinaNet-like rows) is understood."""
        if root.is_file():
            if root.suffix.lower() in (".json", ".xml", ".yaml", ".yml", ".data"):
                return None
            from dsinspect.io.spreadsheets import kind_of

            if kind_of(root) is None:
                return None
            if root.suffix.lower() in SUFFIXES:
                return Detection(0.9, f"{root.name} is a table", _counted(root))
            return Detection(0.6, f"{root.name} holds a row a box", _counted(root)) if _understood(root) else None
        refused: list[UserError] = []
        tables = _tables_in(root, refused)
        if not tables:
            # Opening says which limit stops a table that would be one; beside another format it counts for nothing.
            beyond = any("--read-limit" in str(e) for e in refused)
            return Detection(0.1, "a table is larger than what is read") if beyond else None
        names = [relative(t, root) for t in tables]
        what = f"{names[0]} holds a row a box" if len(tables) == 1 else f"{', '.join(names[:5])} hold a row a box"
        return Detection(0.85, what, sum(map(_rows_of, tables)), names[0] if len(names) == 1 else None)

    def open(self, request: OpenRequest) -> TableSource:
        """Read the table, or several whose names say which splits they are.

        Raises:
            UserError: no table, several that are no splits, no sheet with boxes, or no column for the class.
        """
        from dsinspect_formats.table.reader import TableSource, tables_of

        options = request.options if isinstance(request.options, Options) else Options()
        return TableSource(tables_of(request.root), request, options)

    def place(self, path: str, split: str | None) -> str:
        """Return the image's own path."""
        from dsinspect.io.containment import inside, plain

        return plain(inside(path))

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.table.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits without loss."""
        from dsinspect_formats.table.patcher import patch

        return patch(self, request, edits)
