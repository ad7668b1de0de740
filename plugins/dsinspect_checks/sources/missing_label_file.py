"""SRC003 missing-label-file: images without a label file.

A YOLO image for which there is no label file. An empty label file is fine: it says that the image is background.

Why it matters: Ultralytics trains on such an image as background, so objects in it are learnt as nothing.

Example: images/train/a.jpg without labels/train/a.txt.

When to ignore: when background images were stored without label files on purpose.

Source of the default: there is no limit; users met it in yolov5#6775.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class MissingLabelFile(RowCheck[BaseOptions]):
    """Images without a label file."""

    code = "SRC003"
    name = "missing-label-file"
    severity = Severity.WARNING

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "missing-label", "{reason}; trainers take the image for background")
