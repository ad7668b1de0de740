"""Polygons, oriented boxes and poses of label rows, as JSON of fractions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def polygon_of(row: str, pose: int | None) -> bytes | None:
    """Return the points of a row as `[[x, y, ...]]`; None for a box, a pose, or points that are not finite.

    An oriented box is a polygon of four points.

    Args:
        row: text of the row.
        pose: number of values of a pose row, when the set declares poses.
    """
    tokens = row.split()
    if len(tokens) <= 6 or len(tokens) == pose:
        return None
    points = list(map(float, tokens[1:]))
    return msgspec.json.encode([points]) if all(map(math.isfinite, points)) else None


def corners_of(rows: Sequence[str | None] | None, n: int, pose: int | None) -> NDArray[np.float64]:
    """Return the corners of rotated boxes, (N, 8) fractions in the order they stand; NaN in other rows.

    Args:
        rows: text of each row, None where it is a plain box; None when the set has no rotated boxes.
        n: number of rows.
        pose: number of values of a pose row, when the set declares poses.
    """
    corners = np.full((n, 8), np.nan)
    for k, row in enumerate(rows or ()):
        tokens = row.split() if row else ()
        if len(tokens) == 9 and pose != 9:
            corners[k] = [float(t) for t in tokens[1:]]
    return corners


def keypoints_of(row: str, shape: tuple[int, int] | None) -> bytes | None:
    """Return the keypoints of a row as `[x, y, visibility, ...]`; None when it is no pose.

    Args:
        row: text of the row.
        shape: number of keypoints, and 2 or 3 values each; with 2 a point at 0, 0 is not labelled.
    """
    if shape is None:
        return None
    tokens = row.split()
    if len(tokens) != 5 + shape[0] * shape[1]:
        return None
    values = list(map(float, tokens[5:]))
    if not all(map(math.isfinite, values)):
        return None
    return msgspec.json.encode(_with_visibility(values) if shape[1] == 2 else values)


def _with_visibility(values: Sequence[float]) -> list[float]:
    flat: list[float] = []
    for x, y in zip(values[::2], values[1::2], strict=True):
        flat += [x, y, 2.0 if x or y else 0.0]
    return flat
