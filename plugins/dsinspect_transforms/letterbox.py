"""`letterbox`: shrink or enlarge images into a frame, keeping their proportions, and fill the rest with a plain colour.

What YOLO-style networks see: offline, with every box moved along. With `stride` the frame is only as large as the next
multiple of it needs, for training on rectangles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from dsinspect.errors import UserError
from dsinspect.geometry.affine import compose, scaling, translation
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.transforms import ImageRow, Params, Transform
from dsinspect_transforms._choices import Anchor, colour_bgr, offset, size_wh
from dsinspect_transforms._resampling import INTERPOLATION, INTERPOLATION_SOURCE, Interpolation, bordered, resized

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Options(BaseOptions, frozen=True):
    """Options of letterbox."""

    size: Annotated[int | str, option("frame, px: 640 or 640x480 (width x height)",
                                      source="YOLOv5 to YOLO26 train at 640")] = 640
    stride: Annotated[int, option("pad only up to a multiple of it, px; 0 pads to the whole frame", ge=0,
                                  source="32 in YOLOv5's rectangular training")] = 0
    colour: Annotated[int | str, option("of the ground: a grey (114), R,G,B or #rrggbb", source="114: since YOLOv5")] = 114
    anchor: Annotated[Anchor, option("where the image stands in the frame")] = "center"
    enlarge: Annotated[bool, option("enlarge images that are smaller than the frame")] = True
    interpolation: Annotated[Interpolation, option(INTERPOLATION, source=INTERPOLATION_SOURCE)] = "auto"


@dataclass(frozen=True, kw_only=True)
class LetterboxParams(Params):
    """Size before and after resampling and the image's place in the frame, px; the colour, blue first."""

    from_width: int
    from_height: int
    inner_width: int
    inner_height: int
    x: int
    y: int
    colour_bgr: tuple[int, int, int]
    interpolation: str


class Letterbox(Transform[LetterboxParams]):
    """Fit images into a frame, keeping their proportions, on a plain ground."""

    name = "letterbox"
    options_type = Options

    def __init__(self, options: BaseOptions | None = None) -> None:
        """Take the options."""
        super().__init__(options)
        self._size = size_wh(self.options.size, "letterbox:size")
        if not any(self._size):
            raise UserError("letterbox:size=0: a frame has at least 1 px")
        self._colour = colour_bgr(self.options.colour, "letterbox:colour")

    def plan(self, image: ImageRow) -> list[LetterboxParams]:
        """Decide the inner size and place; an odd px of padding goes right and below, as Ultralytics rounds it."""
        o = self.options
        width, height = self._size
        factor = min(width / image.width, height / image.height)
        if not o.enlarge:
            factor = min(factor, 1.0)
        inner_width = min(width, max(1, round(image.width * factor)))
        inner_height = min(height, max(1, round(image.height * factor)))
        if o.stride:
            width, height = -(-inner_width // o.stride) * o.stride, -(-inner_height // o.stride) * o.stride
        x, y = offset(width - inner_width, height - inner_height, o.anchor)
        return [LetterboxParams(width=width, height=height, from_width=image.width, from_height=image.height,
                                inner_width=inner_width, inner_height=inner_height, x=x, y=y, colour_bgr=self._colour,
                                interpolation=o.interpolation)]

    def apply(self, pixels: NDArray[Any], params: LetterboxParams) -> NDArray[Any]:
        """Resample, then paint the ground."""
        inner = resized(pixels, params.inner_width, params.inner_height, params.interpolation)
        return bordered(inner, params.width, params.height, params.x, params.y, params.colour_bgr)

    def matrix(self, params: LetterboxParams) -> NDArray[np.float64]:
        """Scale by the whole numbers of px, then shift."""
        return compose(scaling(params.inner_width / params.from_width, params.inner_height / params.from_height),
                       translation(params.x, params.y))

    def changes_pixels(self, params: LetterboxParams) -> bool:
        """Leave an image alone that fills the frame already."""
        return (params.width, params.height) != (params.from_width, params.from_height)
