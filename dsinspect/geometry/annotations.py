"""Annotations follow their images: a shard's boxes, outlines and keypoints moved along the matrices of its images.

Boxes are moved for a whole shard at once, and so are corners of rotated boxes (`CORNER_COLUMNS`) and areas. Outlines
(`segmentation`) and `keypoints` are moved one by one; tracks, attributes and the columns of a format ride along.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from dsinspect.geometry import affine as geometry
from dsinspect.geometry import rle as masks
from dsinspect.io.limits import limits, option
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import Shard
from dsinspect.tables.schema import BOX_COLUMNS, CORNER_COLUMNS, boxes_xyxy

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUTLINE_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "parts": lambda v: isinstance(v, str) and v not in ("", "0", "[]", "()", "{}", "None"),
}
"""Fields that hold geometry which is not carried, and whether a value holds any: parts of objects with boxes of their
own."""


SLACK = 0.5
"""Px that a box may reach beyond its image."""


@dataclass(frozen=True)
class Output:
    """One output of a shard.

    Attributes:
        image_row: row of its image.
        matrix: (2, 3), from the image to the output; None when a step on the way has none.
        window: where in the output the image shows, xyxy px.
        is_cut: whether some of the image was cut off on the way.
        size_wh: width and height of the output, px.
    """

    image_row: int
    matrix: NDArray[np.float64] | None
    window: tuple[float, float, float, float]
    is_cut: bool
    size_wh: tuple[int, int]


@dataclass(frozen=True)
class Carried:
    """A shard's annotations in the frames of its outputs.

    Attributes:
        annotations: as `tables.schema.ANNOTATION_COLUMNS`; `image_row` is the number of the output.
        counts: what happened to how many annotations: `kept`, `kept ...` with what is to be known,
            `clipped`, and `dropped: ...` with a reason.
    """

    annotations: pd.DataFrame
    counts: Counter[str] = field(default_factory=Counter)


def carry(shard: Shard, outputs: Sequence[Output], min_kept: float, swaps: Mapping[str, str]) -> Carried:
    """Move the annotations of a shard.

    Args:
        shard: boxes in px of the frames that the routes start from.
        outputs: of its images, in any order.
        min_kept: share of a box's area, 0 to 1, that must be left where an image was cut.
        swaps: category to the one that takes its place in mirrored outputs.

    Boxes of images that were not cut are never clipped: a box that was out of bounds still is, and can be found.
    """
    counts: Counter[str] = Counter()
    row = shard.annotations["image_row"].to_numpy()
    counts["dropped: of no known picture"] = int((row < 0).sum())
    annotation, output = _pairs(row, [o.image_row for o in outputs], len(shard.images))
    frame = shard.annotations.iloc[annotation].reset_index(drop=True)
    lacks = np.array([o.matrix is None for o in outputs], bool)
    matrices = np.array([geometry.identity() if o.matrix is None else o.matrix for o in outputs],
                        np.float64).reshape(-1, 2, 3)[output]
    windows = np.array([o.window for o in outputs], np.float64).reshape(-1, 4)[output]
    cut = np.array([o.is_cut for o in outputs], bool)[output]

    before = boxes_xyxy(frame).reshape(-1, 4)
    corners = _moved_corners(frame, matrices)
    moved = _with_envelopes(geometry.move_boxes(matrices, before), corners)
    clipped, share = geometry.clip_boxes(moved, windows)
    region = frame[["is_crowd", "is_ignored"]].to_numpy(bool).reshape(-1, 2).any(axis=1)
    boxes = np.where(cut[:, None], clipped, moved)
    is_nan = cut & np.isnan(share)
    outside = cut & (share == 0)
    small = cut & ~outside & (share < min_kept) & ~region
    no_matrix = lacks[output] if len(outputs) else np.zeros(len(output), bool)
    keep = ~(is_nan | outside | small | no_matrix)
    counts["clipped"] = int((cut & keep & (share < 1)).sum())
    seen = np.bincount(annotation, ~outside, minlength=len(row)) > 0
    there = np.bincount(annotation, minlength=len(row)) > 0
    counts["dropped: outside what is left of the picture"] = int((there & ~seen).sum())
    counts["dropped: not finite, in a picture that is cut"] = int((is_nan & ~no_matrix).sum())
    counts[f"dropped: less than {min_kept:g} of the area left (min_kept)"] = int((small & ~no_matrix).sum())
    counts["dropped: the transform has no matrix"] = int(no_matrix.sum())
    counts["kept"] = int(keep.sum())
    counts["kept beyond the edge of the image, as they were (only images that are cut clip boxes)"] = int(
        (keep & ~cut & _beyond(before, shard, frame["image_row"].to_numpy())).sum())
    columns: dict[str, Any] = {c: boxes[:, k] for k, c in enumerate(BOX_COLUMNS)}
    columns["image_row"] = output
    columns.update(_categories(frame, geometry.area_factor(matrices) < 0, swaps, counts, keep))
    move = _Mover(matrices, windows, cut, share, [o.size_wh for o in outputs], output, keep, counts)
    columns.update(move.fields(frame))
    if corners is not None:
        columns.update({c: corners[:, k // 2, k % 2] for k, c in enumerate(CORNER_COLUMNS)})
    frame = frame.assign(**{n: pd.Series(v, dtype=v.dtype) for n, v in columns.items()})
    counts = Counter({k: v for k, v in counts.items() if v})
    return Carried(frame[keep].reset_index(drop=True), counts)


def _beyond(boxes: NDArray[np.float64], shard: Shard, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which boxes, (N, 4) px, reach more than 0.5 px beyond the frame of their image, which is the limit of BOX003."""
    images = shard.images
    if not len(rows) or "frame_width" not in images:
        return np.zeros(len(boxes), bool)
    frame_wh = images[["frame_width", "frame_height"]].to_numpy(np.float64)[rows]
    return np.asarray(((boxes[:, :2] < -SLACK) | (boxes[:, 2:] > frame_wh + SLACK)).any(axis=1))


def outlines_not_carried(annotations: pd.DataFrame) -> Counter[str]:
    """Count the values of a shard's format columns that hold geometry which is not carried, by column."""
    found: Counter[str] = Counter()
    for name in annotations.columns:
        holds = OUTLINE_FIELDS.get(str(name).partition(":")[2]) if ":" in str(name) else None
        if holds:
            found[str(name)] = sum(map(holds, annotations[name].tolist()))
    return Counter({k: v for k, v in found.items() if v})


def _pairs(row: NDArray[np.int64], image_rows: Sequence[int], n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair annotations with the outputs of their images: positions of both, in the order of the outputs."""
    order = np.argsort(row, kind="stable")
    starts = np.searchsorted(row[order], np.arange(n))
    ends = np.searchsorted(row[order], np.arange(n), side="right")
    images = np.asarray(image_rows, np.intp)
    counts = (ends - starts)[images] if len(images) else np.empty(0, np.intp)
    output = np.repeat(np.arange(len(images)), counts)
    first = np.cumsum(counts) - counts
    within = np.arange(len(output)) - first[output] if len(output) else np.empty(0, np.intp)
    return order[starts[images][output] + within] if len(output) else np.empty(0, np.intp), output


def _moved_corners(frame: pd.DataFrame, matrices: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the corners of rotated boxes, (N, 4, 2) px, moved, or None when the table has none.

    They are never clipped, and a mirrored box keeps its winding: formats give the corners clockwise.
    """
    if CORNER_COLUMNS[0] not in frame:
        return None
    return geometry.move_corners(matrices, frame[list(CORNER_COLUMNS)].to_numpy(np.float64))


def _with_envelopes(boxes: NDArray[np.float64], corners: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return boxes with those of rotated ones replaced by the envelope of their corners: tighter than a turned box's."""
    if corners is None:
        return boxes
    is_rotated: NDArray[np.bool_] = np.asarray(np.isfinite(corners).reshape(-1, 8).all(axis=1))
    envelopes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return np.where(is_rotated[:, None], envelopes, boxes)


def _categories(frame: pd.DataFrame, mirrors: NDArray[np.bool_], swaps: Mapping[str, str], counts: Counter[str],
                keep: NDArray[np.bool_]) -> dict[str, Any]:
    if not swaps or not len(frame):
        return {}
    names = frame["category"].to_numpy()
    changed = mirrors & np.array([n in swaps for n in names], bool)
    exchanged = names.copy()
    exchanged[changed] = [swaps[n] for n in names[changed]]
    counts["classes exchanged (--swap-mirrored)"] = int((changed & keep).sum())
    return {"category": exchanged}


class _Mover:
    """Moves the columns that hold outlines and areas."""

    def __init__(self, matrices: NDArray[np.float64], windows: NDArray[np.float64], cut: NDArray[np.bool_],
                 share: NDArray[np.float64], sizes: Sequence[tuple[int, int]], output: NDArray[np.intp],
                 keep: NDArray[np.bool_], counts: Counter[str]) -> None:
        self._matrices, self._windows, self._cut, self._keep = matrices, windows, cut, keep
        self._sizes, self._output, self._counts = sizes, output, counts
        self._shares = np.where(cut & np.isfinite(share), share, 1.0)

    def fields(self, frame: pd.DataFrame) -> dict[str, NDArray[Any]]:
        """Return the moved columns."""
        moved: dict[str, NDArray[Any]] = {}
        for name, one in (("segmentation", self._segmentation), ("keypoints", self._keypoints)):
            if name in frame:
                moved[name] = objects([one(k, v) if self._keep[k] and v is not None else None
                                       for k, v in enumerate(frame[name].tolist())])
        if "area" in frame:
            moved["area"] = frame["area"].to_numpy(np.float64) * np.abs(geometry.area_factor(self._matrices)) * self._shares
        return moved

    def _segmentation(self, k: int, raw: bytes) -> bytes | None:
        """Move one outline; its share of the area replaces that of the box."""
        try:
            value = msgspec.json.decode(raw)
            return self._mask(k, value) if isinstance(value, dict) else self._polygons(k, value)
        except masks.MaskTooLargeError:
            self._counts[f"kept without a mask of more than {limits().mask_pixels:,} px ({option('mask_pixels')})"] += 1
            return None
        except (msgspec.DecodeError, ValueError, TypeError, KeyError):
            self._counts["kept without an outline that cannot be read"] += 1
            return None

    def _polygons(self, k: int, polygons: Sequence[Sequence[float]]) -> bytes:
        new, before, after = [], 0.0, 0.0
        for flat in polygons:
            points = geometry.move_points(self._matrices[k], np.asarray(flat, np.float64).reshape(-1, 2))
            if self._cut[k]:
                before += geometry.polygon_area(points)
                points = geometry.clip_polygon(points, self._windows[k])
                after += geometry.polygon_area(points)
            if len(points):
                new.append(points.reshape(-1).tolist())
        if self._cut[k] and before > 0:
            self._shares[k] = after / before
        return msgspec.json.encode(new)

    def _mask(self, k: int, value: Mapping[str, Any]) -> bytes:
        mask = masks.decode_mask(value["counts"], value["size"])
        width, height = self._sizes[self._output[k]]
        moved = masks.move_mask(mask, self._matrices[k], (width, height))
        if self._cut[k]:
            x_min, y_min, x_max, y_max = np.rint(self._windows[k]).astype(int).tolist()
            shown = np.zeros_like(moved)
            shown[y_min:y_max, x_min:x_max] = moved[y_min:y_max, x_min:x_max]
            moved = shown
        on = mask.sum() * abs(float(geometry.area_factor(self._matrices[k])))
        self._shares[k] = min(1.0, moved.sum() / on) if self._cut[k] and on else 1.0
        runs = masks.encode_mask(moved)
        counts = masks.text_from_counts(runs) if isinstance(value["counts"], str) else runs
        return msgspec.json.encode({**value, "size": [height, width], "counts": counts})

    def _keypoints(self, k: int, raw: bytes) -> bytes | None:
        try:
            points = np.asarray(msgspec.json.decode(raw), np.float64).reshape(1, -1, 3)
        except (msgspec.DecodeError, ValueError, TypeError):
            self._counts["kept without keypoints that cannot be read"] += 1
            return None
        points = geometry.move_keypoints(self._matrices[k], points)
        if self._cut[k]:
            points = geometry.clip_keypoints(points, self._windows[k])
        return msgspec.json.encode(points.reshape(-1).tolist())
