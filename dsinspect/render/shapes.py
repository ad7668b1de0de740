"""What an annotation is drawn as: its box, the corners of a rotated one, the outline of a mask, its keypoints.

Whatever a set holds is read here once for all that draws, and bounded: a polygon of a million points and a mask of a thousand
islands are drawn as a few lines that look the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.geometry.rle import counts_from_text
from dsinspect.io.image_codec import why_no_opencv
from dsinspect.io.limits import limits
from dsinspect.tables.schema import CORNER_COLUMNS, boxes_xyxy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.tables.columns import Columns

Box = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max, px of the image's frame."""
MAX_RINGS = 24
"""Outlines of one annotation that are drawn at most, the largest ones."""
MAX_RING_POINTS = 96
"""Points of an outline that are drawn at most."""
MAX_KEYPOINTS = 256
FAR = 1e6
"""Places farther out are drawn as here, px."""
NO_BOX: Box = (math.nan, math.nan, math.nan, math.nan)
_numbers = msgspec.json.Decoder(list[float]).decode


@dataclass(frozen=True)
class Shape:
    """An annotation to draw, px of the image's frame.

    Attributes:
        box: its box; of a rotated one the envelope, which is not drawn.
        rings: closed outlines, each x, y, x, y, ...: the corners of a rotated box, polygons, edges of a mask.
        points: keypoints that are labelled: x, y, visibility (1 hidden, 2 visible), ...
        is_rotated: whether `rings` stand in place of the box.
    """

    box: Box
    rings: tuple[tuple[float, ...], ...] = ()
    points: tuple[float, ...] = ()
    is_rotated: bool = False

    @property
    def has_box(self) -> bool:
        """Whether the box itself is drawn."""
        return not self.is_rotated and all(map(math.isfinite, self.box))

    @cached_property
    def extent(self) -> Box:
        """What all of it takes, to look at it; NaN where nothing is drawn."""
        x = [v for k in (0, 2) if math.isfinite(v := self.box[k])] if self.has_box else []
        y = [v for k in (1, 3) if math.isfinite(v := self.box[k])] if self.has_box else []
        for ring in self.rings:
            x += ring[0::2]
            y += ring[1::2]
        x += self.points[0::3]
        y += self.points[1::3]
        return (min(x), min(y), max(x), max(y)) if x and y else NO_BOX

    def record(self) -> dict[str, Any]:
        """Return what a page needs besides the box, short and JSON-ready; empty for a plain box."""
        made: dict[str, Any] = {}
        if self.rings:
            made["rings"] = [[round(v, 1) for v in ring] for ring in self.rings]
        if self.points:
            made["points"] = [round(v, 1) for v in self.points]
        return {**made, "rotated": True} if self.is_rotated else made


def shapes_of(annotations: Columns, rows: NDArray[np.intp] | Sequence[int]) -> list[Shape]:
    """Return the shapes of some annotations; of one whose outline cannot be read only the box.

    Args:
        annotations: in px; with those of `SHAPE_COLUMNS` that the format has.
        rows: their positions.
    """
    taken = annotations.take(np.asarray(rows, np.intp))
    boxes = boxes_xyxy(taken).tolist()
    none = [None] * len(taken)
    corners = taken.stacked(*CORNER_COLUMNS).tolist() if CORNER_COLUMNS[0] in taken else none
    outlines = taken["segmentation"].tolist() if "segmentation" in taken else none
    keypoints = taken["keypoints"].tolist() if "keypoints" in taken else none
    return [_shape((b[0], b[1], b[2], b[3]), *rest) for b, *rest in zip(boxes, corners, outlines, keypoints, strict=True)]


def class_label(name: str | None, category_id: int) -> str:
    """Return what a box is called whose class may not be declared.

    >>> class_label("cat", 1), class_label(None, 9), class_label(None, -1)
    ('cat', 'unknown class 9', 'no class')
    """
    return name if name is not None else f"unknown class {category_id}" if category_id >= 0 else "no class"


def _shape(box: Box, corners: list[float] | None, outline: Any, keypoints: Any) -> Shape:
    if corners is not None and all(map(math.isfinite, corners)):
        return Shape(box, (_kept(corners),), _labelled(keypoints), is_rotated=True)
    return Shape(box, _rings(outline), _labelled(keypoints))


def _rings(raw: Any) -> tuple[tuple[float, ...], ...]:
    """Return the outlines of a segmentation as JSON bytes; none where it is no polygons and no mask."""
    if raw is None:
        return ()
    try:
        value = msgspec.json.decode(raw)
        flats = _edges(value) if isinstance(value, Mapping) else [flat for ring in value if (flat := _finite(ring))]
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError, OverflowError, MemoryError, RecursionError):
        return ()
    largest = sorted(range(len(flats)), key=lambda k: -_span(flats[k]))[:MAX_RINGS]
    return tuple(_kept(flats[k]) for k in sorted(largest))


def _finite(ring: Any) -> list[float]:
    """Return the pairs of a ring whose numbers are finite."""
    flat = [float(v) for v in ring]
    pairs = zip(flat[0::2], flat[1::2], strict=False)
    return [v for pair in pairs if all(map(math.isfinite, pair)) for v in pair]


def _span(flat: Sequence[float]) -> float:
    return (max(flat[0::2]) - min(flat[0::2])) + (max(flat[1::2]) - min(flat[1::2]))


def _kept(flat: Sequence[float]) -> tuple[float, ...]:
    """Return an outline in as few points as are drawn, within reach."""
    points = np.clip(np.asarray(flat, np.float64).reshape(-1, 2), -FAR, FAR)
    if len(points) > MAX_RING_POINTS and why_no_opencv() is not None:
        points = points[::math.ceil(len(points) / MAX_RING_POINTS)]
    elif len(points) > MAX_RING_POINTS:
        import cv2

        points = points[::math.ceil(len(points) / 4096)]
        limit = max(float(np.ptp(points, axis=0).max()), 1e-9) / 1000
        while len(points) > MAX_RING_POINTS:
            points = cv2.approxPolyDP(points.astype(np.float32)[:, None], limit, True)[:, 0].astype(np.float64)
            limit *= 1.6
    return tuple(points.reshape(-1).tolist())


def _edges(mask: Mapping[str, Any]) -> list[list[float]]:
    """Return the edges of a run-length mask; only the columns that it fills are laid out. Without OpenCV there are none.

    Raises:
        ValueError: it is damaged, or larger than the limit `mask_pixels`.
    """
    if why_no_opencv() is not None:
        return []
    import cv2

    height, width = (int(v) for v in mask["size"])
    counts = mask["counts"]
    runs = counts_from_text(counts) if isinstance(counts, str) else np.asarray(counts, np.int64)
    if runs.ndim != 1 or height <= 0 or width <= 0 or height * width > limits().mask_pixels or (runs < 0).any() \
            or (runs > height * width).any() or runs.sum() != height * width:
        raise ValueError("the mask is damaged or too large")
    ends = np.cumsum(runs)
    on = np.flatnonzero((np.arange(len(runs)) % 2 == 1) & (runs > 0))
    if not len(on):
        return []
    first, last = int((ends[on[0]] - runs[on[0]]) // height), int((ends[on[-1]] - 1) // height) + 1
    inside = np.diff(np.clip(np.append(0, ends), first * height, last * height))
    filled = np.repeat((np.arange(len(runs)) % 2).astype(np.uint8), inside.astype(np.int64)).reshape(last - first, height).T
    found, _ = cv2.findContours(np.ascontiguousarray(filled), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [(c[:, 0] + [first + 0.5, 0.5]).reshape(-1).tolist() for c in found]  # through the middles of the pixels at the edge


def _labelled(raw: Any) -> tuple[float, ...]:
    """Return the keypoints that are labelled or have a place; none where they are no triples."""
    if raw is None:
        return ()
    try:
        flat = _numbers(raw)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return ()
    points = np.asarray(flat[:len(flat) // 3 * 3], np.float64).reshape(-1, 3)
    shown = points[np.isfinite(points).all(axis=1) & (points != 0).any(axis=1)][:MAX_KEYPOINTS]
    return tuple(np.clip(shown, -FAR, FAR).reshape(-1).tolist())
