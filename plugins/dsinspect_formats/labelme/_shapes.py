"""Shapes of LabelMe files: their points as boxes, corners, polygons and masks."""

from __future__ import annotations

import binascii
import math
from collections.abc import Sequence
from typing import Any

from dsinspect_formats._mask_images import mask_in_image
from dsinspect_formats._values import Box, envelope, polygon_json, reals, shown

NO_AREA = ("line", "linestrip", "point", "points")
ROTATED = ("rotation", "oriented_rectangle")
"""Rectangles with four corners, as X-AnyLabeling and later LabelMe draw them."""
_NEEDED = {"polygon": 6, "rectangle": 4, "mask": 4, "circle": 4, **dict.fromkeys(ROTATED, 8)}
"""Numbers that a shape has at least."""


def points_of(shape: Any) -> list[float]:
    """Return the points of a shape, flat; raises ValueError, in words, when they are not pairs of numbers."""
    points = shape.get("points")
    if not isinstance(points, list) or not points:
        raise ValueError("points is missing" if points is None else "points is not a list of x and y")
    flat: list[float] = []
    for point in points:
        if not isinstance(point, list) or len(point) != 2:
            raise ValueError(f"points: {shown(point)[:60]} is not x and y")
        flat += point
    return reals(flat, "points")


def box_of(kind: str, flat: Sequence[float]) -> Box:
    """Return the box around a shape.

    Raises:
        ValueError: in words: too few points, or a kind nobody knows.
    """
    needed = _NEEDED.get(kind)
    if needed is None:
        raise ValueError(f"shape_type {kind[:40]!r} is not known")
    if len(flat) < needed:
        raise ValueError(f"a {kind} of {len(flat) // 2} {'point' if len(flat) == 2 else 'points'}, at least {needed // 2} expected")
    if kind == "circle":  # its centre, and a point on it
        radius = math.hypot(flat[2] - flat[0], flat[3] - flat[1])
        return flat[0] - radius, flat[1] - radius, flat[0] + radius, flat[1] + radius
    x_min, y_min, x_max, y_max = envelope(flat)
    if kind == "mask":  # its points are the first and last pixel
        return x_min, y_min, x_max + 1, y_max + 1
    return x_min, y_min, x_max, y_max


def outline_of(kind: str, flat: Sequence[float], mask: Any, size_wh: tuple[float, float]) -> bytes | None:
    """Return the outline of a polygon or mask as JSON, None of other shapes.

    Raises:
        ValueError: the mask is no PNG of the size of its box, or that does not lie in the image.
    """
    if kind == "polygon":
        return polygon_json([flat])
    if kind != "mask" or mask is None:
        return None
    try:
        content = binascii.a2b_base64(mask)
    except (TypeError, ValueError):
        raise ValueError("mask is not base64") from None
    return mask_in_image(content, box_of(kind, flat), size_wh)
