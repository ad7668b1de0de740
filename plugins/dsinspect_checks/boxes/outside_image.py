"""BOX004 outside-image: boxes with no part in their image.

Why it matters: there is nothing to learn from; trainers drop the box, or the whole image with it.

Example: x 300..340 in an image 192 px wide.

When to ignore: never; often it belongs to another image, or the image was resized without its boxes.

Source of the default: there is no limit.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.boxes._geometry import OUTSIDE, faults


class OutsideImage(RowCheck[BaseOptions]):
    """Boxes with no part in their image."""

    code = "BOX004"
    name = "outside-image"
    severity = Severity.ERROR
    wants = FRAME_COLUMNS

    def find(self, batch: Batch) -> Findings:
        """Report boxes that do not meet their image."""
        bad = batch.once(faults) == OUTSIDE
        size = batch.box_image_wh[bad]
        return Findings.of_annotations(
            batch, bad, "Box lies entirely outside the {width:~} x {height:~} px image",
            {"width": size[:, 0], "height": size[:, 1]}, fix=Fix("safe", "drop-annotation"))
