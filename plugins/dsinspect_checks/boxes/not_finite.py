"""BOX002 not-finite: boxes with NaN or infinite coordinates.

Why it matters: one NaN turns the loss, and with the next step every weight, into NaN.

Example: `0 nan 0.5 0.1 0.1` in a label file.

When to ignore: never.

Source of the default: there is no limit.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity
from dsinspect_checks.boxes._geometry import NOT_FINITE, faults


class NotFinite(RowCheck[BaseOptions]):
    """Boxes with NaN or infinite coordinates."""

    code = "BOX002"
    name = "not-finite"
    severity = Severity.ERROR

    def find(self, batch: Batch) -> Findings:
        """Report boxes with a coordinate that is no finite number."""
        bad = batch.once(faults) == NOT_FINITE
        texts = [", ".join(f"{v:g}" for v in box) for box in batch.boxes_xyxy[bad].tolist()]
        return Findings.of_annotations(batch, bad, "Box has a coordinate that is no finite number: {box}", {"box": texts},
                                       fix=Fix("safe", "drop-annotation"))
