"""BOX015 box-of-boxes: one box over several objects that have boxes of their own.

Reports a box that holds at least `min_held` boxes of its class, each to at least `min_ioa` of its area, that together cover at
least `min_cover` of it and whose areas are alike: the largest at most `max_ratio` times the smallest. Crowd and ignored regions
are exempt. Where a class has more than `max_boxes` boxes in one image they are not compared: their pairs grow as the square.

Why it matters: the same pixels are one object and several: the detector is punished for finding either. A group is to be
marked as a crowd (Open Images' IsGroupOf), which trainers leave out.

Example: a box `person` over a spectators' stand, and in it 14 boxes `person`.

When to ignore: for classes that really hold each other (boxes in a crate).

Source of the default: two boxes in one are often a part labelled as its whole; three are a group (detr#28). Looked at on 2 real
sets: near cars with far ones behind them, and large particles with small ones, are covered to 4 to 38 %, to 18 % where what
they hold is of like size; a box drawn around its members is fuller of them.
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
GRID = 32
HOLDERS = 1024
"""Boxes measured together."""


class Options(BaseOptions, frozen=True):
    """Limits of BOX015."""

    min_held: Annotated[int, option("boxes of its class that a box holds", ge=2)] = 3
    min_ioa: Annotated[float, option("part of a box that must lie in the other one", gt=0.5, le=1)] = 0.95
    min_cover: Annotated[float, option("part of the box that those it holds cover together", ge=0, le=1)] = 0.3
    max_ratio: Annotated[float, option("ratio of the largest to the smallest area of the boxes it holds", ge=1)] = 6.0
    max_boxes: Annotated[int, option("boxes of a class in an image that are compared", ge=3)] = 4_000


class BoxOfBoxes(RowCheck[Options]):
    """Boxes that hold several boxes of their class."""

    code = "BOX015"
    name = "box-of-boxes"
    severity = Severity.INFO
    options_type = Options

    def find(self, batch: Batch) -> Findings:
        """Count what each box holds, and measure how much of it that covers."""
        o = self.options
        holder, inner = held_pairs(batch, o.min_ioa, o.max_boxes)
        held = np.bincount(holder, minlength=len(batch.annotation_columns))
        area = sizes_wh(batch).prod(axis=1)
        least, most = np.full(len(held), np.inf), np.zeros(len(held))
        np.minimum.at(least, holder, area[inner])
        np.maximum.at(most, holder, area[inner])
        group = np.flatnonzero((held >= o.min_held) & (most <= o.max_ratio * least))
        cover = covered(batch.boxes_xyxy, group, holder, inner)
        group, cover = group[cover >= o.min_cover], cover[cover >= o.min_cover]
        return Findings.of_annotations(
            batch, group, "Box holds {held:~ box|boxes} of its class (limit {limit:~}, option min_held), which cover {cover:.0%} "
            "of it (limit {least:.0%}, option min_cover), and is no crowd region",
            {"held": held[group], "limit": o.min_held, "cover": cover, "least": o.min_cover}, fix=Fix("unsafe", "mark-as-crowd"))


def covered(boxes: NDArray[np.float64], group: NDArray[np.intp], holder: NDArray[np.intp],
            inner: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return what part of each box the boxes in it cover together, by the centres of 32 x 32 cells.

    Args:
        boxes: (N, 4) px.
        group: (K,) rows to be measured, ascending.
        holder: (M,) rows of boxes that hold another one, the same ones in one run.
        inner: (M,) rows of the boxes they hold.

    Returns:
        (K,) parts from 0 to 1.
    """
    parts = np.zeros(len(group))
    kept = np.isin(holder, group)
    holder, inner = holder[kept], inner[kept]
    order = np.argsort(holder, kind="stable")
    holder, inner = holder[order], inner[order]
    for start in range(0, len(group), HOLDERS):
        some = group[start:start + HOLDERS]
        rows = slice(*np.searchsorted(holder, [some[0], some[-1] + 1]))
        number = np.searchsorted(some, holder[rows])
        outer = boxes[holder[rows]]
        place = (boxes[inner[rows]] - outer[:, [0, 1, 0, 1]]) / np.tile(outer[:, 2:] - outer[:, :2], 2)
        left, top, right, bottom = np.clip(np.ceil(place * GRID - 0.5), 0, GRID).astype(np.intp).T
        # Each box adds one to the cells from its corner on, and takes it away beyond its sides.
        steps = np.zeros((len(some), GRID + 1, GRID + 1), np.int32)
        for y, x, sign in ((top, left, 1), (top, right, -1), (bottom, left, -1), (bottom, right, 1)):
            np.add.at(steps, (number, y, x), sign)
        depth = steps.cumsum(axis=1).cumsum(axis=2)[:, :GRID, :GRID]
        parts[start:start + HOLDERS] = (depth > 0).mean(axis=(1, 2))
    return parts


def held_pairs(batch: Batch, min_ioa: float, max_boxes: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows of boxes, and of the smaller judged boxes of their image and class in them; repeated boxes do not count.

    A box in another one has its left edge between the other's, so that of the boxes sorted by image, class and left edge only
    those up to the right edge are looked at, in blocks; boxes that are not above the median area of their image and class
    hold no three others worth the look.
    """
    none = np.zeros(0, np.intp)
    codes, names = batch.category_codes
    image = batch.annotation_columns["image_row"]
    rows = np.flatnonzero(is_judged(batch) & (image >= 0) & (codes >= 0) & ~batch.once(repeats))
    if len(rows) < 3:
        return none, none
    pairs = [(none, none)]
    _, number, counts = np.unique(image[rows] * len(names) + codes[rows], return_inverse=True, return_counts=True)
    rows = rows[(counts <= max_boxes)[number]]
    if len(rows) < 3:
        return none, none
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
        pairs.append((rows[i[inside]], rows[j[inside]]))
        begin = stop
    return np.concatenate([i for i, _ in pairs]), np.concatenate([j for _, j in pairs])
