"""`pad`: add a plain border, by sides, up to a size, or up to a multiple."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from dsinspect.errors import UserError
from dsinspect.geometry.affine import translation
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.transforms import ImageRow, Params, Transform
from dsinspect_transforms._choices import Anchor, colour_bgr, offset, size_wh
from dsinspect_transforms._resampling import bordered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Options(BaseOptions, frozen=True):
    """Options of pad."""

    left: Annotated[int, option("px added on the left", ge=0)] = 0
    top: Annotated[int, option("px added on top", ge=0)] = 0
    right: Annotated[int, option("px added on the right", ge=0)] = 0
    bottom: Annotated[int, option("px added below", ge=0)] = 0
    size: Annotated[int | str, option("at least this size, px: 640 or 640x480; larger images stay as they are")] = 0
    multiple: Annotated[int, option("sides up to the next multiple of it, px, 0 for none", ge=0)] = 0
    anchor: Annotated[Anchor, option("where the image stands, with size and multiple")] = "top-left"
    colour: Annotated[int | str, option("of the border: a grey (114), R,G,B or #rrggbb", source="114: since YOLOv5")] = 114


@dataclass(frozen=True, kw_only=True)
class PadParams(Params):
    """The size before and the image's place, px; the colour, blue first."""

    from_width: int
    from_height: int
    x: int
    y: int
    colour_bgr: tuple[int, int, int]


class Pad(Transform[PadParams]):
    """Add a plain border."""

    name = "pad"
    options_type = Options

    def __init__(self, options: BaseOptions | None = None) -> None:
        """Take the options: px by side, or a size, or a multiple."""
        super().__init__(options)
        o = self.options
        self._size = size_wh(o.size, "pad:size")
        self._colour = colour_bgr(o.colour, "pad:colour")
        if any((o.left, o.top, o.right, o.bottom)) and (any(self._size) or o.multiple):
            raise UserError("pad: say px by side (left, top, right, bottom), or size and multiple, not both")
        if options is not None and not any((o.left, o.top, o.right, o.bottom, *self._size, o.multiple)):
            raise UserError("pad: say px by side (left, top, right, bottom), size=WIDTHxHEIGHT, or multiple=N")

    def plan(self, image: ImageRow) -> list[PadParams]:
        """Decide the new size and the place."""
        o = self.options
        if any(self._size) or o.multiple:
            width, height = max(image.width, self._size[0]), max(image.height, self._size[1])
            if o.multiple:
                width, height = -(-width // o.multiple) * o.multiple, -(-height // o.multiple) * o.multiple
            x, y = offset(width - image.width, height - image.height, o.anchor)
        else:
            width, height = image.width + o.left + o.right, image.height + o.top + o.bottom
            x, y = o.left, o.top
        return [PadParams(width=width, height=height, from_width=image.width, from_height=image.height, x=x, y=y,
                          colour_bgr=self._colour)]

    def apply(self, pixels: NDArray[Any], params: PadParams) -> NDArray[Any]:
        """Paint the border."""
        return bordered(pixels, params.width, params.height, params.x, params.y, params.colour_bgr)

    def matrix(self, params: PadParams) -> NDArray[np.float64]:
        """Shift."""
        return translation(params.x, params.y)

    def changes_pixels(self, params: PadParams) -> bool:
        """Leave an image alone that gets no border."""
        return (params.width, params.height) != (params.from_width, params.from_height)
