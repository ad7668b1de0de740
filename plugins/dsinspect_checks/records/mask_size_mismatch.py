"""REC014 mask-size-mismatch: run-length masks of another size than their image.

Why it matters: the mask is laid over the wrong pixels, or the loader raises: width and height were swapped, or the image was
resized without its masks.

Example: a mask of 640 x 480 on an image of 480 x 640 px.

When to ignore: never, where masks are used.

Source of the default: there is no limit; users met it in cvat#6014.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.records._polygons import RLE, polygons_of


class MaskSizeMismatch(RowCheck[BaseOptions]):
    """Annotations whose run-length mask has another size than the image."""

    code = "REC014"
    name = "mask-size-mismatch"
    severity = Severity.ERROR
    needs = ("segmentation",)
    wants = FRAME_COLUMNS

    def find(self, batch: Batch) -> Findings:
        """Compare the mask's height and width with the image's."""
        s = batch.once(polygons_of)
        size = batch.box_image_wh
        mask = s.rle_hw[:, ::-1]
        known = (s.kind == RLE) & ~np.isnan(size).any(axis=1) & ~np.isnan(mask).any(axis=1)
        bad = known & (mask != size).any(axis=1)
        return Findings.of_annotations(
            batch, bad, "Mask has {mask_width:~} x {mask_height:~} px, the image {width:~} x {height:~} px",
            {"mask_width": mask[bad, 0], "mask_height": mask[bad, 1], "width": size[bad, 0], "height": size[bad, 1]})
