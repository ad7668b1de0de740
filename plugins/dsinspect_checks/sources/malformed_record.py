"""SRC001 malformed-record: records that cannot be read.

A line, element or object that cannot be parsed, or has the wrong number or type of fields. Every one is reported with file,
line or index, and what was read; the rest of the file is still used.

Why it matters: trainers either stop at the first such record or drop it, and sometimes the whole image, without a word.

Example: `0 0.5 0.5 0.1` in a YOLO label file: a row has 5 columns, this one 4.

When to ignore: never; correct the record or drop it.

Source of the default: there is no limit; users met it in convert2Yolo#17 and datumaro#74.
"""

from __future__ import annotations

from dataclasses import replace

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, Fold, Result, RowCheck, Severity
from dsinspect.tables.dataset import DatasetInfo


class MalformedRecord(RowCheck[BaseOptions]):
    """Records that cannot be read."""

    code = "SRC001"
    name = "malformed-record"
    severity = Severity.ERROR

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "malformed-record", "{reason}", fix=Fix("unsafe", "drop-record"))

    def finish(self, state: tuple[Findings, ...], dataset: DatasetInfo) -> Result:
        """Join the findings; a file that is cut off explains the ids that it no longer declares."""
        result = super().finish(state, dataset)
        reasons = result.findings.columns["value:reason"].tolist() if len(result.findings) else []
        is_cut = any("cut off" in str(r) for r in reasons)
        return replace(result, folds=(Fold(("REC005", "REC006")),) if is_cut else ())
