"""CNV002 corners-as-size: right and bottom edges stored where width and height belong.

Reports a set in which at least `min_share` of the boxes extend beyond their image, while the last two numbers, read as a
corner, fit the image for nearly all boxes. The findings of BOX003 and BOX004 are folded into this one.

Why it matters: every box is too large by its own offset; training runs, and finds nothing.

Example: [100, 50, 300, 200] written for a box from (100, 50) to (300, 200).

When to ignore: never.

Source of the default: a third of the boxes beyond their image is no slip of a few, and 95 % that fit as corners is no chance.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Dispute, Findings, Fold, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.boxes._geometry import NOT_FINITE, faults

State = Counter[str]


class Options(BaseOptions, frozen=True):
    """Limits of CNV002."""

    min_share: Annotated[float, option("share of boxes beyond their image", gt=0, le=1)] = 0.3
    min_boxes: Annotated[int, option("boxes a set must have to be judged", ge=1)] = 10
    min_fitting: Annotated[float, option("share of boxes that fit when read as corners", gt=0, le=1)] = 0.95


class CornersAsSize(Check[State, Options]):
    """Sets with corners stored as width and height."""

    code = "CNV002"
    name = "corners-as-size"
    can_dispute = True
    severity = Severity.ERROR
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Count boxes beyond their image, and boxes that fit when read as corners."""
        boxes, size = batch.boxes_xyxy, batch.box_image_wh
        good = (batch.once(faults) != NOT_FINITE) & ~np.isnan(size).any(axis=1)
        low, size = boxes[good, :2], size[good]
        corner = boxes[good, 2:] - low  # the number that was written as width and height
        fits = (corner > low).all(axis=1) & (corner <= size + 0.5).all(axis=1)
        past = (boxes[good, 2:] > size + 0.5).any(axis=1)
        return Counter({"boxes": len(low), "past": int(past.sum()), "fits": int(fits.sum())})

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Decide for the whole set."""
        n, o = state["boxes"], self.options
        found = n >= o.min_boxes and state["past"] >= o.min_share * n and state["fits"] >= o.min_fitting * n
        return Result(Findings.of_subjects(
            ["set"] if found else [], "{past:~} of {boxes:~} boxes extend beyond their image, and {fits:~} fit when the last "
            "two numbers are read as a corner: x y x y is stored as x y width height (limit {limit:.0%}, option min_share)",
            {"past": state["past"], "boxes": n, "fits": state["fits"], "limit": o.min_share}),
            folds=(Fold(("BOX003", "BOX004")),) if found else (),
            disputes=(Dispute(),) if found else ())
