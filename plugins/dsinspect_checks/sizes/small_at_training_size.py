"""SIZ003 small-at-training-size: objects that vanish when images are scaled for training.

Reports a set in which more than `max_share` of the boxes have a shorter side under `min_side` px once their image is
letterboxed to `imgsz`. The metrics hold the share per class, the training size at which the share would be met, and the number
of tiles a side that would do instead.

Why it matters: the first layers of a detector halve the image three times: what is under 8 px is less than a pixel there.

Example: cars 30 px wide in images of 4,000 px: 5 px at 640.

When to ignore: when you train on tiles or with a finer first level.

Source of the default: the stride of 8 px of the finest level of YOLO and RetinaNet; 640 is Ultralytics' default size.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.sizes._training import scaled_wh

State = tuple[Counter[str], Counter[str], Counter[int]]
"""Boxes by class, small boxes by class, and boxes by their shorter side at `imgsz` in whole 1/4 px up to 64 px."""
STEPS = 4
TOP = 64 * STEPS


class Options(BaseOptions, frozen=True):
    """Limits of SIZ003."""

    imgsz: Annotated[int, option("training size, px", source="Ultralytics", ge=32)] = 640
    min_side: Annotated[float, option("shorter side at the training size, px", gt=0, le=64)] = 8.0
    max_share: Annotated[float, option("share of boxes that may be smaller", ge=0, le=1)] = 0.1


class SmallAtTrainingSize(Check[State, Options]):
    """Sets with many boxes that are tiny at the training size."""

    code = "SIZ003"
    name = "small-at-training-size"
    severity = Severity.WARNING
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Count boxes by class and by size."""
        wh, rows = scaled_wh(batch, self.options.imgsz)
        side = wh.min(axis=1, initial=np.inf)
        codes, labels = batch.category_codes
        codes = codes[rows]
        known = codes >= 0
        total = np.bincount(codes[known], minlength=len(labels))
        small = np.bincount(codes[known & (side < self.options.min_side)], minlength=len(labels))
        bins = np.bincount((np.minimum(side, TOP / STEPS) * STEPS).astype(np.int64), minlength=TOP + 1)
        return (Counter({n: int(k) for n, k in zip(labels, total, strict=True) if k}),
                Counter({n: int(k) for n, k in zip(labels, small, strict=True) if k}),
                Counter({k: int(bins[k]) for k in np.flatnonzero(bins).tolist()}))

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a[0] + b[0], a[1] + b[1], a[2] + b[2]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Judge the share of small boxes."""
        total, small, bins = state
        n, o = total.total(), self.options
        if not n:
            return Result()
        share = small.total() / n
        enough = _size_for(bins, o.max_share)
        advised = int(np.ceil(o.imgsz * o.min_side / enough / 32) * 32) if enough > 0 else o.imgsz
        tiles = int(np.ceil(advised / o.imgsz))
        names = sorted(total)
        boxes, few = np.array([total[k] for k in names], np.int64), np.array([small[k] for k in names], np.int64)
        table = Columns({"class": np.array(names, object), "boxes": boxes, "small": few, "share": few / boxes})
        metrics = {"imgsz": o.imgsz, "share": round(share, 9), "imgsz_that_would_do": max(advised, o.imgsz) if share > o.max_share
                   else o.imgsz, "tiles_per_side_that_would_do": tiles if share > o.max_share else 1,
                   "classes": table.records()}
        found = Findings.of_subjects(
            ["set"] if share > o.max_share else [], "{share:.1%} of the boxes are smaller than {min_side:~} px at a training "
            "size of {imgsz:~} px (limit {limit:.0%}, options max_share, min_side and imgsz); {advised:~} px or {tiles} x "
            "{tiles} tiles would do",
            {"share": share, "min_side": o.min_side, "imgsz": o.imgsz, "limit": o.max_share, "advised": max(advised, o.imgsz),
             "tiles": tiles})
        return Result(found, metrics, {"Small objects": table})


def _size_for(bins: Counter[int], share: float) -> float:
    """Return the side, px, that all but a share of the boxes reach."""
    total, passed = bins.total(), 0
    for k in sorted(bins):
        passed += bins[k]
        if passed > share * total:
            return max(k, 1) / STEPS
    return TOP / STEPS
