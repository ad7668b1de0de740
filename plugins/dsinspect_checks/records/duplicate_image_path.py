"""REC002 duplicate-image-path: one file under two image records.

Why it matters: the picture is trained on twice, often with half of its boxes each time, so that every box is missing
once; across splits it leaks.

Example: a.jpg with ids 5 and 900.

When to ignore: never.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Findings, Severity
from dsinspect.tables.columns import Columns
from dsinspect_checks._places import place_columns
from dsinspect_checks.records._repeated import RepeatedKey, image_records


class DuplicateImagePath(RepeatedKey):
    """Image records whose file an earlier record names."""

    code = "REC002"
    name = "duplicate-image-path"
    severity = Severity.ERROR

    def keys(self, batch: Batch) -> Columns:
        """The path as found on disk."""
        return image_records(batch, key_path=batch.image_columns["path"])

    def report(self, repeated: Columns) -> Findings:
        """Say how many records name the file."""
        return Findings.of_places(place_columns(repeated), "{count} image records name this file",
                                  {"count": repeated["count"]}, subject=repeated["split"])
