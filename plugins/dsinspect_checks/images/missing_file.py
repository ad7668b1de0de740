"""IMG001 missing-file: records without a file.

Why it matters: trainers stop, or drop the image with all its boxes after one line in a log nobody reads.

Example: a.jpg in instances_train.json, and no a.jpg anywhere in the set; or a link that leads nowhere; or one/a.jpg and two/a.jpg,
which differ, so that nothing says which one is meant.

When to ignore: when only a part of the images was downloaded. Where no image at all is on disk the check is skipped.

Source of the default: there is no limit.
"""

from __future__ import annotations

import os

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity
from dsinspect.tables.columns import is_given


class MissingFile(RowCheck[BaseOptions]):
    """Image records without a file."""

    code = "IMG001"
    name = "missing-file"
    severity = Severity.ERROR
    needs = ("file", "read_error")

    def find(self, batch: Batch) -> Findings:
        """Report records whose file does not exist, or is a link to nowhere."""
        gone = ~is_given(batch.image_columns["file"])
        dangling = batch.image_columns["read_error"] == os.strerror(2).lower()
        several = {p.image: p.reason for p in batch.dataset.problems if p.kind == "several-files"}
        unclear = gone & np.array([p in several for p in batch.image_columns["path"].tolist()], bool) if several else gone & False
        return Findings.concat((
            Findings.of_images(batch, (gone | dangling) & ~unclear, "Image file does not exist", fix=Fix("unsafe", "drop-image")),
            Findings.of_images(batch, unclear, "Several files of different content have the name of the image, and none is taken: "
                               "{files}", {"files": [several[p] for p in batch.image_columns["path"][unclear].tolist()]})))
