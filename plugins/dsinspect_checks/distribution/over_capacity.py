"""DST005 over-capacity: images with more objects than a detector returns.

Reports an image with more than `max_objects` boxes. Crowd and ignored regions do not count.

Why it matters: what is beyond the limit can never be found: Ultralytics returns 300 detections an image (`max_det`), DETR has
as many queries, COCOeval looks at the best 100, detectron2 and torchvision return 100, YOLOX trains on 120. Recall is capped,
and the loss punishes answers that are right.

Example: 420 heads of wheat in one image.

When to ignore: when you raise these limits, or train on tiles (`dsinspect transform --op tile`).

Source of the default: 300 is the limit of Ultralytics and DETR; `--set DST005.max_objects=100` is that of COCOeval, detectron2
and torchvision, 120 that of YOLOX.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity, option


class Options(BaseOptions, frozen=True):
    """Limits of DST005."""

    max_objects: Annotated[int, option("boxes an image may have", source="Ultralytics, DETR", ge=1)] = 300


class OverCapacity(RowCheck[Options]):
    """Images with more boxes than a detector keeps."""

    code = "DST005"
    name = "over-capacity"
    severity = Severity.WARNING
    options_type = Options

    def find(self, batch: Batch) -> Findings:
        """Count boxes per image."""
        rows = batch.annotation_columns["image_row"]
        boxes = np.bincount(rows[(rows >= 0) & ~batch.is_region], minlength=len(batch.image_columns))
        many = boxes > self.options.max_objects
        tiles = np.ceil(np.sqrt(boxes[many] / self.options.max_objects)).astype(np.int64)
        return Findings.of_images(
            batch, many, "Image has {boxes:~ box|boxes}, more than a detector returns (limit {limit:~}, option max_objects); "
            "{tiles} x {tiles} tiles would do", {"boxes": boxes[many], "limit": self.options.max_objects, "tiles": tiles})
