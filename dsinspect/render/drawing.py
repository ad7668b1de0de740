"""The one rule by which annotations are drawn on pixels: contact sheets, thumbnails of workbooks and crops are drawn alike.

A box is a rectangle, a rotated box the ring of its corners, an outline a ring inside its box, a keypoint a dot, a hidden one a
circle. Below each line lies a dark edge, so that it is seen on a ground of its own colour. The pages draw by the same rule
(`overlay` of web/viewer.js).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.render.shapes import Box, Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

RGB = tuple[int, int, int]
LEAST = 10
"""Sides of a box as it is drawn, px, where both are smaller and it is marked: a point is not seen."""
REACH = 9999
"""Places farther out are drawn as here, px: OpenCV takes 16-bit places, and far outside nothing is seen."""
DARK = (0, 0, 0)


def draw_shape(pixels: Pixels, shape: Shape, window: Box, colour: RGB, line: int = 2, *, least: int = 0,
               beside: Shape | None = None) -> None:
    """Draw an annotation on the part of an image that shows a window of its frame.

    Args:
        pixels: (H, W, 3) BGR, drawn on.
        shape: what to draw; places that are not finite are left out.
        window: the part of the frame that the pixels show.
        colour: RGB.
        line: width, px.
        least: sides of a box as it is drawn, px, where both are smaller.
        beside: another shape, around whose box this one's is drawn where they would hide each other.
    """
    import cv2

    bgr = colour[::-1]
    box = placed_box(pixels, shape, window, least) if shape.has_box else None
    if box is not None and beside is not None and beside.has_box:
        other = placed_box(pixels, beside, window, least)
        out = line + 2  # beyond the dark edge of the other one
        if np.abs(box - other).max() <= out:
            box = other + np.array([-out, -out, out, out])
    rings = [placed(pixels, ring, window) for ring in shape.rings]
    thin = line if shape.is_rotated else min(line, 2)  # of a wide mark the box is enough
    for width, ink in ((2, DARK), (0, bgr)):
        if box is not None:
            x_min, y_min, x_max, y_max = box.tolist()  # half-open: a box that ends with the image has its line on the last pixel
            cv2.rectangle(pixels, (x_min, y_min), (max(x_min, x_max - 1), max(y_min, y_max - 1)), ink, line + width)
        for ring in rings:
            cv2.polylines(pixels, [ring.reshape(-1, 1, 2)], True, ink, thin + width, cv2.LINE_AA)
    radius = 2 if max(pixels.shape[:2]) < 200 else 3
    places = placed(pixels, [v for k, v in enumerate(shape.points) if k % 3 != 2], window).tolist()
    for (x, y), visibility in zip(places, shape.points[2::3], strict=True):
        cv2.circle(pixels, (x, y), radius + 1, DARK, -1, cv2.LINE_AA)
        cv2.circle(pixels, (x, y), radius, bgr, -1 if visibility == 2 else 1, cv2.LINE_AA)


def placed(pixels: Pixels, flat: Sequence[float], window: Box) -> NDArray[np.int32]:
    """Return places, x, y, ..., in px of the pixels, (N, 2)."""
    rows, columns = pixels.shape[:2]
    scale = columns / (window[2] - window[0]), rows / (window[3] - window[1])
    points = (np.asarray(flat, np.float64).reshape(-1, 2) - window[:2]) * scale
    moved: NDArray[np.int32] = np.rint(np.clip(points, -REACH, REACH)).astype(np.int32)
    return moved


def placed_box(pixels: Pixels, shape: Shape, window: Box, least: int = 0) -> NDArray[np.int32]:
    """Return xyxy of a shape's box in px of the pixels, its corners sorted; one smaller than `least` is as large as that."""
    corners = placed(pixels, shape.box, window)
    low, high = corners.min(axis=0), corners.max(axis=0)
    if max(high - low) < least:
        low = (low + high) // 2 - least // 2
        high = low + least
    return np.concatenate([low, high])
