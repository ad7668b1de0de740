"""DST001 background-share: too many images without boxes.

Reports a set in which more than `max_share` of the annotated images have no box. An image without any record is not annotated:
it is SRC002's or SRC003's matter, and does not count.

Why it matters: some background images teach a detector to stay silent; many of them are mostly images that nobody labelled,
and what is in them is learnt as nothing.

Example: 900 of 5,000 images have no box: 18 %.

When to ignore: when the share is meant (surveillance, rare events).

Source of the default: Ultralytics advises 0 to 10 % of background images.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import is_given
from dsinspect.tables.dataset import DatasetInfo

State = Counter[str]


class Options(BaseOptions, frozen=True):
    """Limits of DST001."""

    max_share: Annotated[float, option("share of images without a box", source="Ultralytics", ge=0, le=1)] = 0.1


class BackgroundShare(Check[State, Options]):
    """Sets in which many annotated images have no box."""

    code = "DST001"
    name = "background-share"
    severity = Severity.INFO
    options_type = Options

    def map(self, batch: Batch) -> State:
        """Count images with and without boxes."""
        rows = batch.annotation_columns["image_row"]
        has_boxes = np.bincount(rows[rows >= 0], minlength=len(batch.image_columns)) > 0
        annotated = is_given(batch.image_columns["source"]) | has_boxes
        return Counter({"images": int(annotated.sum()), "background": int((annotated & ~has_boxes).sum())})

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Judge the share."""
        images, background = state["images"], state["background"]
        share = background / images if images else 0.0
        found = share > self.options.max_share
        return Result(Findings.of_subjects(
            ["set"] if found else [], "{background:~} of {images:~ annotated image has|annotated images have} no box: {share:.1%} "
            "(limit {limit:.0%}, option max_share)", {"background": background, "images": images, "share": share,
                            "limit": self.options.max_share}),
            {"images": images, "background": background, "share": round(share, 9)})
