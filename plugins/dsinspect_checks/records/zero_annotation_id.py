"""REC004 zero-annotation-id: COCO annotation id 0.

Why it matters: pycocotools marks a matched box by its id and takes 0 for "no match": a perfect detection of that box scores an
average precision of 0.0, and 1.0 once the id is 1 (cocoapi#507).

Example: annotations numbered from 0.

When to ignore: when the file is never evaluated with pycocotools.

Source of the default: there is no limit; users met it in cocoapi#507.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity


class ZeroAnnotationId(RowCheck[BaseOptions]):
    """COCO annotations with id 0."""

    code = "REC004"
    name = "zero-annotation-id"
    severity = Severity.ERROR
    needs = ("coco:has_id",)

    def find(self, batch: Batch) -> Findings:
        """Report id 0 where the file writes one."""
        a = batch.annotation_columns
        zero = (a["annotation_id"] == 0) & a["coco:has_id"]
        return Findings.of_annotations(batch, zero, "Annotation id is 0, which pycocotools takes for no match",
                                       fix=Fix("safe", "set-annotation-id"))
