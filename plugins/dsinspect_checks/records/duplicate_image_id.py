"""REC001 duplicate-image-id: one id, two image records.

Why it matters: annotations name their image by its id; pycocotools keeps the last of the two records, so that the boxes of
both images land on one of them.

Example: two entries of `images` with id 7.

When to ignore: never.

Source of the default: there is no limit; users met it in sahi#98.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Findings, Severity
from dsinspect.tables.columns import Columns
from dsinspect_checks._places import place_columns
from dsinspect_checks.records._repeated import RepeatedKey, image_records


class DuplicateImageId(RepeatedKey):
    """Image records whose id an earlier record of the same file has."""

    code = "REC001"
    name = "duplicate-image-id"
    severity = Severity.ERROR

    def keys(self, batch: Batch) -> Columns:
        """Ids count within their file; where there are no ids, positions stand in and never repeat."""
        return image_records(batch, key_source=batch.image_columns["source"], key_id=batch.image_columns["image_id"])

    def report(self, repeated: Columns) -> Findings:
        """Name the id and the record that has it first."""
        return Findings.of_places(
            place_columns(repeated), "Image id {id} is taken: {first} has it too ({count:~ record has|records have} it in all)",
            {"id": repeated["key_id"], "first": repeated["first"], "count": repeated["count"]})
