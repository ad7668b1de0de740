"""REC012 mixed-row-kinds: boxes and polygons in one YOLO label file.

Why it matters: Ultralytics takes a file with one polygon for a segmentation file and drops or misreads its box rows.

Example: a row of 5 columns beside one of 41.

When to ignore: never.

Source of the default: there is no limit; users met it in ultralytics#548.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class MixedRowKinds(RowCheck[BaseOptions]):
    """YOLO label files with box rows and polygon rows."""

    code = "REC012"
    name = "mixed-row-kinds"
    severity = Severity.ERROR

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "mixed-row-kinds")
