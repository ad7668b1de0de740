"""`gray`: take the colour out of images.

Luma by ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B), as OpenCV and Pillow do it. With `channels=3` the image stays a colour
file whose channels are equal, for networks that want three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from dsinspect.geometry.affine import identity
from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.transforms import ImageRow, Params, Transform

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Options(BaseOptions, frozen=True):
    """Options of gray."""

    channels: Annotated[Literal[1, 3], option("1 for a grey file, 3 for a colour file with equal channels")] = 1


@dataclass(frozen=True, kw_only=True)
class GrayParams(Params):
    """How many channels come out."""

    channels: int


class Gray(Transform[GrayParams]):
    """Take the colour out."""

    name = "gray"
    options_type = Options

    def plan(self, image: ImageRow) -> list[GrayParams]:
        """Keep the size."""
        return [GrayParams(width=image.width, height=image.height, channels=self.options.channels)]

    def apply(self, pixels: NDArray[Any], params: GrayParams) -> NDArray[Any]:
        """Compute the luma; alpha is left out."""
        import cv2

        if pixels.ndim == 3:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY if pixels.shape[2] == 3 else cv2.COLOR_BGRA2GRAY)
        return np.repeat(pixels[..., None], 3, axis=2) if params.channels == 3 else pixels

    def matrix(self, params: GrayParams) -> NDArray[np.float64]:
        """Move nothing."""
        return identity()
