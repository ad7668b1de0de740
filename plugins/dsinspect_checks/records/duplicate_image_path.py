"""REC002 duplicate-image-path: one file under two image records.

Reports image records whose file an earlier record of the same split names. Records in different splits are SPL001's matter,
and reported here only where no file is on disk.

Why it matters: the image is trained on twice, often with half of its boxes each time, so that every box is missing once.

Example: a.jpg with ids 5 and 900.

When to ignore: never.

Source of the default: there is no limit; users met it in LIVECell#26.
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
        """The path as found on disk; of each split, where SPL001 can see the rest."""
        images = batch.image_columns
        if batch.dataset.has_files:
            return image_records(batch, key_path=images["path"], key_split=images["split"])
        return image_records(batch, key_path=images["path"])

    def report(self, repeated: Columns) -> Findings:
        """Say how many records name the file."""
        return Findings.of_places(place_columns(repeated), "{count:~ image record names|image records name} this file",
                                  {"count": repeated["count"]}, subject=repeated["split"])
