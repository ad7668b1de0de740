"""BOX015 box-of-boxes: one box over several objects that have boxes of their own.

Reports a box that holds at least `min_held` boxes of its class, each to at least `min_ioa` of its area. Crowd and ignored
regions are exempt.

Why it matters: the same pixels are one object and several: the detector is punished for finding either. A group is to be
marked as a crowd (Open Images' IsGroupOf), which trainers leave out.

Example: a box `person` over a spectators' stand, and in it 14 boxes `person`.

When to ignore: for classes that really hold each other (boxes in a crate).

Source of the default: two boxes in one are often a part labelled as its whole; three are a group (detr#28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity, option
from dsinspect_checks.boxes._geometry import is_judged, sizes_wh
from dsinspect_checks.boxes._pairs import repeats

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 1_000_000
"""Pairs compared together."""


class Options(BaseOptions, frozen=True):
    """Limits of BOX015."""

    min_held: Annotated[int, option("boxes of its class that a box holds", ge=2)] = 3
    min_ioa: Annotated[float, option("part of a box that must lie in the other one", gt=0.5, le=1)] = 0.95


class BoxOfBoxes(RowCheck[Options]):
    """Boxes that hold several boxes of their class."""

    code = "BOX015"
    name = "box-of-boxes"
    severity = Severity.INFO
    options_type = Options

    def find(self, batch: Batch) -> Findings:
        """Count what each box holds."""
        held = held_boxes(batch, self.options.min_ioa)
        group = held >= self.options.min_held
        return Findings.of_annotations(
            batch, group, "Box holds {held:~ box|boxes} of its class (limit {limit:~}, option min_held) and is no crowd region",
            {"held": held[group], "limit": self.options.min_held}, fix=Fix("unsafe", "mark-as-crowd"))


def held_boxes(batch: Batch, min_ioa: float) -> NDArray[np.int64]:
    """Return how many smaller judged boxes of its image and class lie in each box; repeated boxes do not count.

    A box in another one has its left edge between the other's, so that of the boxes sorted by image, class and left edge only
    those up to the right edge are looked at, in blocks; boxes that are not above the median area of their image and class
    hold no three others worth the look.
    """
    held = np.zeros(len(batch.annotation_columns), np.int64)
    codes, names = batch.category_codes
    image = batch.annotation_columns["image_row"]
    rows = np.flatnonzero(is_judged(batch) & (image >= 0) & (codes >= 0) & ~batch.once(repeats))
    if len(rows) < 3:
        return held
    boxes, area = batch.boxes_xyxy[rows], sizes_wh(batch)[rows].prod(axis=1)
    group = image[rows] * len(names) + codes[rows]
    order = np.lexsort((boxes[:, 0], group))
    rows, boxes, area, group = rows[order], boxes[order], area[order], group[order]
    width = float(boxes[:, 2].max() - boxes[:, 0].min()) + 1.0
    _, number = np.unique(group, return_inverse=True)
    low = boxes[:, 0].min()
    place = number * (2 * width) + boxes[:, 0] - low
    slack = (1 - min_ioa) * (boxes[:, 2] - boxes[:, 0])
    by_area = np.lexsort((area, number))
    counts = np.bincount(number)
    third = area[by_area[np.cumsum(counts) - counts + np.minimum(counts - 1, 2)]][number]
    large = np.flatnonzero((counts[number] > 2) & (area >= 2 * third))
    start_of = number * (2 * width)
    first = np.searchsorted(place, np.maximum(place[large] - slack[large], start_of[large]), "left")
    last = np.searchsorted(place, number[large] * (2 * width) + boxes[large, 2] - low, "right")
    spans = last - first
    begin = 0
    totals = np.cumsum(spans)
    while begin < len(large):
        base = totals[begin - 1] if begin else 0
        stop = max(int(np.searchsorted(totals, base + BLOCK, "right")), begin + 1)
        n = spans[begin:stop]
        i = np.repeat(large[begin:stop], n)
        j = np.repeat(first[begin:stop], n) + np.arange(len(i)) - np.repeat(np.cumsum(n) - n, n)
        inner = np.minimum(boxes[i, 2:], boxes[j, 2:]) - np.maximum(boxes[i, :2], boxes[j, :2])
        common = np.where((inner > 0).all(axis=1), inner.prod(axis=1), 0.0)
        inside = (i != j) & (common >= min_ioa * area[j]) & (area[j] < area[i])
        held[rows] += np.bincount(i[inside], minlength=len(rows))
        begin = stop
    return held
