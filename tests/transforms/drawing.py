"""Draw a box as a filled rectangle, and find it again by its pixels."""

from __future__ import annotations

import numpy as np


def drawn(width: int, height: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """A black BGR picture with one white rectangle over the pixels of a box."""
    pixels = np.zeros((height, width, 3), np.uint8)
    x_min, y_min, x_max, y_max = box
    pixels[y_min:y_max, x_min:x_max] = 255
    return pixels


def found(pixels: np.ndarray) -> np.ndarray | None:
    """The box, xyxy, of the pixels at least half as bright as white."""
    grey = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    rows, columns = np.flatnonzero((grey >= 128).any(axis=1)), np.flatnonzero((grey >= 128).any(axis=0))
    if not len(rows):
        return None
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
