"""REC003 duplicate-annotation-id: one id, two annotations.

Why it matters: pycocotools indexes annotations by id, so that all but one of them are lost without a word.

Example: two entries of `annotations` with id 31.

When to ignore: never; numbering them anew loses nothing.

Source of the default: there is no limit; users met it in mmdetection#4897.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Findings, Fix, Severity
from dsinspect.tables.columns import Columns
from dsinspect_checks._places import place_columns
from dsinspect_checks.records._repeated import RepeatedKey, annotation_records


class DuplicateAnnotationId(RepeatedKey):
    """Annotations whose id an earlier one of the same file has."""

    code = "REC003"
    name = "duplicate-annotation-id"
    severity = Severity.ERROR
    needs = ("coco:has_id",)

    def keys(self, batch: Batch) -> Columns:
        """Ids count within their file; annotations without an id are left out (REC008)."""
        a = batch.annotation_columns
        table = annotation_records(batch, key_source=a["source"], key_id=a["annotation_id"])
        return table if a["coco:has_id"].all() else table.take(a["coco:has_id"])

    def report(self, repeated: Columns) -> Findings:
        """Name the id."""
        return Findings.of_places(place_columns(repeated), "Annotation id {id} is taken ({count:~ annotation has|annotations "
        "have} it)",
                                  {"id": repeated["key_id"], "count": repeated["count"]},
                                  fix=Fix("safe", "set-annotation-id"))
