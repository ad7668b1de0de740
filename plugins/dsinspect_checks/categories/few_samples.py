"""CLS002 few-samples: classes with too few boxes or images to learn from.

Reports a class with at least 1 box but fewer than `min_boxes` boxes or fewer than `min_images` images.

Why it matters: what is learnt from a handful of images is those images; an average precision measured on so few is noise.

Example: a class of 12 boxes in 4 images.

When to ignore: in a validation split, in a first sample of a set, or when the class is to be dropped.

Source of the default: LVIS calls a class rare that is in 10 images or fewer; 20 boxes are two an image.
"""

from __future__ import annotations

from typing import Annotated

from dsinspect.protocols.checks import BaseOptions, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._counts import ClassCounts, CountsClasses


class Options(BaseOptions, frozen=True):
    """Limits of CLS002."""

    min_boxes: Annotated[int, option("boxes a class should have", ge=1)] = 20
    min_images: Annotated[int, option("images a class should be in", source="LVIS rare", ge=1)] = 10


class FewSamples(CountsClasses[Options]):
    """Classes with too few boxes or images to learn from."""

    code = "CLS002"
    name = "few-samples"
    severity = Severity.WARNING
    options_type = Options

    def finish(self, state: ClassCounts, dataset: DatasetInfo) -> Result:
        """Report small classes."""
        counts = state.by_class(dataset)
        few = (counts["boxes"] > 0) & ((counts["boxes"] < self.options.min_boxes)
                                       | (counts["images"] < self.options.min_images))
        small = counts.take(few)
        names = small["name"].tolist()
        return Result(Findings.of_subjects(
            names, "Class {name} has {boxes:~ box|boxes} in {images:~ image|images} (limits {limit:~} and {limit_images:~}, "
            "options min_boxes and min_images)",
            {"name": names, "boxes": small["boxes"], "images": small["images"],
             "limit": self.options.min_boxes, "limit_images": self.options.min_images}, category=names))
