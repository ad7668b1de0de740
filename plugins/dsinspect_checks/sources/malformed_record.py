"""SRC001 malformed-record: records that cannot be read.

A line, element or object that cannot be parsed, or has the wrong number or type of fields. Every one is reported with file,
line or index, and what was read; the rest of the file is still used.

Why it matters: trainers either stop at the first such record or drop it, and sometimes the whole image, without a word.

Example: `0 0.5 0.5 0.1` in a YOLO label file: a row has 5 columns, this one 4.

When to ignore: never; correct the record or drop it.

Source of the default: there is no limit; users met it in convert2Yolo#17 and datumaro#74.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity


class MalformedRecord(RowCheck[BaseOptions]):
    """Records that cannot be read."""

    code = "SRC001"
    name = "malformed-record"
    severity = Severity.ERROR

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "malformed-record", "{reason}", fix=Fix("unsafe", "drop-record"))
