"""Small pictures of findings: the place in the image, with the box drawn."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.geometry.exif import turned_upright
from dsinspect.io import image_codec as pictures
from dsinspect.render.contact_sheet import as_bgr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MARGIN = 0.6
"""Surroundings shown on each side of a box, by its longer side."""
LEAST = 48
"""Least surroundings, px of the image."""
LINE = (0, 0, 230)
"""Colour of the box, BGR."""


def thumbnail(image: Mapping[str, Any], box: tuple[float, ...] | None, width: int, height: int) -> bytes | None:
    """Return a JPEG of the part of an image around a box, or of the whole image.

    Args:
        image: a row of the measured images: `file`, `width`, `height`, `orientation`, `frame_width`, `frame_height`.
        box: xyxy in px of the frame, drawn red; None shows the whole image.
        width: of the thumbnail at most, px.
        height: of the thumbnail at most, px.

    Returns:
        the file, or None when the image cannot be read.
    """
    import cv2

    try:
        bgr = as_bgr(pictures.decode(Path(str(image["file"])).read_bytes()))
    except (pictures.UnreadableError, OSError):
        return None
    bgr = framed(bgr, image)
    rows, columns = bgr.shape[:2]
    frame = float(image["frame_width"]), float(image["frame_height"])
    factors = (columns / frame[0], rows / frame[1]) if all(v > 0 for v in frame) else (1.0, 1.0)
    left, top, right, bottom = 0, 0, columns, rows
    edges: list[float] = []
    if box is not None and all(map(math.isfinite, box)):
        edges = [v * factors[k % 2] for k, v in enumerate(box)]
        left, top, right, bottom = window(edges, columns, rows)
    crop = bgr[top:bottom, left:right]
    factor = min(width / crop.shape[1], height / crop.shape[0])
    size = max(1, round(crop.shape[1] * factor)), max(1, round(crop.shape[0] * factor))
    small = cv2.resize(np.ascontiguousarray(crop), size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    if edges:
        corner = [round(min(max((v - (left, top)[k % 2]) * factor, -9999), 9999)) for k, v in enumerate(edges)]
        x_min, x_max = sorted(corner[0::2])
        y_min, y_max = sorted(corner[1::2])
        cv2.rectangle(small, (x_min, y_min), (max(x_min, x_max - 1), max(y_min, y_max - 1)), LINE, 1)
    done, buffer = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                                                 cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444])  # thin red lines stay red
    return bytes(buffer) if done else None


def framed(bgr: NDArray[Any], image: Mapping[str, Any]) -> NDArray[Any]:
    """Return the pixels in the frame of the boxes: turned upright when the declared size is not the stored one."""
    orientation = image["orientation"]
    declared = float(image["width"]), float(image["height"])
    if orientation != orientation or int(orientation) == 1 or declared == (bgr.shape[1], bgr.shape[0]):
        return bgr
    return turned_upright(bgr, int(orientation))


def window(box: list[float], columns: int, rows: int) -> tuple[int, int, int, int]:
    """Return the part of a picture to show around a box: left, top, right, bottom, px; all of it for a box outside."""
    x_min, x_max = sorted((box[0], box[2]))
    y_min, y_max = sorted((box[1], box[3]))
    if x_max < 0 or y_max < 0 or x_min > columns or y_min > rows:
        return 0, 0, columns, rows
    margin = max(MARGIN * max(x_max - x_min, y_max - y_min), LEAST)
    left, top = int(min(max(x_min - margin, 0), columns - 1)), int(min(max(y_min - margin, 0), rows - 1))
    return left, top, max(left + 1, int(min(x_max + margin, columns))), max(top + 1, int(min(y_max + margin, rows)))
