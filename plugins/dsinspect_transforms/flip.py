"""`flip`: mirror images.

What was on the left is on the right afterwards: where class names or keypoints tell left from right, use
--swap-mirrored. Text and traffic signs do not survive it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.transforms import ImageRow, Params, Transform

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Options(BaseOptions, frozen=True):
    """Options of flip."""

    axis: Annotated[Literal["horizontal", "vertical", "both"],
                    option("horizontal exchanges left and right, vertical top and bottom")] = "horizontal"


@dataclass(frozen=True, kw_only=True)
class FlipParams(Params):
    """The axis."""

    axis: str


class Flip(Transform[FlipParams]):
    """Mirror images left to right, top to bottom, or both."""

    name = "flip"
    options_type = Options

    def plan(self, image: ImageRow) -> list[FlipParams]:
        """Keep the size."""
        return [FlipParams(width=image.width, height=image.height, axis=self.options.axis)]

    def apply(self, pixels: NDArray[Any], params: FlipParams) -> NDArray[Any]:
        """Mirror the pixels."""
        import cv2

        return np.asarray(cv2.flip(pixels, {"horizontal": 1, "vertical": 0, "both": -1}[params.axis]))

    def matrix(self, params: FlipParams) -> NDArray[np.float64]:
        """Map x to width - x, y to height - y, or both."""
        x, y = params.axis != "vertical", params.axis != "horizontal"
        return np.array([[-1.0 if x else 1.0, 0.0, params.width if x else 0.0],
                         [0.0, -1.0 if y else 1.0, params.height if y else 0.0]])
