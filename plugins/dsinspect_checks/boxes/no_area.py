"""BOX001 no-area: boxes with no width or height.

A box whose right edge is not right of its left one, or whose bottom is not below its top. Where swapping the corners would
make a box, the finding says so.

Why it matters: torchvision raises on such a box in the middle of an epoch; other trainers drop it, or learn from a target of
size 0, whose logarithm is not finite.

Example: x 100..100, y 20..60: width 0.

When to ignore: never; drop the box or correct its corners.

Source of the default: there is no limit: torchvision raises on any such box.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity
from dsinspect_checks.boxes._geometry import NO_AREA, faults, sizes_wh


class NoArea(RowCheck[BaseOptions]):
    """Boxes with no width or height."""

    code = "BOX001"
    name = "no-area"
    severity = Severity.ERROR

    def find(self, batch: Batch) -> Findings:
        """Report boxes with a side of 0 or less; reversed corners apart from the rest."""
        flat = batch.once(faults) == NO_AREA
        wh = sizes_wh(batch)
        reversed_ = flat & (wh != 0).all(axis=1)
        boxes = batch.boxes_xyxy[reversed_]
        swapped = np.column_stack([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])])
        flat &= ~reversed_
        return Findings.concat([
            Findings.of_annotations(
                batch, flat, "Box has no area: it is {width:~} px wide and {height:~} px high (limit: above {limit:~} px)",
                {"width": wh[flat, 0], "height": wh[flat, 1], "limit": 0.0}, fix=Fix("safe", "drop-annotation")),
            Findings.of_annotations(
                batch, reversed_, "Box has reversed corners: it is {width:~} px wide and {height:~} px high (limit: above "
                "{limit:~} px)", {"width": wh[reversed_, 0], "height": wh[reversed_, 1], "limit": 0.0},
                fix=Fix("unsafe", "set-box"), new_box=swapped)])
