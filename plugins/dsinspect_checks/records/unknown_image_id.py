"""REC005 unknown-image-id: annotations of images that do not exist.

Why it matters: the box is never trained on, and loaders that look the image up stop with a KeyError.

Example: image_id 4242 while no entry of `images` has that id.

When to ignore: never.

Source of the default: there is no limit.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity


class UnknownImageId(RowCheck[BaseOptions]):
    """Annotations whose image does not exist."""

    code = "REC005"
    name = "unknown-image-id"
    severity = Severity.ERROR

    def find(self, batch: Batch) -> Findings:
        """Report annotations without an image."""
        a = batch.annotation_columns
        bad = a["image_row"] < 0
        ids = a["image_id"][bad]
        return Findings.of_annotations(batch, bad, "Image id {image_id} does not exist", {"image_id": ids},
                                       fix=Fix("unsafe", "drop-annotation"))
