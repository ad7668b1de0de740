"""BOX012 crowded-overlap: images whose boxes lie over each other.

Reports an image with at least `min_boxes` boxes of which more than `max_share` overlap another one of their class with an IoU
above 0.5. Crowd and ignored regions are exempt.

Why it matters: non-maximum suppression removes all but one of such boxes, so that a perfect detector scores badly; or the
annotations of several annotators were merged.

Example: 9 of 12 boxes of `apple` overlap another apple.

When to ignore: when the scenes are that crowded; then raise the IoU threshold of non-maximum suppression.

Source of the default: more than half of the boxes, as kaishi's users asked for.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity, option
from dsinspect_checks.boxes._geometry import is_judged
from dsinspect_checks.boxes._pairs import first_alike, overlapping_pairs


class Options(BaseOptions, frozen=True):
    """Limits of BOX012."""

    max_share: Annotated[float, option("share of boxes that may overlap another", source="kaishi#5", ge=0, le=1)] = 0.5
    min_boxes: Annotated[int, option("boxes an image must have to be judged", ge=2)] = 5


class CrowdedOverlap(RowCheck[Options]):
    """Images in which most boxes overlap another one of their class."""

    code = "BOX012"
    name = "crowded-overlap"
    severity = Severity.INFO
    options_type = Options

    def find(self, batch: Batch) -> Findings:
        """Report images by their share of overlapping boxes; boxes that repeat another one do not count."""
        pairs = batch.once(overlapping_pairs)
        codes, _ = batch.category_codes
        repeated = batch.once(first_alike) >= 0
        same = codes[pairs.first] == codes[pairs.second]
        overlaps = np.zeros(len(batch.annotation_columns), bool)
        overlaps[pairs.first[same]] = overlaps[pairs.second[same]] = True
        rows = batch.annotation_columns["image_row"]
        counted = is_judged(batch) & ~repeated & (rows >= 0)
        n = len(batch.image_columns)
        boxes = np.bincount(rows[counted], minlength=n)[:n]
        over = np.bincount(rows[counted & overlaps], minlength=n)[:n]
        crowded = (boxes >= self.options.min_boxes) & (over > boxes * self.options.max_share)
        return Findings.of_images(
            batch, crowded, "{overlapping:~} of {boxes:~} boxes overlap another one of their class with an IoU above 0.5 "
            "(limit {limit:.0%}, option max_share)",
            {"overlapping": over[crowded], "boxes": boxes[crowded], "limit": self.options.max_share})
