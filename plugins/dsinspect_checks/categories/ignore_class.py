"""CLS008 ignore-class: classes that are regions to leave out.

Reports a class with boxes whose name says that they are to be ignored (`ignored regions`, `ignore`, `DontCare`, ...), and a
set of COCO with annotations marked `ignore: 1`.

Why it matters: no trainer knows the name: the region is learnt as an object. detectron2 stops on `ignore` annotations
(detectron2#2639), mmdetection drops them, and COCOeval overwrites the field with `iscrowd`.

Example: VisDrone's category 0, `ignored regions`.

When to ignore: when your trainer is set to leave the class out.

Source of the default: the names in VisDrone, KITTI, UA-DETRAC, CityPersons and WIDER.
"""

from __future__ import annotations

from collections import Counter

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._counts import ClassCounts, class_counts
from dsinspect_checks.categories.colliding_names import plain_form

IGNORED = frozenset(("ignore", "ignored", "ignoreregion", "ignoreregions", "ignoredregion", "ignoredregions", "ignorearea",
                     "dontcare", "donotcare", "unlabeled", "unlabelled", "void"))
State = tuple[ClassCounts, Counter[str]]


class IgnoreClass(Check[State, BaseOptions]):
    """Classes and COCO annotations that are regions to leave out."""

    code = "CLS008"
    name = "ignore-class"
    severity = Severity.WARNING

    def map(self, batch: Batch) -> State:
        """Count boxes by class, and COCO's ignored ones."""
        marked = int(batch.annotation_columns["is_ignored"].sum()) if batch.dataset.format == "coco" else 0
        return batch.once(class_counts), Counter({"marked": marked, "all": len(batch.annotation_columns)})

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a[0] + b[0], a[1] + b[1]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Look at the names."""
        counts = state[0].by_class(dataset)
        boxes = dict(zip(counts["name"].tolist(), counts["boxes"].tolist(), strict=True))
        names = [name for name, n in boxes.items() if n and plain_form(name) in IGNORED]
        marked, total = state[1]["marked"], state[1]["all"]
        return Result(Findings.concat([
            Findings.of_subjects(
                names, "Class {name} is a region to ignore and has {boxes:~ box|boxes}: trainers learn it as an object",
                {"name": names, "boxes": [boxes[name] for name in names]}, category=names),
            Findings.of_subjects(
                ["set"] if marked else [], "{marked:~} of {annotations:~ annotation|annotations} {marked:~is|are} marked "
                "ignore: 1, which trainers do not agree on", {"marked": marked, "annotations": total})]))
