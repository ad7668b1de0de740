"""REC007 area-mismatch: a COCO `area` that is not the object's.

Reports an annotation whose `area` differs from the area of its polygons (of its box without any) by more than `max_share` and
more than `max_px` px². Crowds and run-length masks are left out.

Why it matters: COCOeval sorts objects into small, medium and large by this field (32² and 96² px): with a wrong one the
averages by size mean something else.

Example: area 0, or the area before the image was resized.

When to ignore: when you do not evaluate with pycocotools.

Source of the default: 1 % and 1 px² are what rounding makes.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity, option
from dsinspect_checks.records._polygons import EMPTY, POLYGONS, polygons_of


class Options(BaseOptions, frozen=True):
    """Limits of REC007."""

    max_share: Annotated[float, option("difference by the true area", ge=0)] = 0.01
    max_px: Annotated[float, option("difference, px²", ge=0)] = 1.0


class AreaMismatch(RowCheck[Options]):
    """Annotations whose area is not that of their polygons or box."""

    code = "REC007"
    name = "area-mismatch"
    severity = Severity.WARNING
    options_type = Options
    needs = ("area", "segmentation")

    def find(self, batch: Batch) -> Findings:
        """Compare the written area with the one of the geometry."""
        a = batch.annotation_columns
        shapes = batch.once(polygons_of)
        x_min, y_min, x_max, y_max = batch.boxes_xyxy.T
        width, height = x_max - x_min, y_max - y_min
        of_box = np.where((width > 0) & (height > 0), width * height, np.nan)
        true = np.where(shapes.kind == POLYGONS, shapes.area, np.where(shapes.kind == EMPTY, of_box, np.nan))
        written = a["area"]
        with np.errstate(invalid="ignore"):
            off = np.abs(written - true)
            bad = (off > self.options.max_px) & (off > self.options.max_share * true) & ~a["is_crowd"]
        return Findings.of_annotations(
            batch, bad, "Area is {area:~} px², but the {what} has {true:~} px² (limits {limit:.0%} and {limit_px:~} px², "
            "options max_share and max_px)",
            {"area": written[bad], "true": true[bad], "limit": self.options.max_share, "limit_px": self.options.max_px,
             "what": np.where(shapes.kind[bad] == POLYGONS, "polygon", "box").astype(object)},
            fix=Fix("safe", "set-area"), new_text=true[bad].round(4))
