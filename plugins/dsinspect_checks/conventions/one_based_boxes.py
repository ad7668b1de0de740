"""CNV001 one-based-boxes: boxes that count pixels from 1.

Reports a set in px in which no edge is below 1, `min_touching` boxes or more touch the left or top edge at 1, as many end
exactly at the width or height, and none goes beyond: the signs of 1-based, inclusive pixels, as in the first Pascal VOC. The
reading used is named; `--set voc.base=1` takes 1 off the minimum corners.

Why it matters: read as 0-based, each box is moved by half a pixel and one too small or too large; with objects of 10 px that
costs recall at high IoU, and a mix of two readings costs more.

Example: x 1..500 in an image 500 px wide.

When to ignore: a pixel does not matter to you, and every reader takes the same reading.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.boxes._geometry import NOT_FINITE, faults

State = Counter[str]


class Options(BaseOptions, frozen=True):
    """Limits of CNV001."""

    min_touching: Annotated[int, option("boxes that must touch each pair of edges", ge=1)] = 3


class OneBasedBoxes(Check[State, Options]):
    """Sets whose boxes count pixels from 1."""

    code = "CNV001"
    name = "one-based-boxes"
    severity = Severity.INFO
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Count boxes that touch the edges, and that contradict the reading."""
        if batch.dataset.box_units != "px":
            return Counter()
        boxes, size = batch.boxes_xyxy, batch.box_image_wh
        good = (batch.once(faults) != NOT_FINITE) & ~np.isnan(size).any(axis=1)
        low, high, size = boxes[good, :2], boxes[good, 2:], size[good]
        return Counter({"boxes": len(low), "at_one": int((low == 1).any(axis=1).sum()),
                        "at_size": int((high == size).any(axis=1).sum()),
                        "against": int(((low < 1).any(axis=1) | (high > size).any(axis=1)).sum())})

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Decide for the whole set."""
        least = self.options.min_touching
        found = state["against"] == 0 and state["at_one"] >= least and state["at_size"] >= least
        return Result(Findings.of_subjects(
            ["set"] if found else [], "boxes look 1-based: {at_one} begin at 1, {at_size} end at the image's size, none is below "
            "1 (min_touching {limit}); {reading}",
            {"at_one": state["at_one"], "at_size": state["at_size"], "limit": least,
             "reading": next(iter(dataset.notes), "they are read as they stand")}))
