"""SRC012 blank-row: rows of white space only inside a label file.

Reports a YOLO label file with a row of spaces or tabs between two others. An empty line is fine.

Why it matters: Ultralytics before 8.4.165 takes the row for one without numbers and leaves out the whole image.

Example: three rows, and two spaces on the line between the first and the second.

When to ignore: with a trainer that skips such rows.

Source of the default: releases 8.3.0 to 8.4.190 of Ultralytics were run on such a file.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity


class BlankRow(RowCheck[BaseOptions]):
    """YOLO label files with rows of white space."""

    code = "SRC012"
    name = "blank-row"
    severity = Severity.WARNING

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "blank-row", "{reason}", fix=Fix("safe", "drop-blank-rows"))
