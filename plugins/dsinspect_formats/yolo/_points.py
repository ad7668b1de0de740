"""Rows of rotated boxes and of poses, written: four corners, never an angle; keypoints behind a box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dsinspect.errors import UserError
from dsinspect.geometry.affine import corners_of
from dsinspect.tables.schema import CORNER_COLUMNS, boxes_xyxy
from dsinspect_formats._writing import Losses, field_of, outline_kind, sizes_wh
from dsinspect_formats.yolo._kinds import SLACK

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NO_RECTANGLES = "rotated boxes that are no rectangles (their corners stay; read with yolo.task=obb, for they look like polygons)"


def corner_rows(images: pd.DataFrame, annotations: pd.DataFrame, numbers: NDArray[np.int64], losses: Losses) -> list[str]:
    """Return rows of four corners as fractions: a rotated box's own, else those of the box from its top left on.

    Corners that are no parallelogram stay, but a set of mostly such ones looks like polygons to whom nobody tells: counted.
    """
    corners = corners_of(boxes_xyxy(annotations)).reshape(-1, 8)
    if CORNER_COLUMNS[0] in annotations:
        own = annotations[list(CORNER_COLUMNS)].to_numpy(np.float64)
        corners = np.where(np.isfinite(own).all(axis=1)[:, None], own, corners)
    sizes = sizes_wh(images)[annotations["image_row"].to_numpy()]
    fractions = corners / np.tile(sizes, 4)
    losses.add(NO_RECTANGLES, (np.abs(fractions[:, :2] + fractions[:, 4:6] - fractions[:, 2:4] - fractions[:, 6:]) > SLACK).any(
        axis=1))
    return [f"{n} {' '.join(map(repr, row))}\n" for n, row in zip(numbers.tolist(), fractions.tolist(), strict=True)]


class Poses:
    """Keypoints of all annotations: one number of them for the whole set, as data.yaml's `kpt_shape` says."""

    def __init__(self) -> None:
        self._count: int | None = None
        self._empty = 0

    def rows(self, images: pd.DataFrame, annotations: pd.DataFrame, boxes: Sequence[str]) -> list[str]:
        """Return rows of boxes with their keypoints, three values each; an annotation without any has none labelled.

        Raises:
            UserError: two annotations have different numbers of keypoints, or the first ones have none.
        """
        column = field_of(annotations, "keypoints")
        sizes = sizes_wh(images)
        rows = []
        for k, (image_row, box) in enumerate(zip(annotations["image_row"].tolist(), boxes, strict=True)):
            raw = None if column is None else column[k]
            points = msgspec.json.decode(raw, type=list[float]) if raw is not None and outline_kind(raw) else []
            self._settle(len(points) // 3, str(images["path"].iat[image_row]))
            width, height = sizes[image_row].tolist()
            flat = [(v / width, v / height, v)[j % 3] for j, v in enumerate(points)] or [0.0] * 3 * (self._count or 0)
            values = [repr(v) if j % 3 < 2 else str(int(v)) for j, v in enumerate(flat)]
            rows.append(" ".join([box.rstrip("\n"), *values]) + "\n")
        return rows

    def _settle(self, count: int, path: str) -> None:
        if not count:
            self._empty += self._count is None
            return
        if self._count is None:
            if self._empty:
                raise UserError(f"{path}: yolo.task=pose: {self._empty:,} annotations before this image's have no keypoints, and "
                                "their number was not known; select images with poses, or write boxes")
            self._count = count
        elif count != self._count:
            raise UserError(f"{path}: yolo.task=pose: an annotation has {count} keypoints and others have {self._count}; "
                            "one set has one number of them")

    def shape(self) -> list[int]:
        """Return `kpt_shape`; raises UserError when there was no keypoint at all."""
        if self._count is None:
            raise UserError("yolo.task=pose: no annotation has keypoints; leave yolo.task out to write boxes")
        return [self._count, 3]
