"""SRC002 orphan-image: images on disk that no record names.

An image file that lies among the images of the set and that no annotation record names.

Why it matters: it takes no part in training; often its annotation got lost, or it was to be a background image and needs a
record.

Example: `train/stray.jpg` lies beside the images of instances_train.json and is in no record.

When to ignore: when the folder is shared with other sets.

Source of the default: there is no limit.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class OrphanImage(RowCheck[BaseOptions]):
    """Images on disk that no record names."""

    code = "SRC002"
    name = "orphan-image"
    severity = Severity.INFO

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "orphan-image", "{reason}")
