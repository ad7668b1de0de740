"""`bgr`: exchange the first and the last colour channel, so that BGR becomes RGB and RGB becomes BGR.

OpenCV reads BGR, most networks want RGB. An image file holds what its colours are, so this is for programs that store
what they got from OpenCV as if it were RGB, or that read in the wrong order and cannot be changed: faces turn blue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.geometry.affine import identity
from dsinspect.protocols.transforms import ImageRow, Params, Transform

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Bgr(Transform[Params]):
    """Exchange red and blue."""

    name = "bgr"

    def plan(self, image: ImageRow) -> list[Params]:
        """Keep the size."""
        return [Params(width=image.width, height=image.height)]

    def apply(self, pixels: NDArray[Any], params: Params) -> NDArray[Any]:
        """Exchange the channels; grey stays as it is, and so does alpha."""
        if pixels.ndim == 2:
            return pixels
        order = [2, 1, 0, *range(3, pixels.shape[2])]
        return np.ascontiguousarray(pixels[..., order])

    def matrix(self, params: Params) -> NDArray[np.float64]:
        """Move nothing."""
        return identity()
