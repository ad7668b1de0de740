"""BOX003 out-of-bounds: boxes that extend beyond their image.

Reports a box that extends beyond an edge of its image by more than `tolerance` px. A box with no part in the image is BOX004.
The fix cuts it at the edge; a rotated box is left as it is, for what is left of it is no rectangle.

Why it matters: Ultralytics drops the whole image, with all its good boxes, when the centre of a box lies beyond the image, or the
box is larger than it, by more than 1 %; others crop the box silently, and augmentations move it to wrong places.

Example: x 150..204 in an image 192 px wide: 12 px beyond the right edge.

When to ignore: when objects are annotated beyond the image on purpose (amodal boxes).

Source of the default: half a pixel is what rounding makes; panlabel allows as much.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity, option
from dsinspect.tables.schema import CORNER_COLUMNS, FRAME_COLUMNS
from dsinspect_checks.boxes._geometry import FINE, faults


class Options(BaseOptions, frozen=True):
    """Limits of BOX003."""

    tolerance: Annotated[float, option("px a box may extend beyond an edge", source="panlabel", ge=0)] = 0.5


class OutOfBounds(RowCheck[Options]):
    """Boxes that extend beyond their image."""

    code = "BOX003"
    name = "out-of-bounds"
    severity = Severity.ERROR
    options_type = Options
    wants = (*FRAME_COLUMNS, *CORNER_COLUMNS)

    def find(self, batch: Batch) -> Findings:
        """Report the largest overhang of each box."""
        boxes, size = batch.boxes_xyxy, batch.box_image_wh
        over = np.column_stack([-boxes[:, :2], boxes[:, 2:] - size])
        with np.errstate(invalid="ignore"):
            past = np.nanmax(np.where(np.isnan(over), -np.inf, over), axis=1) if len(over) else np.empty(0)
            # Labels written with 6 digits are off by up to a millionth of the side at each edge.
            rounding = np.where(np.isnan(size).any(axis=1), 0.0, size.max(axis=1) * 1.5e-6) if len(size) else 0.0
        bad = (batch.once(faults) == FINE) & (past > self.options.tolerance + rounding) & ~np.isnan(size).any(axis=1)
        inside = np.column_stack([np.maximum(boxes[:, :2], 0.0), np.minimum(boxes[:, 2:], size)])
        is_turned = np.zeros(len(boxes), bool)
        if CORNER_COLUMNS[0] in batch.annotation_columns:  # cut at the edge, a rotated box is no rectangle any more
            is_turned[:] = np.isfinite(batch.annotation_columns.stacked(*CORNER_COLUMNS)).all(axis=1)
        found = []
        for of_kind, fix in ((bad & ~is_turned, Fix("safe", "set-box")), (bad & is_turned, None)):
            found.append(Findings.of_annotations(
                batch, of_kind, "Box extends {past:~} px beyond the {width:~} x {height:~} px image (limit {limit:~} px, option "
                "tolerance)",
                {"past": past[of_kind], "limit": self.options.tolerance, "width": size[of_kind, 0], "height": size[of_kind, 1]},
                fix=fix, new_box=inside[of_kind] if fix else None))
        return Findings.concat(found)
