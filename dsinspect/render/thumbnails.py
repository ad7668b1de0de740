"""The part of an image that shows a box, in the frame of the boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsinspect.geometry.exif import turned_upright

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MARGIN = 0.6
"""Surroundings shown on each side of a box, by its longer side."""
LEAST = 48
"""Least surroundings, px of the image."""


def framed(bgr: NDArray[Any], image: Mapping[str, Any]) -> NDArray[Any]:
    """Return the pixels in the frame of the boxes, as `boxes_upright` says."""
    orientation = image["orientation"]
    if orientation != orientation or int(orientation) == 1 or not image.get("boxes_upright", True):
        return bgr
    return turned_upright(bgr, int(orientation))


def window(box: list[float], columns: int, rows: int) -> tuple[int, int, int, int]:
    """Return the part of an image to show around a box: left, top, right, bottom, px; all of it for a box outside."""
    x_min, x_max = sorted((box[0], box[2]))
    y_min, y_max = sorted((box[1], box[3]))
    if x_max < 0 or y_max < 0 or x_min > columns or y_min > rows:
        return 0, 0, columns, rows
    margin = max(MARGIN * max(x_max - x_min, y_max - y_min), LEAST)
    left, top = int(min(max(x_min - margin, 0), columns - 1)), int(min(max(y_min - margin, 0), rows - 1))
    return left, top, max(left + 1, int(min(x_max + margin, columns))), max(top + 1, int(min(y_max + margin, rows)))
