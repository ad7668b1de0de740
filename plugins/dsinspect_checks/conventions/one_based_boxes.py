"""CNV001 one-based-boxes: boxes that count pixels from 1.

Reports a set of Pascal VOC files of which most say that they are VOC's own (`<source><database>The VOC2007 Database`), in
which no edge is below 1, `min_touching` boxes or more touch the left or top edge at 1, as many end exactly at the width or
height, and none goes beyond: 1-based, inclusive pixels. The reading used is named; `--set voc.base=1` takes 1 off the minimum
corners.

Why it matters: read as 0-based, each box is moved by half a pixel and one too small or too large; with objects of 10 px that
costs recall at high IoU, and a mix of two readings costs more.

Example: x 1..500 in an image 500 px wide.

When to ignore: a pixel does not matter to you, and every reader takes the same reading.

Source of the default: minima at 1 alone prove nothing, for LabelImg raises 0 to 1; of 7 sets reported by them a person agreed
with none. Only VOC's own files are known to count from 1 (its development kit, section 4). Looked at on 4 sets in VOC's
format: the one of VOC2012's images is reported, two drawn with LabelImg and one exported by Roboflow are not.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import codes_of
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.boxes._geometry import NOT_FINITE, faults

State = Counter[str]
_OWN = re.compile(r"VOC\s*20\d\d|PASCAL VOC", re.I)


class Options(BaseOptions, frozen=True):
    """Limits of CNV001."""

    min_touching: Annotated[int, option("boxes that must touch each pair of edges", ge=1)] = 3


class OneBasedBoxes(Check[State, Options]):
    """Sets whose boxes count pixels from 1."""

    code = "CNV001"
    name = "one-based-boxes"
    severity = Severity.INFO
    options_type = Options
    wants = (*FRAME_COLUMNS, "voc:database")

    def map(self, batch: Batch) -> State:
        """Count boxes that touch the edges, and that contradict the reading."""
        if batch.dataset.box_units != "px" or "voc:database" not in batch.annotation_columns:
            return Counter()
        boxes, size = batch.boxes_xyxy, batch.box_image_wh
        good = (batch.once(faults) != NOT_FINITE) & ~np.isnan(size).any(axis=1)
        low, high, size = boxes[good, :2], boxes[good, 2:], size[good]
        codes, databases = codes_of(batch.annotation_columns["voc:database"][good])
        own = np.array([*(bool(_OWN.search(name)) for name in databases), False])[codes]
        return Counter({"boxes": len(low), "own": int(own.sum()), "at_one": int((low == 1).any(axis=1).sum()),
                        "at_size": int((high == size).any(axis=1).sum()),
                        "against": int(((low < 1).any(axis=1) | (high > size).any(axis=1)).sum())})

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Decide for the whole set."""
        least = self.options.min_touching
        is_own = 2 * state["own"] > state["boxes"]
        found = is_own and state["against"] == 0 and state["at_one"] >= least and state["at_size"] >= least
        return Result(Findings.of_subjects(
            ["set"] if found else [], "Boxes are 1-based: {own:~} of {boxes:~} are from VOC's own files, {at_one:~} begin at 1, "
            "{at_size:~} end at the image's size and none is below 1 (limit {limit:~} of each, option min_touching); {reading}",
            {"own": state["own"], "boxes": state["boxes"], "at_one": state["at_one"], "at_size": state["at_size"], "limit": least,
             "reading": next(iter(dataset.notes), "they are read as they stand")}))
