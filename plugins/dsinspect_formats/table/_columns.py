"""Which column of a table is what: by the names people give them, or as the user says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dsinspect.errors import UserError, nearest

_NUMBERS = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "images", "filename", "file", "filepath", "imagepath", "path", "imageid", "imagename", "img",
              "imgpath", "imagefilename", "externalid", "picture"),
    "category": ("category", "class", "label", "name", "classname", "categoryname", "labelname", "object", "species",
                 "classlabel", "objectclass", "objectname", "type"),
    "x_min": ("xmin", "x1", "left", "xtl", "bboxxmin", "xlow", "xleft"),
    "y_min": ("ymin", "y1", "top", "ytl", "bboxymin", "ylow", "ytop"),
    "x_max": ("xmax", "x2", "right", "xbr", "bboxxmax", "xhigh", "xright"),
    "y_max": ("ymax", "y2", "bottom", "ybr", "bboxymax", "yhigh", "ybottom"),
    "x": ("x", "bboxx"),
    "y": ("y", "bboxy"),
    "x_center": ("xcenter", "xcentre", "centerx", "centrex", "cx", "xc", "bboxxcenter", "bboxcenterx"),
    "y_center": ("ycenter", "ycentre", "centery", "centrey", "cy", "yc", "bboxycenter", "bboxcentery"),
    "bbox": ("bbox", "boundingbox", "box"),
    "box_width": ("w", "boxwidth", "bboxwidth", "bboxw", "bwidth"),
    "box_height": ("h", "boxheight", "bboxheight", "bboxh", "bheight"),
    "image_width": ("imagewidth", "imgwidth", "imgw", "width"),
    "image_height": ("imageheight", "imgheight", "imgh", "height"),
    "split": ("split", "set", "subset", "partition", "fold", "usage"),
    "annotation_id": ("annotationid", "id", "boxid", "bboxid", "objectid"),
}
"""Field to the column names it goes by: lower case, letters and digits only."""
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(e[-+]?\d+)?", re.I)
CORNERS = ("x_min", "y_min", "x_max", "y_max")
SIDES = ("x", "y", "box_width", "box_height")
CENTRES = ("x_center", "y_center", "box_width", "box_height")
TEXT = ("bbox",)
OF_REPORTS = frozenset(("code", "severity", "fingerprint"))
"""Columns that findings have, in .csv and in workbooks, and annotations have not."""
BOXES = (CORNERS, SIDES, CENTRES, TEXT)
"""The ways a box is written, the surest first."""


@dataclass(frozen=True)
class Mapped:
    """Columns of a table by field, and the row that holds their names (0: none, as in RetinaNet's tables)."""

    columns: Mapping[str, int]
    header_row: int

    @cached_property
    def box(self) -> tuple[str, ...]:
        """The fields that make the box."""
        return next(fields for fields in BOXES if all(f in self.columns for f in fields))

    @cached_property
    def box_columns(self) -> tuple[int, ...]:
        """The columns of those fields."""
        return tuple(self.columns[f] for f in self.box)


def recognise(rows: Sequence[tuple[int, Sequence[Any]]], wanted: Mapping[str, str]) -> Mapped | None:
    """Find the header among the first rows of a sheet.

    Args:
        rows: number and values of the first rows.
        wanted: field to the column the user named for it.

    Returns:
        the mapping, or None when no row reads as a header and the rows are not RetinaNet's either.

    Raises:
        UserError: a field or column that the user named does not exist.
    """
    for field in wanted:
        if field not in FIELDS:
            raise UserError(f"--columns: no field {field!r}{nearest(field, FIELDS)}; there are {', '.join(FIELDS)}")
    for number, values in rows:
        mapped = _header(number, values, wanted)
        if mapped:
            return mapped
    if wanted:
        seen = next((v for _, v in rows if sum(isinstance(c, str) for c in v) >= 2), ())
        names = [str(c) for c in seen if c is not None]
        missing = next((c for c in wanted.values() if c not in names), None)
        if missing is not None:
            raise UserError(f"--columns: no column {missing!r}{nearest(missing, names)}; there are {', '.join(names)}")
    return _headerless(rows)


def is_report(rows: Sequence[tuple[int, Sequence[Any]]]) -> bool:
    """Say whether the first rows of a sheet are those of a report of dsinspect: findings have boxes, and are no annotations."""
    return any({str(v).lower() for v in values if isinstance(v, str)} >= OF_REPORTS for _, values in rows)


def parse_wanted(text: str | Mapping[str, str]) -> dict[str, str]:
    """Read `image=File,x_min=Left` into a mapping.

    Raises:
        UserError: it is of another form.
    """
    if not isinstance(text, str):
        return dict(text)
    wanted = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        field, equals, column = part.partition("=")
        if not equals or not column:
            raise UserError(f"--columns {part}: write FIELD=COLUMN, such as image=File")
        wanted[field.strip()] = column.strip()
    return wanted


def _header(number: int, values: Sequence[Any], wanted: Mapping[str, str]) -> Mapped | None:
    texts = [v if isinstance(v, str) else "" for v in values]
    columns: dict[str, int] = {}
    for field, column in wanted.items():
        if column not in texts:
            return None
        columns[field] = texts.index(column)
    plain = [re.sub(r"[^a-z0-9]", "", t.lower()) for t in texts]
    for field, names in FIELDS.items():
        if field in columns:
            continue
        hits = [plain.index(n) for n in names if n in plain]
        hits = [h for h in hits if h not in columns.values()]
        if hits:
            columns[field] = hits[0]
    # `width` and `height` are the box's sides where x and y stand alone beside them, else the image's.
    stands_alone = all(f in columns for f in SIDES[:2]) or all(f in columns for f in CENTRES[:2])
    if stands_alone and "x_max" not in columns and "box_width" not in columns:
        for side in ("width", "height"):
            if f"image_{side}" in columns and plain[columns[f"image_{side}"]] == side:
                columns[f"box_{side}"] = columns.pop(f"image_{side}")
    if "image" in columns and any(all(f in columns for f in fields) for fields in BOXES):
        return Mapped(columns, number)
    return None


def _headerless(rows: Sequence[tuple[int, Sequence[Any]]]) -> Mapped | None:
    """Take `path,x1,y1,x2,y2,class` rows without a header, as RetinaNet wants them; empty boxes are backgrounds.

    More columns may follow; a name without a suffix or folder might be anything, and is no path.
    """
    shaped = 0
    for _, values in rows:
        named = len(values) >= 6 and isinstance(values[0], str) and any(sign in values[0] for sign in "./\\")
        if named and all(map(_is_number, values[1:5])) and values[5] is not None:
            shaped += 1
        elif not (values and isinstance(values[0], str) and all(v is None for v in values[1:])):
            return None
    fields = ("image", *CORNERS, "category")
    return Mapped({f: k for k, f in enumerate(fields)}, 0) if shaped else None


def numbers_in(value: Any) -> list[float]:
    """Return the four numbers of a text such as `[1.0, 2, 30, 40]`.

    Raises:
        ValueError: there are not four numbers, in words.
    """
    found = _NUMBERS.findall(str(value))
    if len(found) != 4:
        raise ValueError(f"{str(value)[:40]!r} has {len(found)} numbers; a box has 4")
    return list(map(float, found))


def corners_of(values: Sequence[float], fields: Sequence[str], *, is_corners: bool) -> tuple[float, float, float, float]:
    """Return a box as its corners.

    Args:
        values: the four numbers.
        fields: one of `BOXES`: what they are.
        is_corners: of a text: whether they are two corners, not a corner and the sides.
    """
    a, b, c, d = values
    if fields == CENTRES:
        return a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return (a, b, c, d) if fields == CORNERS or (fields == TEXT and is_corners) else (a, b, a + c, b + d)


def _is_number(value: Any) -> bool:
    try:
        number(value)
    except ValueError:
        return False
    return value is not None


def number(value: Any) -> float:
    """Return a cell as a number; text with a decimal point or comma counts.

    Raises:
        ValueError: it is no number, in words.
    """
    if type(value) is str and value.isascii():
        try:
            return float(value)  # nearly always; what Python alone takes, it took before as well
        except ValueError:
            pass
    if isinstance(value, bool) or value is None:
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, (int, float)):
        return float(value)
    text = str(value).strip().replace("\u00a0", "").replace("\u2212", "-")
    if _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{value!r} is not a number") from None
