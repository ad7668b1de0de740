"""How far the outlines of two objects with nearly one box agree: two triangles of one square share a box and no pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dsinspect.geometry.rle import counts_from_text
from dsinspect.protocols.batch import Batch
from dsinspect.tables.columns import objects
from dsinspect.tables.hostile_numbers import of_any_size
from dsinspect.tables.schema import CORNER_COLUMNS
from dsinspect_checks.records._polygons import RLE, shapes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_IOU = 0.7
"""Overlap of outlines from which they are of one object: two people who outline one object agree by 0.8 to 0.9."""
LINES = 32
"""Horizontal lines on which outlines are compared."""
MOST_PAIRS = 20_000
"""Pairs that are compared in a batch, about 1 s; where there are more, boxes decide alone."""
MOST_EDGES = 2_000_000
"""Edges of these pairs, about 1 s."""
BLOCK = 100_000
"""Edges of pairs compared together: some 100 MB."""


class _Mask(msgspec.Struct):
    """A run-length mask."""

    counts: list[int] | str
    size: list[float]


_decode = msgspec.json.Decoder(_Mask).decode


class _Edges(msgspec.Struct, frozen=True):
    """Edges of the outlines of N objects: (E, 4) x, y of both ends; where those of each object start, and how many it has."""

    ends: NDArray[np.float64]
    start: NDArray[np.int64]
    count: NDArray[np.int64]


@of_any_size()
def outlines_agree(batch: Batch, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pairs of annotations have outlines with an IoU of `LEAST_IOU` or more, or none that can be compared.

    Polygons are compared with polygons or rotated boxes, masks with masks of one size.
    """
    agree = np.ones(len(first), bool)
    rows, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    if not len(rows):
        return agree
    a, b = place.reshape(2, -1)
    edges, masks = _outlines(batch, rows)
    for iou in (_iou_of_polygons(edges, a, b), _iou_of_masks(masks, a, b)):
        agree &= ~(iou < LEAST_IOU)
    return agree


def _outlines(batch: Batch, rows: NDArray[np.int64]) -> tuple[_Edges, NDArray[np.object_]]:
    """Return the edges of polygons or rotated boxes, and the text of masks."""
    columns = batch.annotation_columns
    raws = columns["segmentation"][rows] if "segmentation" in columns else objects([None] * len(rows))
    shapes = shapes_of(raws)
    points, starts, owners = shapes.points, shapes.starts, shapes.owners
    if CORNER_COLUMNS[0] in columns:
        corners = columns.stacked(*CORNER_COLUMNS)[rows]
        turned = np.flatnonzero(np.isfinite(corners).all(axis=1) & (np.bincount(owners, minlength=len(rows)) == 0))
        starts = np.append(starts, len(points) + 4 * np.arange(len(turned)))
        points, owners = np.concatenate([points, corners[turned].reshape(-1, 2)]), np.append(owners, turned)
    lengths = np.diff(np.append(starts, len(points)))
    following = np.arange(1, len(points) + 1)
    following[starts + lengths - 1] = starts  # each ring closes on itself
    owner = np.repeat(owners, lengths)
    order = np.argsort(owner, kind="stable")
    ends = np.column_stack([points, points[following] if len(points) else points])[order]
    count = np.bincount(owner, minlength=len(rows))
    start = np.cumsum(count) - count
    count[owner[order][~np.isfinite(ends).all(axis=1)]] = 0  # cannot be compared
    return _Edges(ends, start, count), objects([raw if kind == RLE else None for raw, kind in zip(raws, shapes.kind, strict=True)])


def _iou_of_polygons(edges: _Edges, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    iou = np.full(len(a), np.nan)
    pairs = np.flatnonzero((edges.count[a] > 0) & (edges.count[b] > 0))[:MOST_PAIRS]
    total = np.cumsum(edges.count[a[pairs]] + edges.count[b[pairs]])
    pairs, total = pairs[total <= MOST_EDGES], total[total <= MOST_EDGES]
    for block in np.split(pairs, np.flatnonzero(np.diff(total // BLOCK)) + 1):
        if len(block):
            iou[block] = _compare(edges, a[block], b[block])
    return iou


def _compare(edges: _Edges, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the IoU of pairs of outlines, by the stretches that they cover on lines across both."""
    n = len(a)
    own = np.concatenate([a, b])
    counts = edges.count[own]
    side = np.repeat(np.arange(2 * n), counts)  # pairs by their first outline, then by their second one
    within = np.arange(len(side)) - np.repeat(np.cumsum(counts) - counts, counts)
    x, y, x_next, y_next = edges.ends[edges.start[own][side] + within].T
    pair = side % n
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, pair, y)
    np.maximum.at(high, pair, y)
    lines = low[:, None] + (high - low)[:, None] * ((np.arange(LINES) + 0.5) / LINES)
    on = lines[pair]
    edge, line = np.nonzero((y[:, None] <= on) != (y_next[:, None] <= on))
    part = (on[edge, line] - y[edge]) / (y_next[edge] - y[edge])
    return _iou(pair[edge] * LINES + line, side[edge] < n, x[edge] + part * (x_next[edge] - x[edge]), n, LINES)


def _iou(line: NDArray[np.int64], is_first: NDArray[np.bool_], places: NDArray[np.float64], pairs: int,
         lines: int) -> NDArray[np.float64]:
    """Return the IoU of pairs of sets of stretches; each set begins or ends at each of its places, an even number on a line."""
    order = np.lexsort((places, line))
    line, is_first, places = line[order], is_first[order], places[order]
    in_first, in_second = np.cumsum(is_first) % 2 == 1, np.cumsum(~is_first) % 2 == 1
    width = np.append(np.diff(places), 0.0)
    pair = line // lines
    both, either = (np.bincount(pair[inside], width[inside], minlength=pairs)
                    for inside in (in_first & in_second, in_first | in_second))
    return np.where(either > 0, both / either, np.nan)


def _iou_of_masks(masks: NDArray[np.object_], a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    iou = np.full(len(a), np.nan)
    pairs = np.flatnonzero((masks[a] != None) & (masks[b] != None))  # noqa: E711 (by element)
    pairs = pairs[:MOST_PAIRS]
    edges: dict[int, tuple[tuple[float, ...], NDArray[np.int64]] | None] = {}
    compared = 0
    for k in pairs.tolist():
        one, other = (edges.setdefault(row, _edges_of_mask(masks[row])) if row not in edges else edges[row]
                      for row in (int(a[k]), int(b[k])))
        if one is None or other is None or one[0] != other[0]:
            continue
        compared += len(one[1]) + len(other[1])
        if compared > MOST_EDGES:
            break
        is_first = np.append(np.ones(len(one[1]), bool), np.zeros(len(other[1]), bool))
        iou[k] = _iou(np.zeros(len(is_first), np.int64), is_first, np.append(one[1], other[1]).astype(float), 1, 1)[0]
    return iou


def _edges_of_mask(raw: bytes) -> tuple[tuple[float, ...], NDArray[np.int64]] | None:
    """Return the size of a mask, and where its stretches of ones begin and end among its pixels; None when it is damaged."""
    try:
        mask = _decode(raw)
        runs = counts_from_text(mask.counts) if isinstance(mask.counts, str) else np.array(mask.counts, np.int64)
    except (msgspec.MsgspecError, ValueError, OverflowError):  # REC014 and SRC001 report it
        return None
    if (runs < 0).any():
        return None
    return tuple(mask.size), np.cumsum(runs)[:len(runs) // 2 * 2]
