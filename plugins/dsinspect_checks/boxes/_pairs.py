"""Boxes of one image that lie on each other: repeats, and pairs, without comparing all with all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dsinspect.findings.wording import number
from dsinspect.protocols.batch import Batch
from dsinspect.tables.columns import codes_of, objects
from dsinspect.tables.schema import CORNER_COLUMNS
from dsinspect_checks.boxes._geometry import is_judged

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 2_000_000
"""Candidate pairs looked at together: some 100 MB."""
LEAST_IOU = 0.5
"""Pairs below this overlap interest no check and are not kept."""
MOST_NEIGHBOURS = 512
"""Boxes that one box is compared with at most; reached only where that many lie on one another."""
MOST_OF_IMAGE = 2_000_000
"""Pairs of one image that are compared at most: beyond 3,900 boxes, each has fewer neighbours."""
OUTLINES = ("segmentation", *CORNER_COLUMNS)
"""Columns that distinguish two objects with one box."""


class Pairs(msgspec.Struct, frozen=True):
    """Overlapping pairs of boxes.

    Attributes:
        first: row of the earlier annotation.
        second: row of the later annotation.
        iou: intersection over union of the two, above `LEAST_IOU`.
        is_equal: whether the coordinates are the same to the last bit.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    iou: NDArray[np.float64]
    is_equal: NDArray[np.bool_]


class _Sorted(msgspec.Struct, frozen=True):
    """Judged boxes by image and left edge: rows, (N, 4) boxes, and their places on one axis for all images."""

    rows: NDArray[np.int64]
    boxes: NDArray[np.float64]
    place: NDArray[np.float64]


def named(batch: Batch, rows: NDArray[np.intp]) -> NDArray[np.object_]:
    """Return how messages name annotations: by the line; else by COCO's own id; else by the corner of the box.

    In other formats the ids are numbers counted from 0, which no file shows.
    """
    a = batch.annotation_columns
    if batch.dataset.format == "coco":
        names = [f"annotation {k}" for k in a["annotation_id"][rows].tolist()]
    else:
        corners = batch.boxes_xyxy[rows, :2]
        names = [f"the box at x {number(x)}, y {number(y)} px" for x, y in corners.tolist()]
    lines = a["line"][rows].tolist()
    return objects([f"the box on line {line}" if line > 0 else name for line, name in zip(lines, names, strict=True)])


def _by_left_edge(batch: Batch) -> _Sorted:
    rows = np.flatnonzero(is_judged(batch) & (batch.annotation_columns["image_row"] >= 0))
    boxes = batch.boxes_xyxy[rows]
    if not len(rows):
        return _Sorted(rows, boxes, np.empty(0))
    # One axis for all images: each image gets its own stretch, so that one sorting and one binary search do.
    least = boxes[:, 0].min()
    width = float(boxes[:, 2].max() - least) + 1.0
    place = batch.annotation_columns["image_row"][rows] * (2 * width) + (boxes[:, 0] - least)
    order = np.argsort(place)  # which of equal ones comes first changes no pair
    return _Sorted(rows[order], boxes[order], place[order])


def first_alike(batch: Batch) -> NDArray[np.int64]:
    """Return for each annotation the row of the first one with its image, category and box, -1 for the first one itself."""
    by_edge = batch.once(_by_left_edge)
    first = np.full(len(batch.annotation_columns), -1)
    if len(by_edge.rows) < 2:
        return first
    tied = by_edge.place[1:] == by_edge.place[:-1]
    chosen = np.append(tied, False) | np.append(False, tied)  # all others have a left edge of their own
    rows, boxes = by_edge.rows[chosen], by_edge.boxes[chosen]
    if not len(rows):
        return first
    keys = np.column_stack([by_edge.place[chosen], boxes, batch.category_codes[0][rows]])
    order = np.lexsort((rows, *keys.T))
    is_new = np.append(True, (keys[order][1:] != keys[order][:-1]).any(axis=1))
    heads = rows[order][np.maximum.accumulate(np.where(is_new, np.arange(len(order)), 0))]
    first[rows[order]] = np.where(is_new, -1, heads)
    return first


def repeated(batch: Batch) -> NDArray[np.int64]:
    """Return for each annotation the row of the first one it repeats, -1 for none.

    Two objects with one box and different outlines are no repeats; texts of outlines are compared as they stand.
    """
    first = batch.once(first_alike)
    columns = [c for c in OUTLINES if c in batch.annotation_columns]
    if not columns or not (first >= 0).any():
        return first
    rows = np.flatnonzero(first >= 0)
    rows = np.unique(np.append(rows, first[rows]))
    groups = np.where(first[rows] >= 0, first[rows], rows)
    outlines = [[v if v is None or isinstance(v, float) else bytes(v) for v in batch.annotation_columns[c][rows].tolist()]
                for c in columns]  # texts or floats; these few rows only
    keys = np.column_stack([groups, *(codes_of(objects(values))[0] for values in outlines)])
    _, head, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    heads = rows[head[inverse.reshape(-1)]]  # rows rise, so the first row of each group
    found = np.full(len(first), -1)
    found[rows] = np.where(heads == rows, -1, heads)
    return found


def overlapping_pairs(batch: Batch) -> Pairs:
    """Return the pairs of judged boxes of one image with IoU above `LEAST_IOU`; of alike boxes only the first counts.

    Boxes are sorted by image and left edge. Two boxes with IoU above t have widths within a factor of t of each other
    and left edges closer than (1 - t) widths, so only the next boxes up to that distance are compared, and of them
    `MOST_NEIGHBOURS` at most: 10,000 boxes on one place take 2 million comparisons, not 50 million.

    Five checks share it; the first of them pays, about 8 % of the time of loading on 860,000 boxes (0.2 s): half of that is
    the sorting, a quarter the searching.
    """
    by_edge = batch.once(_by_left_edge)
    chosen = batch.once(first_alike)[by_edge.rows] < 0
    rows, boxes, place = by_edge.rows[chosen], by_edge.boxes[chosen], by_edge.place[chosen]
    n = len(rows)
    if n < 2:
        empty = np.empty(0, np.int64)
        return Pairs(empty, empty, np.empty(0), np.empty(0, bool))
    width = float(boxes[:, 2].max() - boxes[:, 0].min()) + 1.0
    reach = np.minimum((boxes[:, 2] - boxes[:, 0]) * (1 - LEAST_IOU), 1.5 * width)
    ends = np.searchsorted(place, place + reach, "right")
    counts = np.maximum(ends - np.arange(n) - 1, 0)
    if counts.max() > MOST_NEIGHBOURS // 32:
        image = batch.annotation_columns["image_row"][rows]
        most = np.clip(MOST_OF_IMAGE // np.bincount(image)[image], MOST_NEIGHBOURS // 32, MOST_NEIGHBOURS)
        counts = np.minimum(counts, most)
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    limits = np.searchsorted(np.cumsum(counts), np.arange(BLOCK, counts.sum() + BLOCK, BLOCK), "right")
    start = 0
    for limit in np.unique(np.append(limits, n)):
        stop = max(int(limit), start + 1) if start < n else n
        parts.append(_compare(boxes, counts, start, min(stop, n)))
        start = min(stop, n)
        if start >= n:
            break
    i, j = (np.concatenate([p[k] for p in parts]) for k in (0, 1))
    iou = np.concatenate([p[2] for p in parts])
    first, second = np.minimum(rows[i], rows[j]), np.maximum(rows[i], rows[j])
    order = np.lexsort((second, first))
    equal = (boxes[i] == boxes[j]).all(axis=1)
    return Pairs(first[order], second[order], iou[order], equal[order])


def _compare(boxes: NDArray[np.float64], counts: NDArray[np.int64], start: int,
             stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    n = counts[start:stop]
    i = np.repeat(np.arange(start, stop), n)
    j = i + 1 + np.arange(len(i)) - np.repeat(np.cumsum(n) - n, n)
    a, b = boxes[i], boxes[j]
    inner = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    common = np.where((inner > 0).all(axis=1), inner[:, 0] * inner[:, 1], 0.0)
    area = ((a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])) + ((b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]))
    with np.errstate(invalid="ignore", over="ignore"):  # boxes of 1e300 px
        iou = common / (area - common)
    kept = iou > LEAST_IOU
    return i[kept], j[kept], iou[kept]


def repeats(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask of boxes equal to an earlier one of the same image and category."""
    return batch.once(first_alike) >= 0
