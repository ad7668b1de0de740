"""REC011 box-polygon-mismatch: boxes unlike the outline of their polygons.

Reports an annotation with an edge of its box more than `max_px` px and more than `max_share` of its side away from the
envelope of its polygons. Crowds are left out.

Why it matters: the box and the mask teach different extents; one of the two was edited alone.

Example: the polygon was moved, the box was not.

When to ignore: when boxes hold the whole object and polygons its visible part only.

Source of the default: 2 px and 2 % are what the rounding of converters makes.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity, option
from dsinspect.tables.hostile_numbers import of_any_size
from dsinspect_checks.records._polygons import POLYGONS, polygons_of


class Options(BaseOptions, frozen=True):
    """Limits of REC011."""

    max_px: Annotated[float, option("distance of an edge, px", ge=0)] = 2.0
    max_share: Annotated[float, option("distance of an edge as a part of the box's side", ge=0)] = 0.02


class BoxPolygonMismatch(RowCheck[Options]):
    """Annotations whose box is not the envelope of their polygons."""

    code = "REC011"
    name = "box-polygon-mismatch"
    severity = Severity.WARNING
    options_type = Options
    needs = ("segmentation",)

    def find(self, batch: Batch) -> Findings:
        """Compare the four edges."""
        s = batch.once(polygons_of)
        boxes = batch.boxes_xyxy
        with of_any_size():
            wh = boxes[:, 2:] - boxes[:, :2]
            off = np.abs(boxes - s.envelope)
            beyond = (off > self.options.max_px) & (off > self.options.max_share * np.tile(wh, 2))
        sound = (s.odd == 0) & (s.short == 0) & (s.four == 0)
        bad = beyond.any(axis=1) & (s.kind == POLYGONS) & sound & ~batch.annotation_columns["is_crowd"]
        return Findings.of_annotations(
            batch, bad, "Box is {off:~} px off the outline of its polygons (limits {limit:~} px and {limit_share:.0%} of the "
            "side, options max_px and max_share)",
            {"off": off[bad].max(axis=1, initial=0.0), "limit": self.options.max_px, "limit_share": self.options.max_share},
            fix=Fix("safe", "set-box"), new_box=s.envelope[bad])
