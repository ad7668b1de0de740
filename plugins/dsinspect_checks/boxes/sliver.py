"""BOX014 sliver: thin remains of boxes at the border of their image.

Reports a box that touches a border of its image and of which, away from that border, at most `max_px` px are left, or at most
`max_part` of the median of its class and `max_part_px` px, in classes of which more than `min_share` of the boxes are like that.
Crowds are exempt.

Why it matters: they are what cutting images into tiles leaves of objects that lie in the next tile: too little to see what it
is, and so many of them teach edges of images as objects (SARDet_100K#3; sahi has `min_area_ratio` against them).

Example: 3 % of the ships are 2 to 4 px wide, at the right edge of a tile.

When to ignore: when even the smallest visible part of an object is to be found.

Source of the default: 4 px are half a cell of the finest level of a detector; an eighth is below sahi's tenth of the area for
most shapes. Of classes of large objects an eighth can be 30 px, enough to see a car by: 8 of 9 such boxes of a real set were
right, so 8 px, one cell of the finest level, are the most. Looked at on 10 real sets (25,000 boxes): only those of bars at the
border of augmented images are reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Fix, Result, Severity, option
from dsinspect.tables.columns import Columns, codes_of
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks._places import place_columns, places_of
from dsinspect_checks.boxes._geometry import is_judged, sizes_wh

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = tuple[Columns, ...]
TOUCHES = 1.0
"""px from the border within which a box touches it."""


class Options(BaseOptions, frozen=True):
    """Limits of BOX014."""

    max_px: Annotated[float, option("px that are left of a sliver", ge=0)] = 4.0
    max_part: Annotated[float, option("part of its class's median side that is left of a sliver", ge=0, le=1)] = 0.125
    max_part_px: Annotated[float, option("px up to which max_part counts", ge=0)] = 8.0
    min_share: Annotated[float, option("share of slivers from which a class is reported", ge=0, le=1)] = 0.01
    min_boxes: Annotated[int, option("boxes a class must have to be judged", ge=1)] = 50


class Sliver(Check[State, Options]):
    """Thin boxes at the border, in classes with many of them."""

    code = "BOX014"
    name = "sliver"
    severity = Severity.INFO
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Keep the sides of every judged box, and how much of it is left at a border."""
        rows = np.flatnonzero(is_judged(batch) & (batch.category_codes[0] >= 0) & ~np.isnan(batch.box_image_wh).any(axis=1))
        if not len(rows):
            return ()
        wh, boxes, size = sizes_wh(batch)[rows], batch.boxes_xyxy[rows], batch.box_image_wh[rows]
        touches = (boxes[:, :2] <= TOUCHES) | (boxes[:, 2:] >= size - TOUCHES)
        left = np.where(touches, wh, np.inf)
        return (places_of(batch).take(rows).with_columns({"width": wh[:, 0], "height": wh[:, 1], "left_x": left[:, 0],
                                                          "left_y": left[:, 1]}),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Hold what is left against the medians of the class."""
        if not state:
            return Result()
        table = Columns.concat(state)
        codes, names = codes_of(table["category"])
        o = self.options
        medians = np.column_stack([_medians(table[side], codes) for side in ("width", "height")])
        limits = np.maximum(o.max_px, np.minimum(o.max_part * medians, o.max_part_px))
        left = table.stacked("left_x", "left_y")
        thin = left <= limits[codes]
        is_sliver = thin.any(axis=1)
        boxes, slivers = (np.bincount(c, minlength=len(names)) for c in (codes, codes[is_sliver]))
        share = slivers / boxes
        found = np.flatnonzero(is_sliver & ((boxes >= o.min_boxes) & (share > o.min_share))[codes])
        which = np.where(thin[found, 0], 0, 1)
        chosen = table.take(found)
        return Result(Findings.of_places(
            place_columns(chosen), "Box at the border has {left:~} px left (limit {limit:~} px, options max_px, max_part and "
            "max_part_px) of a usual {median:~} px; {share:.1%} of class {name} are such slivers",
            {"left": left[found, which], "limit": limits[codes[found], which], "median": medians[codes[found], which],
             "share": share[codes[found]], "name": chosen["category"]}, fix=Fix("unsafe", "drop-annotation")))


def _medians(values: NDArray[np.float64], codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the median of the values of each code; every code up to the largest has one."""
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    ordered = values[np.lexsort((values, codes))]
    medians: NDArray[np.float64] = (ordered[starts + (counts - 1) // 2] + ordered[starts + counts // 2]) / 2
    return medians
