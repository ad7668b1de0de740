"""The tables every plugin works on: their columns, dtypes and units.

A dataset is cut into shards. A shard holds three pandas frames over NumPy arrays with one row per record:
`images`, `annotations`, and `problems` (records that could not be read, and faults of files and layout).
Readers neither drop nor repair; a frame has a plain RangeIndex, so that a row number is a position.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
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
)
FRAME_COLUMNS = ("file_width", "file_height", "orientation")
"""Measured columns that fix the frame the boxes live in: stored size, px, and EXIF orientation, 1 to 8."""
BOX_COLUMNS = ("x_min", "y_min", "x_max", "y_max")


def images_frame(n: int, **columns: Any) -> pd.DataFrame:
    """Build an `images` frame of `n` rows; a column not given holds its missing value."""
    return _frame(IMAGE_COLUMNS, n, columns)


def annotations_frame(n: int, **columns: Any) -> pd.DataFrame:
    """Build an `annotations` frame of `n` rows; columns named `format:field` are kept as they are."""
    return _frame(ANNOTATION_COLUMNS, n, columns)


def problems_frame(problems: Sequence[Problem] = ()) -> pd.DataFrame:
    """Build a `problems` frame, one row per problem."""
    columns = {name: [getattr(p, name) for p in problems] for name in PROBLEM_COLUMNS}
    return _frame(PROBLEM_COLUMNS, len(problems), columns)


def boxes_xyxy(annotations: pd.DataFrame) -> NDArray[np.float64]:
    """Return the boxes as an (N, 4) float64 array: x_min, y_min, x_max, y_max."""
    return np.column_stack([annotations[c].to_numpy() for c in BOX_COLUMNS])


def _frame(schema: Mapping[str, tuple[str, str]], n: int, columns: Mapping[str, Any]) -> pd.DataFrame:
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
    # An explicit dtype keeps pandas 3 from turning object columns of text into its `str` type.
    return pd.DataFrame({k: pd.Series(v, dtype=v.dtype) for k, v in out.items()}, copy=False)


def _column(values: Any, dtype: str, n: int) -> NDArray[Any]:
    if dtype == "object" and not isinstance(values, np.ndarray):
        column = np.empty(n, object)
        column[:] = values
        return column
    return np.broadcast_to(np.asarray(values, dtype), (n,)) if np.ndim(values) == 0 else np.asarray(values, dtype)


def _missing(dtype: str, n: int) -> NDArray[Any]:
    fill = {"int64": NO_POSITION, "float64": np.nan, "bool": False, "object": None}[dtype]
    return np.full(n, fill, dtype)


@dataclass(frozen=True)
class Problem:
    """A record that cannot be read, or a fault of a file or of the layout, told instead of raised."""

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


@dataclass(frozen=True)
class Category:
    """A declared category."""

    category_id: int
    name: str
    supercategory: str = ""


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset once it is opened, before its records are read.

    Attributes:
        format: name of the format.
        root: folder that relative paths start from.
        categories: declared categories in the order of declaration; empty when the format declares none.
        split_categories: declared categories by split, where every split declares its own.
        splits: names of the splits in the order found; empty when there are none.
        box_units: `px`, or `fraction` when boxes are fractions of the image as displayed (EXIF applied).
        problems: faults of the set as a whole (layout, class list, configuration).
        columns: names of the format-specific columns that can be asked for (`coco:area`).
        notes: readings the user should know of (which convention was assumed, what was left out).
        has_files: True when at least one image of the set is on disk.
    """

    format: str
    root: Path
    categories: tuple[Category, ...] = ()
    split_categories: Mapping[str, tuple[Category, ...]] = field(default_factory=dict)
    splits: tuple[str, ...] = ()
    box_units: Literal["px", "fraction"] = "px"
    problems: tuple[Problem, ...] = ()
    columns: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    has_files: bool = True


@dataclass(frozen=True)
class Shard:
    """A part of a dataset: whole images with all their annotations."""

    images: pd.DataFrame
    annotations: pd.DataFrame
    problems: pd.DataFrame = field(default_factory=problems_frame)

    def replace(self, **changes: Any) -> Shard:
        """Return a copy with some frames replaced."""
        return dataclasses.replace(self, **changes)
