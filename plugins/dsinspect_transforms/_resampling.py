"""Resample pixels with OpenCV, and paint borders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Interpolation = Literal["auto", "nearest", "linear", "cubic", "area", "lanczos"]
INTERPOLATION = ("how pixels are resampled: nearest, linear, cubic, area, lanczos, or auto: area where it shrinks, "
                 "linear where it grows")
INTERPOLATION_SOURCE = "OpenCV's resize: area to shrink without moire, linear to enlarge"


def resized(pixels: NDArray[Any], width: int, height: int, interpolation: str) -> NDArray[Any]:
    """Stretch an image.

    Args:
        pixels: (H, W) or (H, W, C).
        width: of the result, px.
        height: of the result, px.
        interpolation: one of `Interpolation`. `auto` shrinks by area averaging and enlarges linearly, one axis after the
            other when one shrinks and the other grows: OpenCV's area method is linear as soon as one axis grows, and
            then skips pixels of the other.
    """
    import cv2

    methods = {"nearest": cv2.INTER_NEAREST_EXACT, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC,
               "area": cv2.INTER_AREA, "lanczos": cv2.INTER_LANCZOS4}
    old_height, old_width = pixels.shape[:2]
    if (width, height) == (old_width, old_height):
        return pixels
    if interpolation != "auto":
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=methods[interpolation]))
    smaller = (min(width, old_width), min(height, old_height))
    if smaller != (old_width, old_height):
        pixels = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA)
    if smaller != (width, height):
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(pixels)


def bordered(pixels: NDArray[Any], width: int, height: int, x: int, y: int, bgr: tuple[int, int, int]) -> NDArray[Any]:
    """Place an image on a plain ground.

    Args:
        pixels: (H, W) or (H, W, C), uint8 or uint16.
        width: of the ground, px.
        height: of the ground, px.
        x: where the image's left edge goes, px.
        y: where its top edge goes, px.
        bgr: 0 to 255; scaled to 16 bits when the pixels have them, its luma on grey pixels, opaque.
    """
    import cv2

    old_height, old_width = pixels.shape[:2]
    if (x, y, width, height) == (0, 0, old_width, old_height):
        return pixels
    return np.asarray(cv2.copyMakeBorder(pixels, y, height - old_height - y, x, width - old_width - x, cv2.BORDER_CONSTANT,
                                         value=ground_value(bgr, pixels)))


def ground_value(bgr: tuple[int, int, int], pixels: NDArray[Any]) -> tuple[int, ...]:
    """Return a colour as the pixels have it: its depth and channels."""
    top = int(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 255
    depth = top // 255
    if pixels.ndim == 2:
        blue, green, red = bgr
        return (round(0.114 * blue + 0.587 * green + 0.299 * red) * depth,)
    return (*(v * depth for v in bgr), top)[:pixels.shape[2]]
