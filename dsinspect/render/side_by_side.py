"""The places of one finding in one small image: a crop each with its boxes drawn, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.io.image_codec import UnreadableError
from dsinspect.render.contact_sheet import grid_shape
from dsinspect.render.crops import cut, open_framed
from dsinspect.render.drawing import LEAST, draw_shape
from dsinspect.render.palette import MARK, OTHER, UNMARKED
from dsinspect.render.shapes import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

OWN, SECOND, PLAIN = MARK, OTHER, UNMARKED
"""Colours of the finding's own box, of the other of a pair and of boxes around: those of all surfaces."""
GAP = 3
"""Between places, px."""
GROUND = 255
QUALITY = 78


def side_by_side(shown: Sequence[tuple[Mapping[str, Any], Sequence[Shape], Sequence[Shape]]], width: int, height: int) -> tuple[
        bytes, tuple[int, int]] | None:
    """Return a JPEG of the places of a finding, and its width and height.

    Args:
        shown: measured images (see `open_framed`) and what to draw in each, the finding's own first; without a place the whole
            image is shown. Last the annotations that are only there.
        width: of the result at most, px.
        height: of the result at most, px.

    Returns:
        None when no image can be read.
    """
    columns, rows = grid_shape(len(shown)) if shown else (1, 1)
    room = (width - GAP * (columns - 1)) // columns, (height - GAP * (rows - 1)) // rows
    tiles = []
    for image, marks, around in shown:
        try:
            pixels, window = cut(open_framed(image), [m.extent for m in marks], room)
        except UnreadableError:
            continue
        for shape in around:
            draw_shape(pixels, shape, window, PLAIN)
        for k in range(len(marks) - 1, -1, -1):  # the finding's own is drawn last, so that it is seen
            draw_shape(pixels, marks[k], window, SECOND if k else OWN, least=LEAST, beside=marks[0] if k else None)
        tiles.append(pixels)
    if not tiles:
        return None
    sheet = _joined(tiles, columns)
    import cv2

    done, buffer = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                                                cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444])  # thin lines keep their colour
    return (bytes(buffer), (sheet.shape[1], sheet.shape[0])) if done else None


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
