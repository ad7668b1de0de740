"""`crop`: keep a part of each image: a window by its size and place, or what is left after cutting off sides.

Boxes are clipped to the window; one that keeps less than `min_kept` of its area is dropped and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from dsinspect.errors import UserError
from dsinspect.geometry.affine import translation
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.transforms import ImageRow, Params, Transform
from dsinspect_transforms._choices import Anchor, offset, size_wh

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_KEPT = "share of a box's area, 0 to 1, that must be left for the box to stay"
MIN_KEPT_SOURCE = "0.1: SAHI's min_area_ratio, Ultralytics' area_thr"


class Options(BaseOptions, frozen=True):
    """Options of crop."""

    size: Annotated[int | str, option("window, px: 640 or 640x480; smaller where the image is smaller")] = 0
    x: Annotated[int, option("left edge of the window, px; -1: by anchor", ge=-1)] = -1
    y: Annotated[int, option("top edge of the window, px; -1: by anchor", ge=-1)] = -1
    anchor: Annotated[Anchor, option("where the window stands in the image")] = "center"
    left: Annotated[int, option("px cut off on the left", ge=0)] = 0
    top: Annotated[int, option("px cut off on top", ge=0)] = 0
    right: Annotated[int, option("px cut off on the right", ge=0)] = 0
    bottom: Annotated[int, option("px cut off below", ge=0)] = 0
    min_kept: Annotated[float, option(MIN_KEPT, ge=0, le=1, source=MIN_KEPT_SOURCE)] = 0.1


@dataclass(frozen=True, kw_only=True)
class WindowParams(Params):
    """The size before and the window's left and top edge, px."""

    from_width: int
    from_height: int
    x: int
    y: int


class Crop(Transform[WindowParams]):
    """Keep a window of each image."""

    name = "crop"
    options_type = Options

    def __init__(self, options: BaseOptions | None = None) -> None:
        """Take the options: a window, or px by side."""
        super().__init__(options)
        o = self.options
        self._size = size_wh(o.size, "crop:size")
        by_side = any((o.left, o.top, o.right, o.bottom))
        if by_side and (any(self._size) or max(o.x, o.y) >= 0):
            raise UserError("crop: say a window (size with x, y or anchor), or px by side (left, top, right, bottom), "
                            "not both")
        if options is not None and not by_side and not any(self._size):
            raise UserError("crop: say size=WIDTHxHEIGHT, or px by side (left, top, right, bottom)")

    def plan(self, image: ImageRow) -> list[WindowParams]:
        """Decide the window; it is cut where it leaves the image, and there is none outside."""
        o = self.options
        if any(self._size):
            width, height = self._size
            x, y = offset(max(0, image.width - width), max(0, image.height - height), o.anchor)
            x, y = (o.x if o.x >= 0 else x), (o.y if o.y >= 0 else y)
        else:
            x, y = o.left, o.top
            width, height = image.width - o.left - o.right, image.height - o.top - o.bottom
        width, height = min(width, image.width - x), min(height, image.height - y)
        if width < 1 or height < 1:
            return []
        return [WindowParams(width=width, height=height, from_width=image.width, from_height=image.height, x=x, y=y)]

    def apply(self, pixels: NDArray[Any], params: WindowParams) -> NDArray[Any]:
        """Cut the window out."""
        return window(pixels, params)

    def matrix(self, params: WindowParams) -> NDArray[np.float64]:
        """Shift."""
        return translation(-params.x, -params.y)

    def changes_pixels(self, params: WindowParams) -> bool:
        """Leave an image alone that is all window."""
        return (params.width, params.height) != (params.from_width, params.from_height)


def window(pixels: NDArray[Any], params: WindowParams) -> NDArray[Any]:
    """Return a copy of a window of (H, W) or (H, W, C) pixels."""
    return np.ascontiguousarray(pixels[params.y:params.y + params.height, params.x:params.x + params.width])
