"""Edits: what autofix and review want changed, in columns, one row per change; every writable format applies them.

An edit addresses a record by where it stands (`source`, `index`), never by its position in a table, so that ids that
occur twice are no trouble. What no edit names comes back byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.tables.schema import BOX_COLUMNS, NO_POSITION

if TYPE_CHECKING:
    import pandas as pd

ACTIONS: Mapping[str, tuple[str, str]] = {
    # action: (what it addresses, what it does)
    "drop-annotation": ("annotation", "remove the annotation"),
    "set-box": ("annotation", "write the box `x_min y_min x_max y_max`, px"),
    "set-category": ("annotation", "give the annotation the category `text`"),
    "set-annotation-id": ("annotation", "give the annotation the id `text`"),
    "set-area": ("annotation", "write the area `text`, square px"),
    "set-field": ("annotation", "write a missing field: `text` is NAME=JSON"),
    "drop-polygon": ("annotation", "remove the polygons of the annotation"),
    "mark-as-crowd": ("annotation", "say that the annotation is a group of objects"),
    "drop-record": ("record", "remove a record that cannot be read"),
    "drop-image": ("image", "remove the image with all its annotations"),
    "set-image-size": ("image", "write the declared size `text`, WIDTHxHEIGHT"),
    "set-path": ("image", "write the image's path `text`"),
    "add-box": ("image", "add an annotation of the category `text` with the box `x_min y_min x_max y_max`, px"),
    "add-category": ("category", "declare a category, where the format declares categories"),
    "rename-category": ("category", "rename the category to `text`; its annotations follow"),
    "merge-category": ("category", "give all its annotations the category `text` and drop it"),
    "drop-category": ("category", "drop the category and its annotations"),
    "rewrite-utf8": ("file", "write the file again as UTF-8 without a byte order mark"),
    "drop-extra-columns": ("file", "take the sixth number off the rows of six"),
    "drop-blank-rows": ("file", "remove the rows of white space between others"),
    "cut-trailing-bytes": ("image", "cut the `text` bytes after the end marker off the copy of the image file"),
}

FIX_WORDS: Mapping[str, str] = {
    "drop-annotation": "remove the annotation", "set-box": "correct the box", "set-category": "correct the class",
    "set-annotation-id": "give the annotation an id of its own", "set-area": "correct the area",
    "set-field": "write the missing field", "drop-polygon": "remove the polygons", "mark-as-crowd": "call it a group of objects",
    "drop-record": "remove the record", "drop-image": "remove the image", "set-image-size": "correct the declared size",
    "set-path": "correct the path", "add-box": "add a box", "add-category": "declare the class",
    "rename-category": "rename the class", "merge-category": "join the classes", "drop-category": "remove the class",
    "rewrite-utf8": "write the file as UTF-8", "drop-extra-columns": "take the extra numbers off the rows",
    "drop-blank-rows": "remove the blank rows", "cut-trailing-bytes": "cut the bytes after the end of the image",
}
"""Action of a fix to what it does, as reviewers read it."""
ROW_ACTIONS = frozenset({"drop-extra-columns", "drop-blank-rows"})
"""Actions on the rows of a label file."""
FILE_ACTIONS = frozenset({"cut-trailing-bytes"})
"""Actions on image files, which are applied to their copies whatever the format is."""
LATER_ACTIONS = frozenset({"mark-as-crowd", "add-box", "add-category"}) | ROW_ACTIONS
"""Actions that a format's patch has to say it takes (`Format.no_place`): they came after the first patches were written."""

_TEXTS = ("action", "source", "image", "category", "text", "code", "fingerprint", "reviewer")


@dataclass(frozen=True)
class Edits:
    """Changes to a dataset.

    `rows` has one row per change: `action`; the address: `source` and `index` of the record (annotations, records
    that cannot be read), `image` (path), `category` (name); the new value: `x_min` ... `y_max` in px of the image as
    annotated, or `text`; `frame_width` `frame_height` of the image (px, for formats that write fractions); and why:
    `code`, `fingerprint`, `reviewer`.
    """

    rows: pd.DataFrame

    def __len__(self) -> int:
        return len(self.rows)

    @staticmethod
    def of(changes: Sequence[Mapping[str, Any]]) -> Edits:
        """Build edits from rows; a column not given is None, NaN or -1.

        Raises:
            ValueError: an action that does not exist.
        """
        import pandas as pd  # here, for a run that edits nothing has no time for it

        for change in changes:
            if change["action"] not in ACTIONS:
                raise ValueError(f"no such action: {change['action']}")
        columns: dict[str, pd.Series[Any]] = {}
        for name in _TEXTS:
            columns[name] = pd.Series([c.get(name) for c in changes], dtype=object)
        columns["index"] = pd.Series([c.get("index", NO_POSITION) for c in changes], dtype=np.int64)
        for name in (*BOX_COLUMNS, "frame_width", "frame_height"):
            columns[name] = pd.Series([c.get(name, np.nan) for c in changes], dtype=np.float64)
        return Edits(pd.DataFrame(columns))

    def without(self, *actions: str) -> Edits:
        """Return the edits with none of the actions."""
        return Edits(self.rows[~self.rows["action"].isin(actions)].reset_index(drop=True))

    def for_action(self, *actions: str) -> pd.DataFrame:
        """Return the rows with one of the actions."""
        return self.rows[self.rows["action"].isin(actions)].reset_index(drop=True)
