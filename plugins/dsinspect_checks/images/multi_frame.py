"""IMG017 multi-frame: animations and files of several pages.

Why it matters: readers take the first frame, or the last, or refuse; the boxes fit one of them.

Example: an animated GIF of 12 frames.

When to ignore: when you know which frame your loader takes and the boxes were drawn on it.

Source of the default: there is no limit.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class MultiFrame(RowCheck[BaseOptions]):
    """Images with more than one frame or page."""

    code = "IMG017"
    name = "multi-frame"
    severity = Severity.WARNING
    needs = ("frames",)

    def find(self, batch: Batch) -> Findings:
        """Report images by their number of frames."""
        frames = batch.image_columns["frames"]
        with np.errstate(invalid="ignore"):
            several = frames > 1
        return Findings.of_images(batch, several, "Image holds {frames:~ frame|frames}; readers take one of them",
        {"frames": frames[several].astype(np.int64)})
