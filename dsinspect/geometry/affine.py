"""Geometry that follows a (2, 3) affine matrix: boxes, points, polygons, keypoints and rotated boxes.

Coordinates are px with half-open edges: an image 10 px wide covers x in [0, 10], its left-most column of pixels
[0, 1]. So a horizontal flip maps x to W - x, and a stretch from W to V columns maps x to x * V / W, which is what
OpenCV does to pixel centres: (x + 0.5) * V / W - 0.5. Masks are in `dsinspect.geometry.rle`.

A matrix [[a, b, c], [d, e, f]] maps (x, y) to (a x + b y + c, d x + e y + f). Every function that takes a matrix takes
either one (2, 3) or one per row, (N, 2, 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.tables.hostile_numbers import of_any_size

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

MATRIX_TOLERANCE = 1e-9
"""Below this a coefficient of a matrix counts as zero; images have fewer than a billion columns."""


def identity() -> Floats:
    """Return the (2, 3) matrix that moves nothing."""
    return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def scaling(x: float, y: float) -> Floats:
    """Return the (2, 3) matrix that multiplies x and y."""
    return np.array([[x, 0.0, 0.0], [0.0, y, 0.0]])


def translation(x: float, y: float) -> Floats:
    """Return the (2, 3) matrix that adds to x and y."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])


def compose(*matrices: ArrayLike) -> Floats:
    """Return the matrix of a chain, the first one applied first; the identity for none.

    Args:
        matrices: each (2, 3) or (N, 2, 3).

    >>> compose(scaling(2, 2), translation(5, 0)).tolist()
    [[2.0, 0.0, 5.0], [0.0, 2.0, 0.0]]
    """
    total = identity()
    for matrix in matrices:
        m = np.asarray(matrix, np.float64)
        linear = m[..., :, :2] @ total[..., :, :2]
        shift = (m[..., :, :2] @ total[..., :, 2:]) + m[..., :, 2:]
        total = np.concatenate([linear, shift], axis=-1)
    return total


def invert(matrix: ArrayLike) -> Floats:
    """Return the matrix that maps back.

    Raises:
        ValueError: a matrix that flattens the plane has no inverse.
    """
    m = np.asarray(matrix, np.float64)
    a, b, c = m[..., 0, 0], m[..., 0, 1], m[..., 0, 2]
    d, e, f = m[..., 1, 0], m[..., 1, 1], m[..., 1, 2]
    det = a * e - b * d
    if not np.all(np.isfinite(det) & (det != 0)):
        raise ValueError("a matrix without an inverse")
    rows = [[e, -b, b * f - c * e], [-d, a, c * d - a * f]]
    return np.stack([np.stack([v / det for v in row], axis=-1) for row in rows], axis=-2)


def area_factor(matrix: ArrayLike) -> Floats:
    """Return the signed factor by which areas grow; negative when the matrix mirrors."""
    m = np.asarray(matrix, np.float64)
    factor: Floats = m[..., 0, 0] * m[..., 1, 1] - m[..., 0, 1] * m[..., 1, 0]
    return factor


def is_axis_aligned(matrix: ArrayLike) -> bool:
    """Say whether boxes stay boxes: no rotation but by quarter turns, no shear."""
    m = np.abs(np.asarray(matrix, np.float64)[..., :, :2])
    straight = (m[..., 0, 1] <= MATRIX_TOLERANCE) & (m[..., 1, 0] <= MATRIX_TOLERANCE)
    turned = (m[..., 0, 0] <= MATRIX_TOLERANCE) & (m[..., 1, 1] <= MATRIX_TOLERANCE)
    return bool(np.all(straight | turned))


def is_similarity(matrix: ArrayLike) -> bool:
    """Say whether rectangles stay rectangles at any angle: x and y grow alike, no shear; mirrored or not."""
    m = np.asarray(matrix, np.float64)[..., :, :2]
    gram = np.swapaxes(m, -1, -2) @ m
    size = np.maximum(gram[..., 0, 0], gram[..., 1, 1])
    same = np.abs(gram[..., 0, 0] - gram[..., 1, 1]) <= MATRIX_TOLERANCE * size
    return bool(np.all(same & (np.abs(gram[..., 0, 1]) <= MATRIX_TOLERANCE * size)))


def not_carried(matrix: ArrayLike | None) -> tuple[str, ...]:
    """Name the geometry that a matrix cannot carry exactly.

    Args:
        matrix: of one transform, or None for one that has no matrix (a lens correction, say).

    Returns:
        of `box`, `polygon`, `keypoints`, `rotated-box` (centre, sides and angle) and `mask` those that do not keep their
        form: after a turn by 10 degrees the envelope of a box is larger than its object; a rectangle at an angle is
        none any more when x and y grow differently. Polygons and keypoints follow any matrix.
    """
    if matrix is None:
        return ("box", "polygon", "keypoints", "rotated-box", "mask")
    lost = []
    if not is_axis_aligned(matrix):
        lost.append("box")
    if not is_similarity(matrix):
        lost.append("rotated-box")
    return tuple(lost)


def move_points(matrix: ArrayLike, points: ArrayLike) -> Floats:
    """Move points.

    Args:
        matrix: (2, 3), or (..., 2, 3) that broadcasts against the points.
        points: (..., 2) x and y.

    Returns:
        points of the broadcast shape.
    """
    m, p = np.asarray(matrix, np.float64), np.asarray(points, np.float64)
    x, y = p[..., 0], p[..., 1]
    return np.stack([m[..., 0, 0] * x + m[..., 0, 1] * y + m[..., 0, 2],
                     m[..., 1, 0] * x + m[..., 1, 1] * y + m[..., 1, 2]], axis=-1)


@of_any_size()
def move_boxes(matrix: ArrayLike, boxes: ArrayLike) -> Floats:
    """Move boxes: the envelope of the moved corners.

    A box whose corners are reversed stays reversed and one with NaN stays NaN: faults are not repaired on the way.

    Args:
        matrix: (2, 3) or (N, 2, 3).
        boxes: (N, 4) x_min, y_min, x_max, y_max.
    """
    m, b = np.asarray(matrix, np.float64), np.asarray(boxes, np.float64).reshape(-1, 4)
    low, high = (b[:, 0], b[:, 1]), (b[:, 2], b[:, 3])
    columns = [_extreme(m[..., axis, 0], near[0], far[0]) + m[..., axis, 2] + _extreme(m[..., axis, 1], near[1], far[1])
               for near, far in ((low, high), (high, low)) for axis in (0, 1)]
    return np.stack(columns, axis=1)


@of_any_size()
def _extreme(factor: Floats, near: Floats, far: Floats) -> Floats:
    """Return the term of the near edge, or of the far one where the factor is negative; 0 times infinity is 0."""
    return np.where(factor == 0, np.where(np.isnan(near) | np.isnan(far), np.nan, 0.0),
                    np.where(factor == 0, 1.0, factor) * np.where(factor < 0, far, near))


@of_any_size()
def box_areas(boxes: ArrayLike) -> Floats:
    """Return the areas of (N, 4) boxes, px²; 0 where the corners are reversed."""
    b = np.asarray(boxes, np.float64).reshape(-1, 4)
    areas: Floats = np.maximum(b[:, 2] - b[:, 0], 0) * np.maximum(b[:, 3] - b[:, 1], 0)
    return areas


def windows_of(window: ArrayLike) -> Floats:
    """Return windows as xyxy: (..., 4) as they are, and (..., 2) sizes of images as windows from 0, 0."""
    w = np.asarray(window, np.float64)
    return w if w.shape[-1] == 4 else np.concatenate([np.zeros_like(w), w], axis=-1)


def clip_boxes(boxes: ArrayLike, window: ArrayLike) -> tuple[Floats, Floats]:
    """Clip boxes to an image or a window in it.

    Args:
        boxes: (N, 4) xyxy, px.
        window: width and height of the image, (2,) or (N, 2), or xyxy of a window, (4,) or (N, 4), px.

    Returns:
        the clipped boxes, and the share of the area of each that is left, 0 to 1. The share of a box without area is 1
        when it lies inside or on the edge, else 0; of one that is not finite NaN. A box that lies outside collapses onto
        the edge next to it.
    """
    b = np.asarray(boxes, np.float64).reshape(-1, 4)
    limits = np.broadcast_to(windows_of(window), (len(b), 4))
    clipped = np.clip(b, limits[:, [0, 1, 0, 1]], limits[:, [2, 3, 2, 3]])
    area = box_areas(b)
    inside = (clipped == b).all(axis=1)
    share = np.divide(box_areas(clipped), area, out=inside.astype(np.float64), where=area > 0)
    share[~np.isfinite(b).all(axis=1)] = np.nan
    return clipped, share


def corners_of(boxes: ArrayLike) -> Floats:
    """Return the (N, 4, 2) corners of (N, 4) boxes: top left, top right, bottom right, bottom left."""
    b = np.asarray(boxes, np.float64).reshape(-1, 4)
    return b[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]


def envelopes(points: ArrayLike, counts: Sequence[int] | NDArray[np.intp]) -> Floats:
    """Return the (N, 4) boxes around N groups of points.

    Args:
        points: (P, 2), the groups one after the other.
        counts: (N,) points in each group; NaN for a group without any.
    """
    p, n = np.asarray(points, np.float64).reshape(-1, 2), np.asarray(counts, np.intp)
    boxes = np.full((len(n), 4), np.nan)
    full = n > 0
    if full.any():
        starts = (np.cumsum(n) - n)[full]
        boxes[full, :2] = np.minimum.reduceat(p, starts)
        boxes[full, 2:] = np.maximum.reduceat(p, starts)
    return boxes


def rotated_corners(rotated: ArrayLike) -> Floats:
    """Return the (N, 4, 2) corners of (N, 5) rotated boxes: centre x, y, width, height, angle.

    The angle is in degrees, clockwise as the image is seen (y points down), about the centre.
    """
    r = np.asarray(rotated, np.float64).reshape(-1, 5)
    angle = np.deg2rad(r[:, 4])
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1) * r[:, 2:3] / 2
    across = np.stack([-np.sin(angle), np.cos(angle)], axis=1) * r[:, 3:4] / 2
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.stack([r[:, :2] + s * along + t * across for s, t in signs], axis=1)


def rotated_boxes(corners: ArrayLike) -> Floats:
    """Return the (N, 5) rotated boxes of (N, 4, 2) corners that are rectangles; the inverse of `rotated_corners`.

    The angle is in (-180, 180]. Corners that are no rectangle give the rectangle of their first side and the mean
    height; look at `not_carried` before.
    """
    c = np.asarray(corners, np.float64).reshape(-1, 4, 2)
    along = (c[:, 1] - c[:, 0] + c[:, 2] - c[:, 3]) / 2
    across = (c[:, 3] - c[:, 0] + c[:, 2] - c[:, 1]) / 2
    angle = np.rad2deg(np.arctan2(along[:, 1], along[:, 0]))
    return np.column_stack([c.mean(axis=1), np.hypot(*along.T), np.hypot(*across.T), angle])


def move_corners(matrix: ArrayLike, corners: ArrayLike) -> Floats:
    """Move the corners of rotated boxes; a mirroring matrix leaves the first one first and the winding as it was.

    Args:
        matrix: (2, 3) or (N, 2, 3).
        corners: (N, 4, 2).
    """
    m, c = np.asarray(matrix, np.float64), np.asarray(corners, np.float64).reshape(-1, 4, 2)
    moved = move_points(m[..., None, :, :], c)
    mirrors = np.broadcast_to(area_factor(m) < 0, (len(c),))
    moved[mirrors] = moved[mirrors][:, [1, 0, 3, 2]]
    return moved


def move_keypoints(matrix: ArrayLike, keypoints: ArrayLike) -> Floats:
    """Move keypoints; those that are not labelled stay at 0, 0, 0.

    Args:
        matrix: (2, 3) or (N, 2, 3).
        keypoints: (N, K, 3) x, y and visibility (0 not labelled, 1 hidden, 2 visible).
    """
    m, k = np.asarray(matrix, np.float64), np.asarray(keypoints, np.float64)
    moved = k.copy()
    moved[..., :2] = move_points(m[..., None, :, :], k[..., :2])
    moved[k[..., 2] == 0] = k[k[..., 2] == 0]
    return moved


def clip_keypoints(keypoints: ArrayLike, window: ArrayLike) -> Floats:
    """Take away keypoints outside an image: x, y and visibility become 0, as COCO writes a point not labelled.

    Args:
        keypoints: (N, K, 3).
        window: as for `clip_boxes`.
    """
    k = np.array(keypoints, np.float64)
    limits = np.broadcast_to(windows_of(window), (len(k), 4))[:, None, :]
    outside = ((k[..., :2] < limits[..., :2]) | (k[..., :2] > limits[..., 2:])).any(axis=-1)
    k[outside] = 0.0
    return k


def polygon_area(points: ArrayLike) -> float:
    """Return the area of one polygon of (K, 2) points, px², by the shoelace formula; 0 for fewer than three."""
    p = np.asarray(points, np.float64).reshape(-1, 2)
    if len(p) < 3:
        return 0.0
    q = p - p[0]  # far from the origin the products would lose digits
    x, y = q[:, 0], q[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def clip_polygon(points: ArrayLike, window: ArrayLike) -> Floats:
    """Clip one polygon to an image or window (Sutherland and Hodgman 1974), one side after the other.

    A polygon that leaves the image and comes back stays one polygon with an edge along the image's border; its area
    is right.

    Args:
        points: (K, 2), at least three.
        window: width and height, (2,), or xyxy, (4,), px.

    Returns:
        (L, 2) points; none when nothing is left.
    """
    p = np.asarray(points, np.float64).reshape(-1, 2)
    x_min, y_min, x_max, y_max = windows_of(window).tolist()
    for axis, limit, sign in ((0, x_min, 1.0), (0, x_max, -1.0), (1, y_min, 1.0), (1, y_max, -1.0)):
        if not len(p):
            break
        depth = (p[:, axis] - limit) * sign
        inside = depth >= 0
        if inside.all():
            continue
        following = np.roll(np.arange(len(p)), -1)
        crosses = inside != inside[following]
        share = np.divide(depth, depth - depth[following], out=np.zeros(len(p)), where=crosses)
        crossing = p + share[:, None] * (p[following] - p)
        crossing[:, axis] = limit
        slots = np.stack([p, crossing], axis=1).reshape(-1, 2)
        p = slots[np.stack([inside, crosses], axis=1).reshape(-1)]
    if len(p) < 3 or polygon_area(p) == 0:
        return np.empty((0, 2))
    return p

