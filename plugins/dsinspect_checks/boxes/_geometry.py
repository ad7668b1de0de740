"""What is wrong with the geometry of each box, decided once per batch: the most specific fault only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.batch import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINE, NOT_FINITE, NO_AREA, OUTSIDE = range(4)


def faults(batch: Batch) -> NDArray[np.int8]:
    """Return one code per box: FINE, NOT_FINITE, NO_AREA (width or height <= 0) or OUTSIDE (no part in the image).

    A box in px that cannot be known, because the size of its image is not, is FINE.
    """
    boxes = batch.boxes_xyxy
    codes = np.zeros(len(boxes), np.int8)
    size = batch.box_image_wh
    with np.errstate(invalid="ignore"):
        codes[(boxes[:, :2] >= size).any(axis=1) | (boxes[:, 2:] <= 0).any(axis=1)] = OUTSIDE
        codes[(boxes[:, 2:] <= boxes[:, :2]).any(axis=1)] = NO_AREA
    codes[~np.isfinite(boxes).all(axis=1)] = NOT_FINITE
    codes[batch.has_unknown_size] = FINE
    return codes


def sizes_wh(batch: Batch) -> NDArray[np.float64]:
    """Return the (N, 2) width and height of each box, px."""
    return batch.once(_sizes_wh)


def _sizes_wh(batch: Batch) -> NDArray[np.float64]:
    boxes = batch.boxes_xyxy
    sizes: NDArray[np.float64] = boxes[:, 2:] - boxes[:, :2]
    return sizes


def is_judged(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask of boxes that are sound and no crowd or ignored region: those whose content can be judged."""
    return batch.once(_is_judged)


def _is_judged(batch: Batch) -> NDArray[np.bool_]:
    sound: NDArray[np.bool_] = (batch.once(faults) == FINE) & ~batch.is_region & ~batch.has_unknown_size
    return sound
