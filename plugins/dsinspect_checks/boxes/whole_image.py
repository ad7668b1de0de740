"""BOX011 whole-image: boxes that cover their whole image.

Reports a box that covers `min_share` of its image or more. Crowd and ignored regions are exempt.

Why it matters: it is often the default box of a tool, or a class label of a classification set made into a box: the detector
learns to answer with the image's edges.

Example: x 0..160, y 0..120 in an image of 160 x 120 px.

When to ignore: when images show one object close up.

Source of the default: 99.5 % allows for boxes drawn close to the edges by hand, which are reported too.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity, option
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.boxes._geometry import is_judged


class Options(BaseOptions, frozen=True):
    """Limits of BOX011."""

    min_share: Annotated[float, option("share of the image that the box covers", gt=0, le=1)] = 0.995


class WholeImage(RowCheck[Options]):
    """Boxes that cover nearly their whole image."""

    code = "BOX011"
    name = "whole-image"
    severity = Severity.INFO
    options_type = Options
    wants = FRAME_COLUMNS

    def find(self, batch: Batch) -> Findings:
        """Report boxes by the share of the image they cover."""
        boxes, size = batch.boxes_xyxy, batch.box_image_wh
        inner = np.minimum(boxes[:, 2:], size) - np.maximum(boxes[:, :2], 0)
        with np.errstate(invalid="ignore"):
            share = inner.prod(axis=1) / size.prod(axis=1)
            whole = is_judged(batch) & (share >= self.options.min_share)
        return Findings.of_annotations(
            batch, whole, "Box covers {share:.1%} of its image, all of it (limit {limit:.1%}, option min_share)",
            {"share": share[whole], "limit": self.options.min_share})
