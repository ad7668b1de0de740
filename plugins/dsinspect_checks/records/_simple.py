"""Whether polygons are simple, for many at once: which of them cross themselves or run along themselves.

The edges of all polygons are laid on one axis, each polygon on a stretch of its own, and sorted by their left end, so that an edge
is compared only with those that begin before it ends: a few for each, however long the polygons are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIMPLE, SEAM, CROSSES = 0, 1, 2
BLOCK = 500_000
"""Pairs of edges compared together."""


def faults_of_rings(points: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return the worst fault of each ring: SIMPLE, SEAM (an edge lies on another one) or CROSSES.

    Args:
        points: (P, 2) points of all rings, one after the other.
        starts: (R,) where each ring starts.
    """
    faults = np.zeros(len(starts), np.int8)
    if not len(points):
        return faults
    a, b, ring, number, count = _edges(points, starts)
    if not len(a):
        return faults
    finite = np.isfinite(a).all(axis=1) & np.isfinite(b).all(axis=1)
    a, b, ring, number, count = a[finite], b[finite], ring[finite], number[finite], count[finite]
    low, high = np.minimum(a[:, 0], b[:, 0]), np.maximum(a[:, 0], b[:, 0])
    width = float(high.max(initial=0) - low.min(initial=0)) + 1.0
    base = ring * (2 * width) - low.min(initial=0)
    order = np.argsort(low + base, kind="stable")
    a, b, ring, number, count = a[order], b[order], ring[order], number[order], count[order]
    left, right = (low + base)[order], (high + base)[order]
    ends = np.searchsorted(left, right, "right")
    spans = np.maximum(ends - np.arange(len(a)) - 1, 0)
    totals = np.cumsum(spans)
    begin = 0
    while begin < len(a):
        before = totals[begin - 1] if begin else 0
        stop = max(int(np.searchsorted(totals, before + BLOCK, "right")), begin + 1)
        n = spans[begin:stop]
        i = np.repeat(np.arange(begin, stop), n)
        j = i + 1 + np.arange(len(i)) - np.repeat(np.cumsum(n) - n, n)
        begin = stop
        meet = (np.minimum(a[i, 1], b[i, 1]) <= np.maximum(a[j, 1], b[j, 1])) \
            & (np.minimum(a[j, 1], b[j, 1]) <= np.maximum(a[i, 1], b[i, 1]))
        i, j = i[meet], j[meet]
        step = np.abs(number[i] - number[j])
        neighbours = (step == 1) | (step == count[i] - 1)
        d1, d2 = _side(a[j], b[j], a[i]), _side(a[j], b[j], b[i])
        d3, d4 = _side(a[i], b[i], a[j]), _side(a[i], b[i], b[j])
        crosses = (d1 * d2 < 0) & (d3 * d4 < 0) & ~neighbours
        along = (d1 == 0) & (d2 == 0) & (d3 == 0) & (d4 == 0) & _overlap(a[i], b[i], a[j], b[j])
        np.maximum.at(faults, ring[i[along]], np.int8(SEAM))
        np.maximum.at(faults, ring[i[crosses]], np.int8(CROSSES))
    return faults


def _edges(points: NDArray[np.float64], starts: NDArray[np.int64]) -> tuple[
        NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return both ends of each edge of some length, its ring, its number in the ring, and the ring's number of edges."""
    lengths = np.diff(np.append(starts, len(points)))
    ring = np.repeat(np.arange(len(starts)), lengths)
    following = np.arange(1, len(points) + 1)
    following[starts + lengths - 1] = starts
    a, b = points, points[following]
    long = np.flatnonzero((a != b).any(axis=1))  # a point that is repeated at once, and the one that closes the ring
    ring = ring[long]
    count = np.bincount(ring, minlength=len(starts))
    first = np.cumsum(count) - count
    return a[long], b[long], ring, np.arange(len(long)) - first[ring], count[ring]


def _side(a: NDArray[np.float64], b: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return on which side of the line from a to b a point is: the sign of the cross product, 0 on the line."""
    return np.sign((b[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (p[:, 0] - a[:, 0]))


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which pairs of edges on one line share more than a point."""
    axis = (np.abs(b - a).argmax(axis=1), np.arange(len(a)))
    ab = np.stack([a[axis[1], axis[0]], b[axis[1], axis[0]]])
    cd = np.stack([c[axis[1], axis[0]], d[axis[1], axis[0]]])
    return np.asarray(np.minimum(ab.max(axis=0), cd.max(axis=0)) > np.maximum(ab.min(axis=0), cd.min(axis=0)), bool)
