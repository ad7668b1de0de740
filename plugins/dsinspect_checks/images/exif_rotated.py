"""IMG005 exif-rotated: pictures that are shown turned.

Reports an image whose EXIF orientation is not 1, and which frame its boxes fit: the picture as stored, as displayed
(upright), or both.

Why it matters: cv2.imread turns the picture with IMREAD_COLOR and does not with IMREAD_UNCHANGED; Pillow never does.
Boxes drawn on the one are wrong on the other, and nobody notices but the metric.

Example: orientation 6, stored 1200 x 1800 px, shown 1800 x 1200 px, boxes that fit only the upright frame.

When to ignore: when every program that reads the set turns pictures the same way. `dsinspect transform --op upright`
bakes the orientation in.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.images._state import is_image
from dsinspect_checks.images.size_mismatch import boxes_fit


class ExifRotated(RowCheck[BaseOptions]):
    """Images whose EXIF orientation is not 1."""

    code = "IMG005"
    name = "exif-rotated"
    severity = Severity.WARNING
    needs = (*FRAME_COLUMNS, "file_format", "read_error")

    def find(self, batch: Batch) -> Findings:
        """Report turned images with the frame that their boxes fit."""
        images = batch.image_columns
        turned = is_image(batch) & (images["orientation"] > 1)
        stored = images.stacked("file_width", "file_height")
        upright = np.where((images["orientation"] >= 5)[:, None], stored[:, ::-1], stored)
        in_stored, in_upright = boxes_fit(batch, stored), boxes_fit(batch, upright)
        fits = np.select([in_stored & in_upright, in_stored, in_upright], ["both", "stored", "upright"], "neither")
        return Findings.of_images(
            batch, turned, "EXIF orientation {orientation}: stored as {width:g} x {height:g} px; the boxes fit: {fits}",
            {"orientation": images["orientation"][turned].astype(np.int64), "width": stored[turned, 0],
             "height": stored[turned, 1], "fits": fits[turned].astype(object)})
