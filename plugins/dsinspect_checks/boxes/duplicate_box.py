"""BOX006 duplicate-box: the same box twice.

Reports each box that has the image, category, coordinates and outline of an earlier one. Two objects with one box and
different polygons, or rotated boxes of one envelope, are no duplicates. Crowd and ignored regions are exempt.

Why it matters: the object counts twice in the loss and in the counts of its class, and no detector can find both, for
non-maximum suppression leaves one: the best possible recall falls.

Example: two equal rows in one label file.

When to ignore: never; drop all but one.

Source of the default: there is no limit.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity
from dsinspect_checks.boxes._pairs import OUTLINES, repeated


class DuplicateBox(RowCheck[BaseOptions]):
    """Boxes equal to an earlier one of the same image and category."""

    code = "BOX006"
    name = "duplicate-box"
    severity = Severity.ERROR
    wants = OUTLINES

    def find(self, batch: Batch) -> Findings:
        """Report every box but the first of each group of equals."""
        first = batch.once(repeated)
        extra = np.flatnonzero(first >= 0)
        ids = batch.annotation_columns["annotation_id"]
        return Findings.of_annotations(
            batch, extra, "Box repeats annotation {first_id}: same image, class and coordinates",
            {"first_id": ids[first[extra]]}, fix=Fix("safe", "drop-annotation"))
