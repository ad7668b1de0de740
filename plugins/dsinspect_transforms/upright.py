"""`upright`: apply the EXIF orientation to pixels and boxes.

A camera held on its side stores the image lying and notes how to turn it. Some programs turn it, some do not, and boxes
drawn in one do not fit in the other. Afterwards there is one image, without a note.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsinspect.geometry.exif import orientation_matrix, turned_upright
from dsinspect.protocols.transforms import ImageRow, Params, Transform

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class UprightParams(Params):
    """The orientation that is applied, 1 to 8, and whether reading has applied the file's already."""

    orientation: int
    was_turned: bool


class Upright(Transform[UprightParams]):
    """Turn images and boxes as the EXIF orientation says, and leave the tag out."""

    name = "upright"
    reads_orientation = True

    def plan(self, image: ImageRow) -> list[UprightParams]:
        """Exchange the sides for orientations 5 to 8."""
        swaps = image.orientation >= 5
        width, height = (image.height, image.width) if swaps else (image.width, image.height)
        return [UprightParams(width=width, height=height, orientation=image.orientation, was_turned=image.was_turned)]

    def apply(self, pixels: NDArray[Any], params: UprightParams) -> NDArray[Any]:
        """Turn the pixels."""
        return turned_upright(pixels, params.orientation)

    def matrix(self, params: UprightParams) -> NDArray[np.float64]:
        """Turn the boxes along."""
        swaps = params.orientation >= 5
        width, height = (params.height, params.width) if swaps else (params.width, params.height)
        return orientation_matrix(params.orientation, width, height)

    def changes_pixels(self, params: UprightParams) -> bool:
        """Leave a file alone that has no orientation."""
        return params.orientation != 1 or params.was_turned
