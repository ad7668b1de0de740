"""The places of one finding in one small image: a crop each with its boxes drawn, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.io.image_codec import UnreadableError
from dsinspect.render.contact_sheet import grid_shape
from dsinspect.render.crops import Window, cut, open_framed
from dsinspect.render.palette import MARK, OTHER, UNMARKED

if TYPE_CHECKING:
    from numpy.typing import NDArray

OWN, SECOND, PLAIN = (c[::-1] for c in (MARK, OTHER, UNMARKED))
"""Colours of the finding's own box, of the other of a pair and of boxes around, BGR: those of all surfaces."""
Boxes = Sequence[Sequence[float]]
"""xyxy, px of the frame."""
GAP = 3
"""Between places, px."""
LEAST = 10
"""Sides of a box as it is drawn, px, where both are smaller: a point is not seen."""
GROUND = 255
QUALITY = 78


def side_by_side(shown: Sequence[tuple[Mapping[str, Any], Boxes, Boxes]], width: int, height: int) -> tuple[
        bytes, tuple[int, int]] | None:
    """Return a JPEG of the places of a finding, and its width and height.

    Args:
        shown: measured images (see `open_framed`) and the boxes to draw in each, xyxy in px of its frame: the finding's own
            first. Without a finite box the whole image is shown. Last the boxes that are only there, drawn thin.
        width: of the result at most, px.
        height: of the result at most, px.

    Returns:
        None when no image can be read.
    """
    columns, rows = grid_shape(len(shown)) if shown else (1, 1)
    room = (width - GAP * (columns - 1)) // columns, (height - GAP * (rows - 1)) // rows
    tiles = []
    for image, boxes, around in shown:
        try:
            pixels, window = cut(open_framed(image), boxes, room)
        except UnreadableError:
            continue
        for box in around:
            draw_box(pixels, box, window, PLAIN, 1)
        for k in range(len(boxes) - 1, -1, -1):  # the finding's own is drawn last, so that it is seen
            draw_box(pixels, boxes[k], window, SECOND if k else OWN, beside=boxes[0] if k else None)
        tiles.append(pixels)
    if not tiles:
        return None
    sheet = _joined(tiles, columns)
    import cv2

    done, buffer = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                                                cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444])  # thin lines keep their colour
    return (bytes(buffer), (sheet.shape[1], sheet.shape[0])) if done else None


def draw_box(pixels: NDArray[np.uint8], box: Sequence[float], window: Window, colour: tuple[int, ...], line: int = 2,
             beside: Sequence[float] | None = None) -> None:
    """Draw a box on the part of an image that shows a window of its frame.

    Args:
        pixels: (H, W, 3) BGR, drawn on.
        box: xyxy, px of the frame; one that is not finite is left out.
        window: the part of the frame that the pixels show.
        colour: BGR.
        line: width, px.
        beside: another box, around which this one is drawn where they would hide each other.
    """
    import cv2

    if not all(map(math.isfinite, box)):
        return
    place = _place(pixels, box, window)
    if beside is not None and all(map(math.isfinite, beside)) and np.abs(place - _place(pixels, beside, window)).max() <= line:
        place = _place(pixels, beside, window) + np.array([-line, -line, line, line])
    x_min, y_min, x_max, y_max = place.tolist()
    cv2.rectangle(pixels, (x_min, y_min), (max(x_min, x_max - 1), max(y_min, y_max - 1)), colour, line)


def _place(pixels: NDArray[np.uint8], box: Sequence[float], window: Window) -> NDArray[np.int64]:
    """Return xyxy of a box in px of the pixels, its corners sorted; one too small to be seen is as large as `LEAST`."""
    rows, columns = pixels.shape[:2]
    scale = columns / (window[2] - window[0]), rows / (window[3] - window[1])
    # OpenCV takes 16-bit places, and far outside nothing is seen.
    corner = [round(min(max((v - window[k % 2]) * scale[k % 2], -9999), 9999)) for k, v in enumerate(box)]
    x_min, x_max = sorted(corner[0::2])
    y_min, y_max = sorted(corner[1::2])
    if max(x_max - x_min, y_max - y_min) < LEAST:
        x, y = (x_min + x_max) // 2, (y_min + y_max) // 2
        x_min, y_min, x_max, y_max = x - LEAST // 2, y - LEAST // 2, x + LEAST // 2, y + LEAST // 2
    return np.array([x_min, y_min, x_max, y_max], np.int64)


def _joined(tiles: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Lay tiles out in rows, each row as wide and high as it needs."""
    lines = []
    for start in range(0, len(tiles), columns):
        line = tiles[start:start + columns]
        high = max(t.shape[0] for t in line)
        parts = []
        for k, tile in enumerate(line):
            parts.append(np.pad(tile, ((0, high - tile.shape[0]), (GAP if k else 0, 0), (0, 0)), constant_values=GROUND))
        lines.append(np.concatenate(parts, axis=1))
    wide = max(line.shape[1] for line in lines)
    padded = [np.pad(line, ((GAP if k else 0, 0), (0, wide - line.shape[1]), (0, 0)), constant_values=GROUND)
              for k, line in enumerate(lines)]
    return np.ascontiguousarray(np.concatenate(padded, axis=0))
