"""Crops of images for web pages: the place of a finding with its surroundings, without marks, which the page draws itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.errors import os_reason
from dsinspect.io import image_codec
from dsinspect.io.reading import read_regular
from dsinspect.render.contact_sheet import as_bgr
from dsinspect.render.thumbnails import framed, window

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ENLARGEMENT = 6.0
"""Small crops are enlarged this much at most: more shows blocks, not the object."""


Window = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max in px of the frame."""


@dataclass(frozen=True)
class Framed:
    """An image in the frame of its boxes.

    Attributes:
        bgr: (H, W, 3) uint8.
        frame_wh: width and height of the frame that boxes are in, px; mostly those of `bgr`.
    """

    bgr: NDArray[np.uint8]
    frame_wh: tuple[float, float]


@dataclass(frozen=True)
class Crop:
    """A part of an image as a file.

    Attributes:
        content: JPEG, which is written twenty times as fast as WebP and is less than twice as large.
        window: the part it shows: x_min, y_min, x_max, y_max in px of the frame.
        size_wh: of the file, px.
    """

    content: bytes
    window: tuple[float, float, float, float]
    size_wh: tuple[int, int]


def open_framed(image: Mapping[str, Any]) -> Framed:
    """Read an image into the frame that its boxes are in.

    Args:
        image: a row of the measured images: `file`, `boxes_upright`, `frame_width`, `frame_height`, and `orientation` when known.

    Raises:
        UnreadableError: it is no file or cannot be decoded.
    """
    if image["file"] is None:
        raise image_codec.UnreadableError("no such file")
    try:
        content = read_regular(str(image["file"]), "image_mb")
    except OSError as e:
        raise image_codec.UnreadableError(os_reason(e, "cannot be read")) from None
    bgr = framed(as_bgr(image_codec.decode(content)), {"orientation": math.nan, **image})
    frame = float(image["frame_width"]), float(image["frame_height"])
    return Framed(bgr, frame if all(v > 0 for v in frame) else (float(bgr.shape[1]), float(bgr.shape[0])))


def crop(image: Framed, boxes: Sequence[Sequence[float]], room_wh: tuple[int, int], quality: int) -> Crop:
    """Return the part of an image around all of some boxes, or the whole of it.

    Args:
        image: in the frame of the boxes.
        boxes: xyxy, px of the frame; without a finite one the whole image is shown.
        room_wh: width and height that the result fits into, px.
        quality: of the JPEG, 1 to 100.

    Raises:
        UnreadableError: the encoder fails.
    """
    small, window_xyxy = cut(image, boxes, room_wh)
    content = image_codec.Encoding(jpeg_quality=quality).encode(small, ".jpg")
    return Crop(content, window_xyxy, (small.shape[1], small.shape[0]))


def cut(image: Framed, boxes: Sequence[Sequence[float]], room_wh: tuple[int, int]) -> tuple[NDArray[np.uint8], Window]:
    """Return the pixels around all of some boxes, or of the whole image, and the part of the frame that they show.

    Args:
        image: in the frame of the boxes.
        boxes: xyxy, px of the frame; without a finite one the whole image is shown.
        room_wh: width and height that the result fits into, px.
    """
    import cv2

    rows, columns = image.bgr.shape[:2]
    factors = columns / image.frame_wh[0], rows / image.frame_wh[1]
    left, top, right, bottom = 0, 0, columns, rows
    places = np.array([b for b in boxes if all(map(math.isfinite, b))], np.float64).reshape(-1, 4)
    if len(places):
        low = np.minimum(places[:, :2], places[:, 2:]).min(axis=0) * factors
        high = np.maximum(places[:, :2], places[:, 2:]).max(axis=0) * factors
        left, top, right, bottom = window([*low.tolist(), *high.tolist()], columns, rows)
    part = image.bgr[top:bottom, left:right]
    factor = min(room_wh[0] / part.shape[1], room_wh[1] / part.shape[0], MAX_ENLARGEMENT if len(places) else 1.0)
    size = max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor))
    small = cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    return np.asarray(small, np.uint8), (left / factors[0], top / factors[1], right / factors[0], bottom / factors[1])
