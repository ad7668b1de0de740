"""SRC011 extra-columns: YOLO rows of six numbers.

Reports a YOLO label file with rows of six numbers, alone or among rows of five: a confidence or a track id was left in it.

Why it matters: Ultralytics reads five numbers a row or a polygon; with six it leaves out the whole image, with all its boxes,
after one line of warning. Other loaders take the sixth for something else.

Example: `0 0.5 0.5 0.1 0.2 0.87` as `yolo predict save_txt save_conf` writes it.

When to ignore: when the files are predictions, to be evaluated and not trained on.

Source of the default: every release of Ultralytics from 8.0 on (`verify_image_label`) was run on such a file.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity


class ExtraColumns(RowCheck[BaseOptions]):
    """YOLO label files with rows of six numbers."""

    code = "SRC011"
    name = "extra-columns"
    severity = Severity.ERROR

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "extra-columns", "{reason}; a row of a box has 5 numbers",
                                    fix=Fix("unsafe", "drop-extra-columns"))
