"""DST002 boxes-per-image: images with far more boxes than the rest.

Reports an image with more than `min_boxes` boxes and more than `fence` interquartile ranges above the third quartile of the
set. Where more than `max_share` of the images are (more than 3), they are no exceptions, and nothing is said.

Why it matters: such an image outweighs dozens of others in the loss, and exceeds the number of detections that evaluation
keeps (100 in COCO).

Example: 350 boxes in one image of a set with 2 to 9.

When to ignore: when crowds are part of the task.

Source of the default: Tukey's far-out fence. On a real set 4 of 66 images were above it, by 1 to 3 boxes.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.chart import Chart
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo

MOST_IMAGES = 3
"""Images that are few in any set."""
MOST_BARS = 50
"""Boxes up to which each number has a bar of its own."""
State = tuple[Counter[int], tuple[Findings, ...]]


class Options(BaseOptions, frozen=True):
    """Limits of DST002."""

    fence: Annotated[float, option("interquartile ranges above the third quartile", source="Tukey 1977", gt=0)] = 3.0
    min_boxes: Annotated[int, option("boxes up to which an image is never reported", ge=0)] = 20
    max_share: Annotated[float, option("share of images beyond that are no exception any more", gt=0, le=1)] = 0.05


class BoxesPerImage(Check[State, Options]):
    """Images with far more boxes than the rest."""

    code = "DST002"
    name = "boxes-per-image"
    severity = Severity.INFO
    options_type = Options

    def map(self, batch: Batch) -> State:
        """Count boxes per image; images above `min_boxes` are candidates."""
        rows = batch.annotation_columns["image_row"]
        boxes = np.bincount(rows[rows >= 0], minlength=len(batch.image_columns))
        many = boxes > self.options.min_boxes
        found = Findings.of_images(
            batch, many, "Image has {boxes:~ box|boxes}; half of the images have up to {median:~} (limit {high:~}: {limit:~} IQR, "
            "option fence, and at least {min_boxes:~}, option min_boxes)",
            {"boxes": boxes[many], "high": 0.0, "median": 0, "limit": self.options.fence, "min_boxes": self.options.min_boxes})
        return Counter(boxes.tolist()), (found,) if len(found) else ()

    def merge(self, a: State, b: State) -> State:
        """Add counts and chain candidates."""
        return a[0] + b[0], a[1] + b[1]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Fence the candidates."""
        counts, candidates = state
        if not counts:
            return Result()
        ordered = sorted(counts)
        cumulated = np.cumsum([counts[k] for k in ordered])

        def quantile(q: float) -> int:
            return ordered[int(np.searchsorted(cumulated, np.ceil(q * cumulated[-1])))]

        q1, q2, q3 = quantile(0.25), quantile(0.5), quantile(0.75)
        high = q3 + self.options.fence * (q3 - q1)
        total = sum(k * n for k, n in counts.items())
        metrics = {"mean": round(total / counts.total(), 9), "q1": q1, "median": q2, "q3": q3, "max": ordered[-1]}
        edges = np.arange(0, min(ordered[-1], MOST_BARS) + 2)
        heights = [counts[int(k)] for k in edges[:-1]]
        heights[-1] += sum(n for k, n in counts.items() if k > edges[-2])
        label = "boxes (the last: and more)" if ordered[-1] > MOST_BARS else "boxes"
        chart = Chart("histogram", "Boxes per image", tuple(edges.tolist()), tuple(heights), label, "images")
        found = Findings.concat(candidates)
        if len(found):
            found = found.take(found.columns["value:boxes"] > high).with_values(high=float(high), median=q2)
        if len(found) > max(self.options.max_share * counts.total(), MOST_IMAGES):
            found = Findings.none()
        return Result(found, metrics, charts=(chart,))
