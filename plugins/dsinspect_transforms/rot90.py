"""`rot90`: turn images by quarter turns, clockwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from dsinspect.protocols.options import BaseOptions, option
from dsinspect.protocols.transforms import ImageRow, Params, Transform

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Options(BaseOptions, frozen=True):
    """Options of rot90."""

    angle: Annotated[Literal[90, 180, 270], option("degrees, clockwise")] = 90


@dataclass(frozen=True, kw_only=True)
class TurnParams(Params):
    """The angle, degrees clockwise."""

    angle: int


class Rot90(Transform[TurnParams]):
    """Turn images by 90, 180 or 270 degrees clockwise."""

    name = "rot90"
    options_type = Options

    def plan(self, image: ImageRow) -> list[TurnParams]:
        """Exchange the sides for 90 and 270 degrees."""
        angle = self.options.angle
        width, height = (image.width, image.height) if angle == 180 else (image.height, image.width)
        return [TurnParams(width=width, height=height, angle=angle)]

    def apply(self, pixels: NDArray[Any], params: TurnParams) -> NDArray[Any]:
        """Turn the pixels."""
        import cv2

        code = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}[params.angle]
        return np.asarray(cv2.rotate(pixels, code))

    def matrix(self, params: TurnParams) -> NDArray[np.float64]:
        """Map the corners; clockwise by 90 degrees the left edge becomes the top one."""
        width, height = params.width, params.height
        return {90: np.array([[0.0, -1.0, width], [1.0, 0.0, 0.0]]),
                180: np.array([[-1.0, 0.0, width], [0.0, -1.0, height]]),
                270: np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, height]])}[params.angle]
