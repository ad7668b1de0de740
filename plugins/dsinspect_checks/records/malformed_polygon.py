"""REC009 malformed-polygon: polygons that enclose nothing.

Reports an annotation with a polygon of an odd number of coordinates or of fewer than 3 points, or with a segmentation that is
neither a list of polygons nor a run-length mask. Four numbers are REC010.

Why it matters: the mask loader raises, or draws a line where an object is.

Example: a polygon of 7 numbers.

When to ignore: when you train on boxes only.

Source of the default: there is no limit; users met it in cvat#1769.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity
from dsinspect_checks.records._polygons import BROKEN, polygons_of


class MalformedPolygon(RowCheck[BaseOptions]):
    """Annotations with polygons that enclose nothing."""

    code = "REC009"
    name = "malformed-polygon"
    severity = Severity.ERROR
    needs = ("segmentation",)

    def find(self, batch: Batch) -> Findings:
        """Report odd, short and unreadable polygons."""
        s = batch.once(polygons_of)
        broken = s.kind == BROKEN
        bad = (s.odd > 0) | (s.short > 0) | broken
        what = np.select([broken, s.odd > 0], ["a segmentation that is neither polygons nor a mask",
                                               "a polygon with an odd number of coordinates"],
                         "a polygon of fewer than 3 points")
        return Findings.of_annotations(batch, bad, "Annotation has {what}", {"what": what[bad].astype(object)},
                                       fix=Fix("unsafe", "drop-polygon"))
