"""EXIF orientations, 1 to 8, as matrices and on pixels (EXIF 2.32, tag 0x0112)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Rows of the matrix from stored to upright px: factors of x, y and what is added (a factor of width, one of height).
_UPRIGHT = {
    1: ((1, 0, 0, 0), (0, 1, 0, 0)),
    2: ((-1, 0, 1, 0), (0, 1, 0, 0)),
    3: ((-1, 0, 1, 0), (0, -1, 0, 1)),
    4: ((1, 0, 0, 0), (0, -1, 0, 1)),
    5: ((0, 1, 0, 0), (1, 0, 0, 0)),
    6: ((0, -1, 0, 1), (1, 0, 0, 0)),
    7: ((0, -1, 0, 1), (-1, 0, 1, 0)),
    8: ((0, 1, 0, 0), (-1, 0, 1, 0)),
}


def orientation_matrix(orientation: int, width: int, height: int) -> NDArray[np.float64]:
    """Return the (2, 3) matrix from stored to upright px of a picture stored with `width` and `height` px."""
    return np.array([[a, b, c * width + d * height] for a, b, c, d in _UPRIGHT[orientation]], np.float64)


def turned_upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return stored pixels, (H, W) or (H, W, C), as they are meant to be seen."""
    if orientation == 1:
        return pixels
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    across = orientation in (2, 3, 6, 7)
    down = orientation in (3, 4, 7, 8)
    return np.ascontiguousarray(pixels[::-1 if down else 1, ::-1 if across else 1])
