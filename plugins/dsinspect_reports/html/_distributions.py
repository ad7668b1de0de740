"""What the page shows of the whole set: classes by split, sizes of boxes and images, where boxes lie."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.io.image_codec import why_no_opencv
from dsinspect.protocols.chart import Chart
from dsinspect.tables.columns import codes_of
from dsinspect.tables.hostile_numbers import of_any_size
from dsinspect.tables.schema import boxes_xyxy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.protocols.run import Run
    from dsinspect_reports._places import Places

MAX_CLASSES = 2_000
MAX_MAPS = 48
GRID = 32
"""Cells of a heat map on a side."""
LEVELS = 10
"""Shades of the matrix."""
SIDE_EDGES = (0, 8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 1024)
"""Classes of box sides, px: COCO's small and large objects end and begin at 32 and 96 px."""


@dataclass(frozen=True)
class ClassRow:
    """A class in the matrix: boxes by split with their shades, 0 to 9."""

    name: str
    boxes: int
    images: int
    share: float
    by_split: tuple[tuple[int, int], ...]
    sides: tuple[float, float, float] | None


@dataclass(frozen=True)
class HeatMap:
    """Where the boxes of a class lie: a PNG as base64; `boxes` have their centre in an image, `of` are all of the class."""

    name: str
    boxes: int
    of: int
    png: str


def class_rows(run: Run, places: Places) -> list[ClassRow]:
    """Return the classes, largest first."""
    splits = run.census.split_columns["name"].tolist()
    counts = _by_class_and_split(places, splits)
    sides = _sides_by_class(places)
    largest_first = run.census.largest_first()
    total = max(sum(boxes for _, boxes, _ in largest_first), 1)
    totals = [max(sum(c[k] for c in counts.values()), 1) for k in range(len(splits))]
    rows = []
    for name, boxes, images in largest_first[:MAX_CLASSES]:
        own = counts.get(name, [0] * len(splits))
        shades = [0 if not n else 1 + min(int((LEVELS - 2) * (n / t) ** 0.5), LEVELS - 2) for n, t in zip(own, totals, strict=True)]
        rows.append(ClassRow(str(name), boxes, images, boxes / total, tuple(zip(own, shades, strict=True)), sides.get(name)))
    return rows


def _by_class_and_split(places: Places, splits: list[Any]) -> dict[Any, list[int]]:
    if places.annotations is None or not len(places.annotations) or not splits:
        return {}
    codes, names = places.categories
    split_codes, split_names = codes_of(places.images["split"])
    of_box = np.append(split_codes, -1)[places.image_rows]
    known = (codes >= 0) & (of_box >= 0)
    width = max(len(split_names), 1)
    table = np.bincount(codes[known] * width + of_box[known], minlength=len(names) * width).reshape(len(names), width)
    column = [split_names.index(s) if s in split_names else -1 for s in splits]
    return {n: [int(table[k, c]) if c >= 0 else 0 for c in column] for k, n in enumerate(names)}


def _sides_by_class(places: Places) -> dict[Any, tuple[float, float, float]]:
    """Return 5th, 50th and 95th percentile of the box sides of each class, px."""
    if places.annotations is None or not len(places.annotations):
        return {}
    codes, names = places.categories
    sides = _sides(places)
    found = {}
    for k, name in enumerate(names):
        own = sides[(codes == k) & np.isfinite(sides)]
        if len(own):
            low, middle, high = np.percentile(own, (5, 50, 95)).tolist()
            found[name] = (low, middle, high)
    return found


def _sides(places: Places) -> NDArray[np.float64]:
    """Return the square root of the area of each box, px; NaN for a box without one."""
    assert places.annotations is not None
    boxes = boxes_xyxy(places.annotations)
    with of_any_size():
        size = boxes[:, 2:] - boxes[:, :2]
        return np.where((size > 0).all(axis=1), np.sqrt(size.prod(axis=1)), np.nan)


def charts(places: Places) -> list[Chart]:
    """Return charts of the sizes of boxes and images."""
    made = []
    if places.annotations is not None and len(places.annotations):
        sides = _sides(places)
        total, sides = len(sides), sides[np.isfinite(sides)]
        counted = f": {len(sides):,} of {total:,} boxes, those with an area" if len(sides) < total else ""
        heights = np.histogram(sides, [*SIDE_EDGES, np.inf])[0].tolist()
        names = [f"{a:,} to {b:,}" for a, b in pairwise(SIDE_EDGES)] + [f"from {SIDE_EDGES[-1]:,}"]
        filled = [k for k, h in enumerate(heights) if h] or [0]
        shown = slice(filled[0], filled[-1] + 1)
        made.append(Chart("bar", f"Box sides (square root of the area), px{counted}", tuple(names[shown]), tuple(heights[shown])))
    sizes = Counter(f"{w:,.0f} x {h:,.0f}" for w, h in zip(
        places.images["frame_width"].tolist(), places.images["frame_height"].tolist(), strict=True) if w > 0 and h > 0)
    if sizes:
        common = sorted(sizes.items(), key=lambda s: (-s[1], s[0]))[:12]
        title = "Image sizes, px" if len(sizes) <= 12 else f"Image sizes, px: the 12 most frequent of {len(sizes):,}"
        made.append(Chart("bar", title, tuple(s for s, _ in common), tuple(n for _, n in common)))
    return made


def heat_maps(places: Places) -> list[HeatMap]:
    """Return where the centres of boxes lie in their images, for each of the largest classes; none without OpenCV."""
    if places.annotations is None or not len(places.annotations) or why_no_opencv() is not None:
        return []
    codes, names = places.categories
    rows = places.image_rows
    boxes = boxes_xyxy(places.annotations)
    size = np.stack([np.append(places.images[c], np.nan)[rows] for c in ("frame_width", "frame_height")]).T
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / size
    inside = np.isfinite(centre).all(axis=1) & (centre >= 0).all(axis=1) & (centre <= 1).all(axis=1) & (codes >= 0)
    cell = np.minimum((centre[inside] * GRID).astype(np.int64), GRID - 1)
    counts = np.bincount(codes[inside], minlength=len(names))
    own_boxes = np.bincount(codes[codes >= 0], minlength=len(names))
    made = []
    for k in sorted(range(len(names)), key=lambda k: (-int(counts[k]), str(names[k])))[:MAX_MAPS]:
        if not counts[k]:
            continue
        own = cell[codes[inside] == k]
        grid = np.bincount(own[:, 1] * GRID + own[:, 0], minlength=GRID * GRID).reshape(GRID, GRID)
        made.append(HeatMap(str(names[k]), int(counts[k]), int(own_boxes[k]), b64encode(_coloured(grid)).decode()))
    return made


def _coloured(grid: NDArray[np.int64]) -> bytes:
    """Return a PNG of counts: dark for none, over violet and orange to light yellow for the most."""
    from dsinspect.io.image_codec import Encoding

    stops = np.array([(24, 18, 43), (114, 31, 109), (219, 80, 62), (251, 155, 26), (252, 250, 190)], np.float64)  # RGB
    level = np.sqrt(grid / max(int(grid.max()), 1)) * (len(stops) - 1)
    low = np.minimum(level.astype(np.int64), len(stops) - 2)
    part = (level - low)[..., None]
    rgb = stops[low] * (1 - part) + stops[low + 1] * part
    return Encoding().encode(np.ascontiguousarray(np.rint(rgb[..., ::-1]).astype(np.uint8)), ".png")
