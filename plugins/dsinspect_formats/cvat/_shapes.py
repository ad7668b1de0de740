"""Shapes of CVAT XML: their attributes as boxes, corners, polygons, keypoints and masks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from dsinspect.geometry.rle import encode_mask
from dsinspect_formats._values import NAN_BOX, Box, envelope, polygon_json, real_text, real_texts, rotated

SHAPES = ("box", "polygon", "ellipse", "mask", "points", "skeleton", "cuboid", "polyline")
"""Elements that are records; `tag` is about a whole image."""
_EDGES = ("xtl", "ytl", "xbr", "ybr")
_CUBOID = ("xtl1", "ytl1", "xbl1", "ybl1", "xtr1", "ytr1", "xbr1", "ybr1",
           "xtl2", "ytl2", "xbl2", "ybl2", "xtr2", "ytr2", "xbr2", "ybr2")
_MOST_PIXELS = 1 << 28


class NoBoxError(ValueError):
    """The shape is well formed but bounds no area: a line, or a single point."""


@dataclass(slots=True)
class Shape:
    """One shape.

    Attributes:
        tag: name of its element.
        numbers: what it is drawn by: edges, or flat points.
        rotation: degrees clockwise about the centre.
        rle: runs of a mask, row by row inside its box.
    """

    tag: str
    numbers: Sequence[float]
    rotation: float = 0.0
    rle: str = ""

    @staticmethod
    def of(tag: str, attributes: Mapping[str, str]) -> Shape:
        """Read the attributes of an element.

        Raises:
            ValueError: in words for the user.
        """
        rotation = real_text(attributes["rotation"], "rotation") if attributes.get("rotation") else 0.0
        if tag == "box":
            return Shape(tag, real_texts(attributes, _EDGES), rotation)
        if tag == "ellipse":
            return Shape(tag, real_texts(attributes, ("cx", "cy", "rx", "ry")), rotation)
        if tag == "mask":
            left, top, width, height = real_texts(attributes, ("left", "top", "width", "height"))
            return Shape(tag, (left, top, left + width, top + height), rle=attributes.get("rle", ""))
        if tag == "cuboid":
            return Shape(tag, real_texts(attributes, _CUBOID))
        return Shape(tag, points_of(attributes.get("points", ""), empty=tag == "skeleton"))

    def box(self) -> Box:
        """Return the box around the shape.

        Raises:
            NoBoxError: it bounds no area.
        """
        n = self.numbers
        if self.tag in ("box", "mask"):
            if self.rotation:
                return envelope(self.corners() or NAN_BOX)
            return n[0], n[1], n[2], n[3]
        if self.tag == "ellipse":
            angle = math.radians(self.rotation) if math.isfinite(self.rotation) else math.nan
            half_w = math.hypot(n[2] * math.cos(angle), n[3] * math.sin(angle))
            half_h = math.hypot(n[2] * math.sin(angle), n[3] * math.cos(angle))
            return n[0] - half_w, n[1] - half_h, n[0] + half_w, n[1] + half_h
        if self.tag == "polyline" or len(n) < 4:
            raise NoBoxError("polylines" if self.tag == "polyline" else "single points")
        return envelope(n)

    def corners(self) -> list[float] | None:
        """Return the corners of a rotated box, flat; None when it is none."""
        if self.tag != "box" or not self.rotation:
            return None
        x, y, right, bottom = self.numbers
        return rotated(x, y, right - x, bottom - y, self.rotation, ((x + right) / 2, (y + bottom) / 2))

    def segmentation(self, size_wh: tuple[float, float]) -> bytes | None:
        """Return the outline of a polygon or mask as JSON.

        Raises:
            ValueError: the runs do not fit the mask's box, or that lies outside the image.
        """
        if self.tag == "polygon":
            return polygon_json([self.numbers]) if all(map(math.isfinite, self.numbers)) else None
        if self.tag != "mask" or not all(map(math.isfinite, (*size_wh, *self.numbers))):
            return None
        left, top, right, bottom = map(int, self.numbers)
        width, height = map(int, size_wh)
        if left < 0 or top < 0 or right > width or bottom > height or right <= left or bottom <= top:
            raise ValueError(f"the mask's box {left}, {top}, {right}, {bottom} does not lie in the {width} x {height} px image")
        if height * (right - left) > _MOST_PIXELS:
            raise ValueError("the mask is too large")
        return msgspec.json.encode({"size": [height, width],
                                    "counts": _runs(self.rle, left, top, right, bottom, width, height)})


def points_of(text: str, *, empty: bool = False) -> list[float]:
    """Return `x,y;x,y` as flat numbers; raises ValueError, in words, when it is not that."""
    if not text.strip():
        if empty:
            return []
        raise ValueError("points is missing")
    numbers: list[float] = []
    for pair in text.split(";"):
        x, comma, y = pair.partition(",")
        if not comma:
            raise ValueError(f"points: {pair[:60]!r} is not x,y")
        numbers += (real_text(x.strip(), "points"), real_text(y.strip(), "points"))
    return numbers


def _runs(text: str, left: int, top: int, right: int, bottom: int, width: int, height: int) -> list[int]:
    """Return COCO's runs, down the columns of the whole image, of CVAT's, along the rows of the box."""
    try:
        runs = np.array([int(t) for t in text.split(",")], np.int64)
    except (ValueError, OverflowError):
        raise ValueError("rle is not a list of whole numbers") from None
    inner_w, inner_h = right - left, bottom - top
    if (runs < 0).any() or int(runs.astype(object).sum()) != inner_w * inner_h:
        raise ValueError(f"rle does not add up to the {inner_w} x {inner_h} px of the mask's box")
    inner = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(inner_h, inner_w)
    columns = np.zeros((height, inner_w), bool)
    columns[top:bottom] = inner
    counts = encode_mask(columns)
    counts[0] += left * height
    after = (width - right) * height
    if after and len(counts) % 2 == 0:
        counts.append(after)
    elif after:
        counts[-1] += after
    return counts


def rle_of(mask: Any) -> tuple[str, int, int, int, int] | None:
    """Return CVAT's runs of an (H, W) mask and their box: left, top, width, height; None of an empty mask."""
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(ys):
        return None
    top, bottom, left, right = int(ys[0]), int(ys[-1]) + 1, int(xs[0]), int(xs[-1]) + 1
    counts = encode_mask(mask[top:bottom, left:right].T)  # runs down the columns of the turned box go along its rows
    return ", ".join(map(str, counts)), left, top, right - left, bottom - top
