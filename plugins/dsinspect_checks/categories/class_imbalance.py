"""CLS001 class-imbalance: classes drowned by the largest one.

Reports each class with fewer than 1/`max_ratio` of the boxes of the largest class. The metrics answer what to do: per class
its share, an inverse-frequency weight, an effective-number weight (Cui et al. 2019) and an LVIS repeat factor (Gupta et al.
2019), which a class without boxes does not have; for the set the ratio, the Gini coefficient, the normalised entropy and the
effective number of classes.

Why it matters: a class with 1 box for 100 of another hardly moves the loss: the detector learns to never answer with it, and
the mean average precision hides that behind the others.

Example: 4,155 boxes of `RBC` and 37 of `Basophil`: a ratio of 112.

When to ignore: when the rare class is not to be detected, or is sampled more often already.

Source of the default: Datumaro's validator warns from a ratio of 50 on.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from dsinspect.class_balance import BETA, REPEAT_THRESHOLD, class_weights
from dsinspect.protocols.chart import Chart
from dsinspect.protocols.checks import BaseOptions, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._counts import ClassCounts, CountsClasses


class Options(BaseOptions, frozen=True):
    """Limits of CLS001."""

    max_ratio: Annotated[float, option("ratio of boxes of the largest class to those of a class", source="Datumaro", gt=1)] = 50.0
    beta: Annotated[float, option("beta of the effective number of samples", source="Cui 2019", ge=0, lt=1)] = BETA
    repeat_threshold: Annotated[float, option("share of images below which a class is repeated", source="LVIS",
                                              gt=0, le=1)] = REPEAT_THRESHOLD


class ClassImbalance(CountsClasses[Options]):
    """Classes with far fewer boxes than the largest class."""

    code = "CLS001"
    name = "class-imbalance"
    severity = Severity.WARNING
    options_type = Options

    def finish(self, state: ClassCounts, dataset: DatasetInfo) -> Result:
        """Judge each class by the largest."""
        counts = state.by_class(dataset)
        if not counts["boxes"].any():
            return Result()
        table = class_weights(counts, state.split_images.total(), self.options.beta, self.options.repeat_threshold)
        counts = counts.take(counts["boxes"] > 0)
        boxes = counts["boxes"]
        largest = int(boxes.max())
        ratio = largest / boxes
        rare = ratio > self.options.max_ratio
        names = counts["name"][rare].tolist()
        findings = Findings.of_subjects(
            names, "Class {name} has {boxes:~ box|boxes}, the largest class {largest:~}: {ratio:~} times as many (limit "
            "{limit:~}, option max_ratio)", {"name": names, "boxes": boxes[rare], "largest": largest, "ratio": ratio[rare],
                            "limit": self.options.max_ratio}, category=names)
        largest_first = sorted(range(len(table)), key=lambda k: (-table["boxes"][k], table["class"][k]))
        shown = table.take(np.array(largest_first, np.intp))
        chart = Chart("bar", "Boxes per class", tuple(shown["class"][:len(counts)].tolist()),
                      tuple(shown["boxes"][:len(counts)].tolist()), "class", "boxes")
        return Result(findings, {**balance_metrics(boxes, counts["images"]),
                                 "classes": table.records()}, {"Classes": shown}, (chart,))


def balance_metrics(boxes: np.ndarray[Any, Any], images: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return measures of balance.

    Args:
        boxes: (N,) int, boxes per class, all above 0.
        images: (N,) int, images per class.

    Returns:
        `ratio` of the largest to the smallest class; `gini`, 0 for equal classes to 1 - 1/N; `normalised_entropy`, 1
        for equal classes; `effective_classes`, the exponential of the entropy; `rare` `common` `frequent`, the numbers
        of classes in up to 10, up to 100, and more images (LVIS, Gupta et al. 2019).
    """
    sizes = sorted(boxes.tolist())
    n, total = len(sizes), sum(sizes)
    gini = sum((2 * k - n - 1) * b for k, b in enumerate(sizes, 1)) / (n * total)
    entropy = -math.fsum(b / total * math.log(b / total) for b in sizes) + 0.0
    return {"ratio": sizes[-1] / sizes[0], "gini": round(gini, 9),
            "normalised_entropy": round(entropy / math.log(n), 9) if n > 1 else 1.0,
            "effective_classes": round(math.exp(entropy), 9), "rare": int((images <= 10).sum()),
            "common": int(((images > 10) & (images <= 100)).sum()), "frequent": int((images > 100).sum())}
