"""BOX007 conflicting-category: one place, two categories.

Reports pairs of boxes of one image that lie on each other (IoU of `min_iou` or more) and have different categories. Crowd and
ignored regions are exempt. Two objects with outlines (polygons, rotated boxes, masks) are compared by these as well: where the
outlines overlap by less than 0.7, they are two objects of one box, such as a house front and the tree in front of it.

Why it matters: one of the two labels is wrong, and the loss pulls the same pixels in two directions.

Example: a box labelled `rbc` and, on the very same pixels, one labelled `wbc`.

When to ignore: when an object is to have several labels.

Source of the default: Cleanlab takes an overlap of 0.95 for the same place.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity, option
from dsinspect_checks.boxes._outlines import outlines_agree
from dsinspect_checks.boxes._pairs import OUTLINES, named, overlapping_pairs


class Options(BaseOptions, frozen=True):
    """Limits of BOX007."""

    min_iou: Annotated[float, option("IoU from which two boxes are one place", source="Cleanlab", gt=0.5, le=1)] = 0.95


class ConflictingCategory(RowCheck[Options]):
    """Pairs of boxes on one place with different categories."""

    code = "BOX007"
    name = "conflicting-category"
    severity = Severity.ERROR
    options_type = Options
    wants = OUTLINES

    def find(self, batch: Batch) -> Findings:
        """Report one finding per pair, on the later box."""
        pairs = batch.once(overlapping_pairs)
        codes, _ = batch.category_codes
        differ = np.flatnonzero((codes[pairs.first] != codes[pairs.second])
                                & (pairs.is_equal | (pairs.iou >= self.options.min_iou)))
        differ = differ[outlines_agree(batch, pairs.first[differ], pairs.second[differ])]
        first, second = pairs.first[differ], pairs.second[differ]
        names = batch.annotation_columns["category"]
        ids = batch.annotation_columns["annotation_id"]
        return Findings.of_annotations(
            batch, second, "Box lies on {place} of class {other} (IoU {iou:.3f}, limit {limit:~}, option min_iou)",
            {"place": named(batch, first), "other": names[first], "other_id": ids[first], "iou": pairs.iou[differ],
             "limit": self.options.min_iou}, subject=names[first])
