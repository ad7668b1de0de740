"""REC006 unknown-category-id: annotations of classes that do not exist.

An id that no category has, an error; for YOLO a class number below 0 or beyond the list of names. A set in which no box has a
class at all, and which was read as one of one class, is one finding, info only.

Why it matters: the loss indexes beyond its last class: a CUDA assertion in the middle of training, or, worse, another class's
weights.

Example: class 99 in a set of 6.

When to ignore: the errors never; the info when all objects are of one class.

Source of the default: there is no limit; users met it in yolov5#7692.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity


class UnknownCategoryId(RowCheck[BaseOptions]):
    """Annotations whose category does not exist."""

    code = "REC006"
    name = "unknown-category-id"
    severity = Severity.ERROR

    def find(self, batch: Batch) -> Findings:
        """Report annotations without a category; a table's row without a class is one as well."""
        a = batch.annotation_columns
        ids = a["category_id"]
        nameless = batch.category_codes[0] < 0
        numbered = nameless & ((ids >= 0) | bool(batch.dataset.categories))
        known = len(batch.dataset.categories)
        return Findings.concat([
            Findings.of_annotations(
                batch, numbered, "Category id {category_id} does not exist; {known:~ category is|categories are} declared",
                {"category_id": ids[numbered], "known": np.full(int(numbered.sum()), known)},
                fix=Fix("unsafe", "drop-annotation")),
            Findings.of_annotations(batch, nameless & ~numbered, "Box has no category",
                                    fix=Fix("unsafe", "drop-annotation")),
            Findings.of_problems(batch, "no-class", "{reason}", severity=Severity.INFO)])
