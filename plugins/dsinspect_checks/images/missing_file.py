"""IMG001 missing-file: records without a file.

Why it matters: trainers stop, or drop the image with all its boxes after one line in a log nobody reads.

Example: a.jpg in instances_train.json, and no a.jpg anywhere in the set; or a link that leads nowhere.

When to ignore: when only a part of the images was downloaded. Where no image at all is on disk the check is skipped.
"""

from __future__ import annotations

import os

import numpy as np

from dsinspect.checks import BaseOptions, Batch, Findings, Fix, RowCheck, Severity


class MissingFile(RowCheck[BaseOptions]):
    """Image records without a file."""

    code = "IMG001"
    name = "missing-file"
    severity = Severity.ERROR
    needs = ("file", "read_error")

    def find(self, batch: Batch) -> Findings:
        """Report records whose file does not exist, or is a link to nowhere."""
        gone = batch.images["file"].isna().to_numpy(bool)
        dangling = (batch.images["read_error"] == os.strerror(2).lower()).to_numpy(bool)
        missing = np.asarray(gone | dangling, bool)
        return Findings.of_images(batch, missing, "no such file", fix=Fix("unsafe", "drop-image"))
