"""REC010 four-value-polygon: polygons of four numbers, which pycocotools reads as boxes.

Why it matters: `pycocotools.mask` takes a list of lists of four numbers for boxes (x, y, width, height): what was meant as two
corners becomes a box of another size, without a word.

Example: segmentation [[10, 10, 50, 40]].

When to ignore: never, where masks are used.

Source of the default: there is no limit; users met it in tensorpack#1041.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity
from dsinspect_checks.records._polygons import polygons_of


class FourValuePolygon(RowCheck[BaseOptions]):
    """Annotations with a polygon of four numbers."""

    code = "REC010"
    name = "four-value-polygon"
    severity = Severity.ERROR
    needs = ("segmentation",)

    def find(self, batch: Batch) -> Findings:
        """Report polygons of exactly four numbers."""
        four = batch.once(polygons_of).four
        bad = four > 0
        return Findings.of_annotations(batch, bad, "Annotation has {count:~ polygon|polygons} of four numbers, which "
        "pycocotools reads as {count:~a box|boxes}",
                                       {"count": four[bad]})
