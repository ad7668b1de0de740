"""CNV003 pixels-as-fractions: YOLO labels written in pixels.

Reports a set of fractions in which at least `min_share` of the boxes have a number above 1.5 and fit their image when read as
pixels. The findings of BOX003 and BOX004 are folded into this one.

Why it matters: trainers drop every such image as corrupt, or clip the boxes to the whole image.

Example: `0 320 240 100 80` instead of `0 0.5 0.5 0.156 0.167`.

When to ignore: never.

Source of the default: half of the boxes in pixels is no slip of a few.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Dispute, Findings, Fold, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS

State = Counter[str]


class Options(BaseOptions, frozen=True):
    """Limits of CNV003."""

    min_share: Annotated[float, option("share of boxes in px", gt=0, le=1)] = 0.5
    min_boxes: Annotated[int, option("boxes a set must have to be judged", ge=1)] = 5


class PixelsAsFractions(Check[State, Options]):
    """Sets of fractions whose numbers are pixels."""

    code = "CNV003"
    name = "pixels-as-fractions"
    can_dispute = True
    severity = Severity.ERROR
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Count boxes with numbers above 1.5 that fit as pixels."""
        if batch.dataset.box_units != "fraction":
            return Counter()
        size = batch.box_image_wh
        with np.errstate(invalid="ignore"):
            written = batch.boxes_xyxy / np.tile(size, 2)  # the fractions as they stand in the file
            good = np.isfinite(written).all(axis=1)
            large = good & (np.abs(written).max(axis=1, initial=0) > 1.5)
            fits = large & (written >= -0.5).all(axis=1) & (written[:, 2:] <= size + 0.5).all(axis=1)
        return Counter({"boxes": int(good.sum()), "pixels": int(fits.sum())})

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Decide for the whole set."""
        n, o = state["boxes"], self.options
        found = n >= o.min_boxes and state["pixels"] >= o.min_share * n
        return Result(Findings.of_subjects(
            ["set"] if found else [], "{pixels:~} of {boxes:~} boxes have numbers above 1 that fit as pixels; YOLO expects "
            "fractions of the sides (limit {limit:.0%}, option min_share)",
            {"pixels": state["pixels"], "boxes": n, "limit": o.min_share}),
            folds=(Fold(("BOX003", "BOX004")),) if found else (),
            disputes=(Dispute(),) if found else ())
