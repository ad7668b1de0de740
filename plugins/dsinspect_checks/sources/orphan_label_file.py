"""SRC004 orphan-label-file: label files without an image.

A label file that belongs to no image.

Why it matters: its boxes are never trained on; the image was renamed, moved or lost.

Example: labels/train/b.txt while there is no image of the stem `b`.

When to ignore: when the images were left out on purpose.

Source of the default: there is no limit.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class OrphanLabelFile(RowCheck[BaseOptions]):
    """Label files without an image."""

    code = "SRC004"
    name = "orphan-label-file"
    severity = Severity.WARNING

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "orphan-label", "{reason}")
