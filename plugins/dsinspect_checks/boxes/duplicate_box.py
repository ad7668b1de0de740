"""BOX006 duplicate-box: the same box twice.

Reports each box that has the image, category and coordinates of an earlier one. Crowd and ignored regions are exempt.

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
from dsinspect_checks.boxes._pairs import overlapping_pairs, repeats


class DuplicateBox(RowCheck[BaseOptions]):
    """Boxes equal to an earlier one of the same image and category."""

    code = "BOX006"
    name = "duplicate-box"
    severity = Severity.ERROR

    def find(self, batch: Batch) -> Findings:
        """Report every box but the first of each group of equals."""
        extra = np.flatnonzero(batch.once(repeats))
        pairs = batch.once(overlapping_pairs)
        codes, _ = batch.category_codes
        same = pairs.is_equal & (codes[pairs.first] == codes[pairs.second])
        first_of = np.full(len(batch.annotation_columns), -1)
        first_of[pairs.second[same][::-1]] = pairs.first[same][::-1]  # pairs are sorted: the first one is written last
        ids = batch.annotation_columns["annotation_id"]
        return Findings.of_annotations(
            batch, extra, "Box repeats annotation {first_id}: same image, class and coordinates",
            {"first_id": ids[first_of[extra]]}, fix=Fix("safe", "drop-annotation"))
