"""Boxes as the network sees them: their sizes after letterboxing to the training size; an exact state of counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect_checks.boxes._geometry import is_judged, sizes_wh

if TYPE_CHECKING:
    from numpy.typing import NDArray


def scaled_wh(batch: Batch, imgsz: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the (N, 2) sizes of the judged boxes, px, after letterboxing to `imgsz`, and their rows in the batch."""
    size = batch.box_image_wh
    rows = np.flatnonzero(is_judged(batch) & ~np.isnan(size).any(axis=1))
    scale = imgsz / size[rows].max(axis=1, initial=1.0)
    return sizes_wh(batch)[rows] * scale[:, None], rows
