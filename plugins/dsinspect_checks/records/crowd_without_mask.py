"""REC015 crowd-without-mask: crowds, and those stored as plain boxes.

Reports a set with crowd regions (`iscrowd` 1): their share, and how many of them have no mask.

Why it matters: COCOeval ignores detections in a crowd's mask; without one its whole box is ignored. Trainers that do not know
crowds learn them as one huge object.

Example: 900 of 60,000 annotations are crowds, 40 of them without a mask.

When to ignore: when your trainer leaves crowds out.

Source of the default: there is no limit; users met it in ultralytics#12671.
"""

from __future__ import annotations

from collections import Counter

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks.records._polygons import RLE, polygons_of

State = Counter[str]


class CrowdWithoutMask(Check[State, BaseOptions]):
    """Sets with crowd regions, some of them plain boxes."""

    code = "REC015"
    name = "crowd-without-mask"
    severity = Severity.INFO
    needs = ("segmentation", "coco:has_iscrowd")

    def map(self, batch: Batch) -> State:
        """Count crowds, and those without a run-length mask."""
        crowd = batch.annotation_columns["is_crowd"]
        plain = crowd & (batch.once(polygons_of).kind != RLE)
        return Counter({"annotations": len(crowd), "crowds": int(crowd.sum()), "plain": int(plain.sum())})

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report crowds of which some are plain boxes."""
        crowds, plain, n = state["crowds"], state["plain"], state["annotations"]
        metrics = {"crowds": crowds, "share": round(crowds / n, 9) if n else 0.0, "without_mask": plain}
        return Result(Findings.of_subjects(
            ["set"] if plain else [], "{plain:~} of {crowds:~ crowd region has|crowd regions have} no mask: COCOeval ignores "
            "the whole box",
            {"plain": plain, "crowds": crowds, "limit": 0}), metrics)
