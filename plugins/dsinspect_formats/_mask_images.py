"""Masks that stand in annotation files as PNG images of their box: their pixels as COCO's run-length masks."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from dsinspect.geometry.rle import encode_mask
from dsinspect.io.image_codec import UnreadableError, decode
from dsinspect_formats._values import Box

_MOST_PIXELS = 1 << 28


def mask_in_image(content: bytes, box: Box, size_wh: tuple[float, float]) -> bytes | None:
    """Return a mask as the `segmentation` column holds it; None when the size of the image is not known.

    Args:
        content: a PNG as large as the box.
        box: of the mask, px.
        size_wh: of the image.

    Raises:
        ValueError: in words: it is no PNG of the size of its box, or that does not lie in the image.
    """
    if not all(map(math.isfinite, (*size_wh, *box))):
        return None
    left, top, right, bottom = map(round, box)
    width, height = map(int, size_wh)
    if left < 0 or top < 0 or right > width or bottom > height or height * width > _MOST_PIXELS:
        raise ValueError(f"the mask's box {left}, {top}, {right}, {bottom} does not lie in the {width} x {height} px image")
    whole = np.zeros((height, width), bool)
    whole[top:bottom, left:right] = _pixels(content, (right - left, bottom - top))
    return msgspec.json.encode({"size": [height, width], "counts": encode_mask(whole)})


def _pixels(content: bytes, size_wh: tuple[int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return what is drawn of a PNG, (H, W): where it is not black, or not transparent where it has transparency."""
    sides = (int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big"))
    if content[:8] != b"\x89PNG\r\n\x1a\n" or sides != size_wh:
        raise ValueError(f"mask is not a PNG of {size_wh[0]} x {size_wh[1]} px, the size of its box")
    try:
        pixels = decode(content)
    except UnreadableError as e:
        raise ValueError(f"mask: {e}") from None
    drawn: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (
        pixels if pixels.ndim == 2 else pixels[..., 3] if pixels.shape[2] == 4 else pixels[..., 0]) > 0
    return drawn
