"""DST001 background-share: too many images without boxes.

Reports a set in which more than `max_share` of the annotated images have no box. An image without any record is not annotated:
it is SRC002's or SRC003's matter, and does not count. Images of which every shape is left out, for it bounds no area (lines,
points), are no background: how many there are is reported.

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
LEFT_OUT = "labelme:left_out"
"""What was left out of each image, by the format whose records are read in parts."""


class Options(BaseOptions, frozen=True):
    """Limits of DST001."""

    max_share: Annotated[float, option("share of images without a box", source="Ultralytics", ge=0, le=1)] = 0.1


class BackgroundShare(Check[State, Options]):
    """Sets in which many annotated images have no box, or some only shapes that are left out."""

    code = "DST001"
    name = "background-share"
    severity = Severity.INFO
    options_type = Options
    wants = (LEFT_OUT,)

    def map(self, batch: Batch) -> State:
        """Count images with and without boxes."""
        rows = batch.annotation_columns["image_row"]
        has_boxes = np.bincount(rows[rows >= 0], minlength=len(batch.image_columns)) > 0
        annotated = is_given(batch.image_columns["source"]) | has_boxes
        is_empty = annotated & ~has_boxes
        is_drawn_on = np.zeros(len(is_empty), bool)
        if only := batch.dataset.only_left_out:
            is_drawn_on |= np.array([p in only for p in batch.image_columns["path"].tolist()], bool)
        if LEFT_OUT in batch.image_columns:
            is_drawn_on |= is_given(batch.image_columns[LEFT_OUT])
        return Counter({"images": int(annotated.sum()), "background": int((is_empty & ~is_drawn_on).sum()),
                        "left_out": int((is_empty & is_drawn_on).sum())})

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Judge the share."""
        images, background = state["images"], state["background"]
        share = background / images if images else 0.0
        found = share > self.options.max_share
        drawn_on = Findings.of_subjects(
            ["left out"] if state["left_out"] else [], "{left_out:~ image has|images have} only shapes that are left out, since "
            "they bound no area (lines, points): no background, but without a box for training", {"left_out": state["left_out"]})
        shared = Findings.of_subjects(
            ["set"] if found else [], "{background:~} of {images:~ annotated image has|annotated images have} no box: {share:.1%} "
            "(limit {limit:.0%}, option max_share)", {"background": background, "images": images, "share": share,
                            "limit": self.options.max_share})
        left_out = {"left_out": state["left_out"]} if state["left_out"] else {}
        return Result(Findings.concat((shared, drawn_on)),
                      {"images": images, "background": background, "share": round(share, 9), **left_out})
