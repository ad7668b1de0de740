"""How tables of boxes are recognised, and the options of reading them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from dsinspect.errors import UserError
from dsinspect.protocols.options import BaseOptions, option
from dsinspect_formats._sniffing import head, names_in
from dsinspect_formats._splits import split_named

if TYPE_CHECKING:
    from dsinspect.io.spreadsheets import Sheet

SUFFIXES = (".csv", ".tsv", ".xlsx", ".xlsm", ".xls")
LOOK_AHEAD = 25
"""Rows among which the header is looked for: titles and notes may stand above it."""
COUNTED = 10_000


class Options(BaseOptions, frozen=True):
    """How a table is read."""

    columns: Annotated[str | dict[str, str], option("FIELD=COLUMN,... where names are not recognised")] = ""
    sheet: Annotated[str, option("name of the sheet; else the first that holds boxes")] = ""
    bbox: Annotated[Literal["xywh", "xyxy"], option("what the four numbers of a box in one cell are", source="COCO")] = "xywh"
    one_class: Annotated[str, option("class of all boxes, where the table has no column for it")] = ""


def _tables_in(folder: Path, refused: list[UserError] | None = None) -> list[Path]:
    """Return the tables in a folder and in its folders of splits; why others cannot be read is added to `refused`."""
    names = [n for n in names_in(folder, *SUFFIXES) if "/" not in n or (n.count("/") == 1 and split_named(n.partition("/")[0]))]
    return [folder / n for n in names[:20] if _understood(folder / n, refused)]


def _rows_of(path: Path) -> int:
    """Return about how many rows a table has: of a text by its size, of a workbook the first `COUNTED` at most."""
    from dsinspect.io.spreadsheets import kind_of, sheets_of

    if kind_of(path) == "csv":
        content = head(path)
        return round(content.count(b"\n") * path.stat().st_size / max(len(content), 1)) - 1
    return sum(1 for sheet in sheets_of(path) for _ in islice(sheet.rows(), COUNTED)) - 1


def _understood(path: Path, refused: list[UserError] | None = None) -> bool:
    from dsinspect.io.spreadsheets import sheets_of
    from dsinspect_formats.table._columns import is_report, recognise

    try:
        firsts = [_first(sheet) for sheet in sheets_of(path)]
        return not any(map(is_report, firsts)) and any(recognise(first, {}) for first in firsts)
    except UserError as e:
        if refused is not None:
            refused.append(e)
        return False


def _first(sheet: Sheet) -> list[tuple[int, list[Any]]]:
    return [(row.number, row.values) for row in islice(sheet.rows(), LOOK_AHEAD)]
