"""`resize`: change the size of images, keeping their proportions or not.

Say one of: `size` (exactly that size, so that things are stretched), `scale` (by a factor), `short` (that shorter side,
with `cap` for the longer one, as two-stage detectors are trained), `long` (that longer side).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from dsinspect.errors import UserError
from dsinspect.geometry.affine import scaling
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.transforms import ImageRow, Params, Transform
from dsinspect_transforms._choices import size_wh
from dsinspect_transforms._resampling import INTERPOLATION, INTERPOLATION_SOURCE, Interpolation, resized

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Options(BaseOptions, frozen=True):
    """Options of resize."""

    size: Annotated[int | str, option("exactly this size, px: 640 or 640x480 (width x height); stretches")] = 0
    scale: Annotated[float, option("factor for both sides, 0 for none", ge=0)] = 0.0
    short: Annotated[int, option("shorter side, px, 0 for none", ge=0,
                                  source="800 with cap=1333: Mask R-CNN, Detectron2")] = 0
    cap: Annotated[int, option("longest side that `short` may lead to, px, 0 for no limit", ge=0)] = 0
    long: Annotated[int, option("longer side, px, 0 for none", ge=0)] = 0
    only_shrink: Annotated[bool, option("leave images alone that would grow")] = False
    interpolation: Annotated[Interpolation, option(INTERPOLATION, source=INTERPOLATION_SOURCE)] = "auto"


@dataclass(frozen=True, kw_only=True)
class ResizeParams(Params):
    """The size before, px, and how pixels are resampled."""

    from_width: int
    from_height: int
    interpolation: str


class Resize(Transform[ResizeParams]):
    """Change the size: exact, by a factor, or by the shorter or longer side."""

    name = "resize"
    options_type = Options

    def __init__(self, options: BaseOptions | None = None) -> None:
        """Take the options; exactly one of size, scale, short and long is said."""
        super().__init__(options)
        o = self.options
        self._size = size_wh(o.size, "resize:size")
        said = [n for n, v in (("size", any(self._size)), ("scale", o.scale), ("short", o.short), ("long", o.long)) if v]
        if options is not None and len(said) != 1:
            raise UserError(f"resize: say exactly one of size, scale, short and long{'; there are ' if said else ''}"
                            f"{' and '.join(said)}")
        if o.cap and not o.short:
            raise UserError("resize: cap goes with short")

    def plan(self, image: ImageRow) -> list[ResizeParams]:
        """Decide the new size; sides are rounded half up and at least 1 px."""
        o = self.options
        width, height = image.width, image.height
        if any(self._size):
            new_width, new_height = self._size
        else:
            factor = o.scale or 1.0
            if o.short:
                factor = o.short / min(width, height)
                if o.cap:
                    factor = min(factor, o.cap / max(width, height))
            elif o.long:
                factor = o.long / max(width, height)
            new_width, new_height = rounded(width * factor), rounded(height * factor)
        if o.only_shrink and (new_width > width or new_height > height):
            new_width, new_height = width, height
        return [ResizeParams(width=new_width, height=new_height, from_width=width, from_height=height,
                             interpolation=o.interpolation)]

    def apply(self, pixels: NDArray[Any], params: ResizeParams) -> NDArray[Any]:
        """Resample the pixels."""
        return resized(pixels, params.width, params.height, params.interpolation)

    def matrix(self, params: ResizeParams) -> NDArray[np.float64]:
        """Scale by the whole numbers of px, not by the factor asked for, so that boxes fit the image exactly."""
        return scaling(params.width / params.from_width, params.height / params.from_height)

    def changes_pixels(self, params: ResizeParams) -> bool:
        """Leave an image alone that has the size already."""
        return (params.width, params.height) != (params.from_width, params.from_height)


def rounded(side: float) -> int:
    """Return a side in whole px, rounded half up, at least 1."""
    return max(1, int(side + 0.5))
