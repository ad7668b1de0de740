"""What a CVAT track shows between two key frames: straight lines, and for polygons a match along their outlines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dsinspect_formats.cvat._shapes import Shape


class Between:
    """The way from the shape of one key frame to that of the next, as CVAT (2.15) draws it.

    Boxes, ellipses, cuboids and skeletons move on straight lines, a rotation the shorter way round. Groups of points, masks and
    shapes of another kind stay as they are. Polygons move as `_Outlines` says.

    Args:
        before: of the key frame before.
        after: of the one after.
    """

    def __init__(self, before: Shape, after: Shape) -> None:
        self._before, self._after = before, after
        same = before.tag == after.tag and before.tag not in ("mask", "points")
        self._outlines = _Outlines(before.numbers, after.numbers) if same and before.tag == "polygon" else None
        self._stays = not same or (self._outlines is None and len(before.numbers) != len(after.numbers))

    def at(self, share: float) -> Shape:
        """Return the shape at a share of the way, 0 to 1."""
        a, b = self._before, self._after
        if self._outlines is not None:
            return Shape(a.tag, self._outlines.at(share))
        if self._stays:
            return a
        turn = (b.rotation - a.rotation + 180) % 360 - 180
        return Shape(a.tag, [p + (q - p) * share for p, q in zip(a.numbers, b.numbers, strict=True)],
                     (a.rotation + turn * share) % 360)


class _Outlines:
    """Two polygons whose points are matched by how far along the outline they lie.

    Each outline is closed with its first point, and a point's place is its share of the outline's length. A point of the first
    polygon goes to the nearest place of the second; a point of the second to which none goes is where the nearest of the first
    goes as well. Each such pair moves on a straight line. Where several points of the one belong to a single point of the
    other, those closer to the last one kept than half the mean length of that stretch are left out.
    """

    def __init__(self, before: Sequence[float], after: Sequence[float]) -> None:
        self._a, self._b = (np.array([*flat, *flat[:2]], float).reshape(-1, 2) for flat in (before, after))
        with np.errstate(all="ignore"):  # a place too far to measure is no place
            steps_a, steps_b = _steps(self._a), _steps(self._b)
            share_a, share_b = _shares(steps_a), _shares(steps_b)
        to = _nearest(share_a, share_b)
        alone = np.setdiff1d(np.arange(len(share_b)), to)
        pairs = np.concatenate([np.stack([np.arange(len(to)), to], axis=1),
                                np.stack([_nearest(share_b[alone], share_a), alone], axis=1)])
        self._pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        self._stretches = self._stretched(steps_a, steps_b)

    def _stretched(self, steps_a: NDArray[np.float64], steps_b: NDArray[np.float64]) -> list[tuple[int, int, float]]:
        """Return first and last pair of each stretch that belongs to a single point, and the least distance within it, px."""
        a, b = self._pairs.T
        starts = np.flatnonzero(np.diff(a, prepend=-1))
        counts = np.diff(starts, append=len(a))
        found: list[tuple[int, int, float]] = []
        open_at = -1  # pair with which a stretch of the first polygon began
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
            last = start + count - 1
            if open_at >= 0 and (count > 1 or b[start] != b[open_at]):
                found.append(_stretch(steps_a, a, open_at, start - 1))
                open_at = -1
            if count > 1:
                found.append(_stretch(steps_b, b, start, last))
            elif open_at < 0:
                open_at = start
        if open_at >= 0:
            found.append(_stretch(steps_a, a, open_at, len(a) - 1))
        return found

    def at(self, share: float) -> list[float]:
        """Return the polygon at a share of the way, flat."""
        a, b = self._a[self._pairs[:, 0]], self._b[self._pairs[:, 1]]
        kept: list[NDArray[np.float64]] = []
        with np.errstate(all="ignore"):
            points = a + (b - a) * share
            for first, last, least in self._stretches:
                kept += [points[first]] if first == last else _thinned(points[first:last + 1], least)
        flat: list[float] = np.array(kept[:-1]).ravel().tolist()  # without the point that closed it
        return flat


def _thinned(points: NDArray[np.float64], least: float) -> list[NDArray[np.float64]]:
    """Return the first and last point and those between as far as `least` from the last one kept; the mean of two closer ones."""
    kept = [points[0]]
    for point in points[1:-1]:
        if _distance(kept[-1], point) >= least:
            kept.append(point)
    kept.append(points[-1])
    return [(kept[0] + kept[1]) / 2] if len(kept) == 2 and _distance(*kept) < least else kept


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2))


def _stretch(steps: NDArray[np.float64], points: NDArray[np.intp], first: int, last: int) -> tuple[int, int, float]:
    begin, end = points[first], points[last]
    # one after the other, as there: a quarter of the way along, the distance of two points is this limit to the last digit
    length = float(np.cumsum(steps[begin:end])[-1]) if end > begin else 0.0
    return first, last, length / (2 * int(end - begin + 1))


def _steps(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each point to the next one, px."""
    steps = np.diff(points, axis=0)
    return np.sqrt(steps[:, 0] ** 2 + steps[:, 1] ** 2)


def _shares(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far along the outline each point lies, 0 to 1."""
    along = np.concatenate([[0.0], np.cumsum(steps)])
    return along / along[-1] if along[-1] > 0 else np.zeros(len(along))


def _nearest(values: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the index of the place nearest to each value, the first of those equally near; `places` never fall."""
    above = np.minimum(np.searchsorted(places, values), len(places) - 1)
    below = np.searchsorted(places, places[np.maximum(above - 1, 0)])
    return np.where(np.abs(values - places[below]) <= np.abs(values - places[above]), below, above)
