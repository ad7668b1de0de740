"""The tables every plugin works on: their columns, dtypes and units.

A dataset is cut into shards. A shard holds three tables with one row per record: images, annotations, and problems
(records that could not be read, and faults of files and layout), as NumPy columns and as pandas frames over the same
arrays. Readers neither drop nor repair; a frame has a plain RangeIndex, so that a row number is a position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.tables.columns import Columns, constant, objects

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


NO_POSITION = -1
"""`line` or `index` of a record that has none; `image_row` of an annotation whose image is unknown."""


IMAGE_COLUMNS: Mapping[str, tuple[str, str]] = {
    "image_id": ("int64", "the format's id, or the position in the dataset"),
    "path": ("object", "POSIX path relative to the dataset's root, as found on disk or else as declared"),
    "declared_path": ("object", "the text that names the image in the record"),
    "file": ("object", "path to open, or None when there is no such file"),
    "width": ("float64", "declared width, px; NaN when the format declares none"),
    "height": ("float64", "declared height, px; NaN when the format declares none"),
    "split": ("object", "name of the split, or None"),
    "source": ("object", "file of the record, relative to the root"),
    "line": ("int64", "line of the record, from 1; -1 when it has none"),
    "index": ("int64", "position of the record in its file, from 0; -1 when it has none"),
}


ANNOTATION_COLUMNS: Mapping[str, tuple[str, str]] = {
    "annotation_id": ("int64", "the format's id, or the position in its file, from 0"),
    "image_id": ("int64", "declared id of the image"),
    "image_row": ("int64", "row in this shard's images; -1 when the declared image does not exist"),
    "category_id": ("int64", "declared id of the category; -1 where the format has names only"),
    "category": ("object", "name of the category, or None when the declared one does not exist"),
    "x_min": ("float64", "left edge, px (or a fraction, see DatasetInfo.box_units)"),
    "y_min": ("float64", "top edge"),
    "x_max": ("float64", "right edge, half-open: a box over a 10 px wide image is 0..10"),
    "y_max": ("float64", "bottom edge, half-open"),
    "source": ("object", "file of the record, relative to the root"),
    "line": ("int64", "line of the record, from 1; -1 when it has none"),
    "index": ("int64", "position of the record in its file, from 0: with `source`, the record's address"),
    "is_crowd": ("bool", "region of many objects, which trainers leave out"),
    "is_ignored": ("bool", "region to leave out (`difficult`, `DontCare`)"),
}


CORNER_COLUMNS = tuple(f"corner_{axis}{k}" for k in (1, 2, 3, 4) for axis in "xy")
"""Corners of a rotated box, in drawing order."""


OPTIONAL_ANNOTATION_COLUMNS: Mapping[str, tuple[str, str]] = {
    "segmentation": ("object", "outline: JSON bytes of flat polygons, px, or of a run-length mask; None without one"),
    "keypoints": ("object", "JSON bytes of flat x, y, visibility, px; None without any"),
    **{name: ("float64", f"{name[7]} of corner {name[8]} of a rotated box, px; NaN where the box is not rotated")
       for name in CORNER_COLUMNS},
    "track": ("object", "id of the track, text; None where there is none"),
    "attributes": ("object", "JSON bytes of an object: attribute by name; None without any"),
    "area": ("float64", "area the format declares, px² whatever boxes are in; NaN where it declares none"),
}
"""Columns of annotations that several formats have. They are there when the format has them (`DatasetInfo.columns`) and
somebody asked for them (`OpenRequest.columns`). What one format alone has is named after it (`voc:pose`)."""


SHAPE_COLUMNS = ("segmentation", "keypoints", *CORNER_COLUMNS)
"""Columns that say what an annotation is to be drawn as, besides its box."""


PROBLEM_COLUMNS: Mapping[str, tuple[str, str]] = {
    "kind": ("object", "one of PROBLEM_KINDS"),
    "source": ("object", "file, relative to the root"),
    "line": ("int64", "line, from 1; -1 when there is none"),
    "index": ("int64", "position of the record in its file, from 0; -1 when there is none"),
    "image": ("object", "path of the image concerned, or None"),
    "split": ("object", "split concerned, or None"),
    "text": ("object", "what was read, shortened to 200 characters"),
    "reason": ("object", "what is wrong with it, in words"),
}


PROBLEM_KINDS = (
    "malformed-record", "orphan-image", "missing-label", "orphan-label", "ambiguous-stem", "unportable-path",
    "odd-encoding", "code-in-config", "stale-cache", "bad-class-list", "mixed-row-kinds",
    "extra-columns", "blank-row", "overlapping-lists", "no-flip-pairs", "wrong-flip-pairs", "no-class", "same-names", "image-tags",
    "several-files",
)


FRAME_COLUMNS = ("file_width", "file_height", "orientation")
"""Measured columns that fix the frame the boxes live in: stored size, px, and EXIF orientation, 1 to 8."""


BOX_COLUMNS = ("x_min", "y_min", "x_max", "y_max")


@dataclass(frozen=True)
class Problem:
    """A record that cannot be read, or a fault of a file or of the layout, reported instead of raised."""

    kind: str
    source: str
    reason: str
    text: str = ""
    line: int = NO_POSITION
    index: int = NO_POSITION
    image: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in PROBLEM_KINDS:
            raise ValueError(f"unknown kind of problem {self.kind!r}")
        object.__setattr__(self, "text", self.text[:200])


def image_columns(n: int, **columns: Any) -> Columns:
    """Build the columns of `n` images; one not given holds its missing value."""
    return _table(IMAGE_COLUMNS, n, columns)


def annotation_columns(n: int, **columns: Any) -> Columns:
    """Build the columns of `n` annotations; optional ones are there when given, `format:field` is kept as it is."""
    optional = {name: kind for name, kind in OPTIONAL_ANNOTATION_COLUMNS.items() if name in columns}
    return _table({**ANNOTATION_COLUMNS, **optional}, n, columns)


def problem_columns(problems: Sequence[Problem] = ()) -> Columns:
    """Build the columns of problems, one row each."""
    columns = {name: [getattr(p, name) for p in problems] for name in PROBLEM_COLUMNS}
    return _table(PROBLEM_COLUMNS, len(problems), columns)


def images_frame(n: int, **columns: Any) -> pd.DataFrame:
    """Build an `images` frame, as `image_columns` does."""
    return image_columns(n, **columns).frame


def annotations_frame(n: int, **columns: Any) -> pd.DataFrame:
    """Build an `annotations` frame, as `annotation_columns` does."""
    return annotation_columns(n, **columns).frame


def problems_frame(problems: Sequence[Problem] = ()) -> pd.DataFrame:
    """Build a `problems` frame, as `problem_columns` does."""
    return problem_columns(problems).frame


def is_extra_column(name: str) -> bool:
    """Say whether a column of annotations is there only when asked for: an optional one, or one of a format."""
    return ":" in name or name in OPTIONAL_ANNOTATION_COLUMNS


def boxes_xyxy(annotations: Columns | pd.DataFrame) -> NDArray[np.float64]:
    """Return the boxes as an (N, 4) float64 array: x_min, y_min, x_max, y_max."""
    # Laid out by columns: over the four edges of a row, NumPy takes five times as long the other way round.
    return np.stack([np.asarray(annotations[c]) for c in BOX_COLUMNS]).T


def _table(schema: Mapping[str, tuple[str, str]], n: int, columns: Mapping[str, Any]) -> Columns:
    unknown = [c for c in columns if c not in schema and ":" not in c]
    if unknown:
        raise TypeError(f"no such column: {', '.join(unknown)}")
    out: dict[str, NDArray[Any]] = {}
    for name, (dtype, _) in schema.items():
        out[name] = _missing(dtype, n) if name not in columns else _column(columns[name], dtype, n)
    for name in columns:
        if ":" in name:
            values = np.asarray(columns[name])
            out[name] = _column(columns[name], "object", n) if values.dtype.kind in "OUS" else values
    return Columns(out, n)


def _column(values: Any, dtype: str, n: int) -> NDArray[Any]:
    if dtype == "object" and not isinstance(values, np.ndarray):
        if values is None or isinstance(values, str):
            return constant(values, dtype, n)
        return objects(values)
    return constant(values, dtype, n) if np.ndim(values) == 0 else np.asarray(values, dtype)


def _missing(dtype: str, n: int) -> NDArray[Any]:
    return constant({"int64": NO_POSITION, "float64": np.nan, "bool": False, "object": None}[dtype], dtype, n)
