"""REC016 invalid-outline: polygons that cross themselves or go back over themselves.

Reports an annotation with a polygon of which two edges cross, or that runs along one of its own edges again, as one does whose
hole was joined to it by a seam. A last point equal to the first only closes the polygon, and is fine. Crowds are left out.

Why it matters: its area is not what it looks like: pycocotools and OpenCV fill by different rules, so that the mask has holes
in one and not in the other (cocoapi#153), and cutting it into tiles raises in shapely (sahi#241).

Example: a polygon whose third and fourth point are exchanged: an hourglass.

When to ignore: when masks are not used.

Source of the default: none of it is a simple polygon (OGC Simple Features, 6.1.11).
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity
from dsinspect_checks.records._polygons import polygons_of
from dsinspect_checks.records._simple import CROSSES, SEAM, SIMPLE, faults_of_rings


class InvalidOutline(RowCheck[BaseOptions]):
    """Annotations with a polygon that crosses itself or goes back over itself."""

    code = "REC016"
    name = "invalid-outline"
    severity = Severity.WARNING
    needs = ("segmentation",)

    def find(self, batch: Batch) -> Findings:
        """Report the worst fault of each annotation's polygons."""
        shapes = batch.once(polygons_of)
        worst = np.full(len(batch.annotation_columns), SIMPLE, np.int8)
        np.maximum.at(worst, shapes.owners, faults_of_rings(shapes.points, shapes.starts))
        bad = (worst != SIMPLE) & ~batch.annotation_columns["is_crowd"]
        what = {CROSSES: "crosses itself", SEAM: "runs along one of its own edges again"}
        return Findings.of_annotations(batch, bad, "Polygon {what}: its mask depends on the program that fills it",
                                       {"what": np.array([what[k] for k in worst[bad].tolist()], object)})
