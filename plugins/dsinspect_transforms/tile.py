"""`tile`: cut each image into overlapping tiles, so that small objects stay large enough to learn.

A 4,000 px image shrunk to 640 px leaves a 20 px object 3 px; cut into tiles of 640 px it keeps all 20. Tiles are
spread evenly, so that all have one size and the last one ends with the image; an image smaller than a tile stays whole.
An object cut by a tile's edge is clipped, or dropped from that tile under `min_kept` of its area; the overlap lets it be
whole in the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from dsinspect.errors import UserError
from dsinspect.geometry.affine import translation
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.transforms import ImageRow, Transform
from dsinspect_transforms._choices import size_wh
from dsinspect_transforms.crop import MIN_KEPT, MIN_KEPT_SOURCE, WindowParams, window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Options(BaseOptions, frozen=True):
    """Options of tile."""

    size: Annotated[int | str, option("of a tile, px: 640 or 640x480", source="640: the usual training size")] = 640
    overlap: Annotated[float, option("share of a tile that the next one repeats at least, 0 to 0.95", ge=0, le=0.95,
                                     source="0.2: SAHI (Akyon, Altinuc and Temizel 2022)")] = 0.2
    min_kept: Annotated[float, option(MIN_KEPT, ge=0, le=1, source=MIN_KEPT_SOURCE)] = 0.1


class Tile(Transform[WindowParams]):
    """Cut images into overlapping tiles."""

    name = "tile"
    options_type = Options
    gives_many = True

    def __init__(self, options: BaseOptions | None = None) -> None:
        """Take the options."""
        super().__init__(options)
        self._size = size_wh(self.options.size, "tile:size")
        if not any(self._size):
            raise UserError("tile:size=0: a tile has at least 1 px")

    def plan(self, image: ImageRow) -> list[WindowParams]:
        """Lay out the tiles row by row; each is named after its left and top edge."""
        width, height = min(self._size[0], image.width), min(self._size[1], image.height)
        return [WindowParams(width=width, height=height, from_width=image.width, from_height=image.height, x=x, y=y,
                             tag=f"x{x}y{y}")
                for y in starts(image.height, self._size[1], self.options.overlap)
                for x in starts(image.width, self._size[0], self.options.overlap)]

    def apply(self, pixels: NDArray[Any], params: WindowParams) -> NDArray[Any]:
        """Cut the tile out."""
        return window(pixels, params)

    def matrix(self, params: WindowParams) -> NDArray[np.float64]:
        """Shift."""
        return translation(-params.x, -params.y)

    def changes_pixels(self, params: WindowParams) -> bool:
        """Leave an image alone that is one tile."""
        return (params.width, params.height) != (params.from_width, params.from_height)


def starts(side: int, tile: int, overlap: float) -> list[int]:
    """Return where tiles begin along a side, px: as few as overlap that much, evenly, the last ending with the image.

    >>> starts(1000, 640, 0.2), starts(192, 100, 0.2), starts(50, 100, 0.2)
    ([0, 360], [0, 46, 92], [0])
    """
    step = max(1, tile - int(tile * overlap))
    last = max(0, side - tile)
    gaps = -(-last // step)
    return [0, *(k * last // gaps for k in range(1, gaps + 1))]
