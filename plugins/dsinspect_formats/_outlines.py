"""Outlines for formats that have no box beside them: a polygon is written where its box is the annotation's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from dsinspect.geometry.affine import rotated_boxes, rotated_corners
from dsinspect.tables.schema import CORNER_COLUMNS
from dsinspect_formats._values import envelope
from dsinspect_formats._writing import Losses, field_of, outline_kind

NEAR = 0.5
"""A box is that of its outline when no edge differs by more, px."""


class Outlines:
    """Polygons and corners of a table, and the count of those that cannot be written."""

    def __init__(self, annotations: Any, losses: Losses, *, masks: bool = False) -> None:
        """Take a table.

        Args:
            annotations: to write.
            losses: to count in.
            masks: whether the writer takes masks itself.
        """
        column = field_of(annotations, "segmentation")
        self._raw = None if column is None else column.tolist()
        self._corners = annotations[list(CORNER_COLUMNS)].to_numpy(np.float64) if CORNER_COLUMNS[0] in annotations else None
        self._losses, self._masks = losses, masks

    def raw(self, k: int) -> Any:
        """Return the JSON of an outline, or None."""
        return None if self._raw is None else self._raw[k]

    def corners(self, k: int) -> list[float] | None:
        """Return the corners of a rotated box, flat, or None."""
        if self._corners is None or not np.isfinite(self._corners[k]).all():
            return None
        flat: list[float] = self._corners[k].tolist()
        return flat

    def rotated(self, k: int) -> tuple[float, float, float, float, float] | None:
        """Return centre, width, height and degrees of a rotated box; None when there is none, or it is no rectangle."""
        flat = self.corners(k)
        if flat is None:
            return None
        corners = np.array(flat).reshape(1, 4, 2)
        turned = rotated_boxes(corners)
        if np.abs(rotated_corners(turned) - corners).max() > NEAR:
            return None
        x, y, w, h, angle = turned[0].tolist()
        return x, y, w, h, angle % 360

    def lose_rectangle(self) -> None:
        """Count a rotated box whose corners are no rectangle, and which is written as a polygon."""
        self._losses.add("rotated boxes that are no rectangles (written as polygons)", 1)

    def polygon(self, k: int, box: Sequence[float]) -> list[float] | None:
        """Return an outline as one flat polygon; what is none is counted, and its box stays."""
        raw = self.raw(k)
        kind = outline_kind(raw)
        if kind == "polygons":
            try:
                polygons = msgspec.json.decode(raw, type=list[list[float]])
            except msgspec.MsgspecError:
                polygons = []
            if len(polygons) == 1 and len(polygons[0]) >= 6 and not len(polygons[0]) % 2 and near(envelope(polygons[0]), box):
                return polygons[0]
            self._losses.add("polygons that are not one, or not as wide as their box (the boxes stay)", 1)
        elif kind == "mask" and not self._masks:
            self._losses.add("masks", 1)
        return None


def near(a: Sequence[float], b: Sequence[float]) -> bool:
    """Say whether two boxes are one, to half a pixel."""
    return all(abs(p - q) <= NEAR for p, q in zip(a, b, strict=True))
