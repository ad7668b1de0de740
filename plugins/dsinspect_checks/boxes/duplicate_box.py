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

from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity
from dsinspect_checks.boxes._pairs import OUTLINES, named, repeated

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
        ids, lines = (batch.annotation_columns[c] for c in ("annotation_id", "line"))
        has_line = lines[first[extra]] > 0

        def found(rows: NDArray[np.intp], **values: NDArray[np.int64]) -> Findings:
            return Findings.of_annotations(
                batch, rows, "Box repeats {first}: same image, class and coordinates",
                {"first": named(batch, first[rows]), "first_id": ids[first[rows]], **values}, fix=Fix("safe", "drop-annotation"))

        with_line = extra[has_line]
        return Findings.concat((found(extra[~has_line]), found(with_line, first_line=lines[first[with_line]])))
