"""CNV007 half-off: boxes half their size out of place.

Reports a set of which at least `min_share` of the boxes extend beyond their image while nearly all (`min_fitting`) lie inside when
each is moved by half its own width and height: the centre is written where the format has the top-left corner, or the
reverse. The findings of BOX003 and BOX004 are folded into this one.

Why it matters: no box is where its object is, and a box that stays inside its image shows nothing of it; training runs, and the
detector learns the place beside each object.

Example: [320, 240, 100, 80] of COCO for a box of 100 x 80 px whose centre is there.

When to ignore: never where it is true; look at some images with `dsinspect view` first.

Source of the default: in a set that is right as many objects lie at the left and top borders as at the others, so that boxes which
are moved leave the image on the other side. On 68 real sets it is said of one, of which 33 % of 642 boxes extend beyond the image
and all fit when moved; its keypoints show the same (KPT001).
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Dispute, Findings, Fold, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.boxes._geometry import NO_AREA, NOT_FINITE, faults

State = Counter[str]
SHIFTS = {"as_corner": 0.5, "as_centre": -0.5}
"""Part of its own size that a box moves by when what is written as its centre is its corner, and the reverse."""
TOLERANCE = 0.5
"""px by which a box may extend beyond its image: rounding."""


class Options(BaseOptions, frozen=True):
    """Limits of CNV007."""

    min_share: Annotated[float, option("share of boxes beyond their image", gt=0, le=1)] = 0.05
    min_boxes: Annotated[int, option("boxes a set must have to be judged", ge=1)] = 20
    min_fitting: Annotated[float, option("share of boxes that fit when moved", gt=0, le=1)] = 0.99


class HalfOff(Check[State, Options]):
    """Sets whose boxes are half their size off."""

    code = "CNV007"
    name = "half-off"
    can_dispute = True
    severity = Severity.ERROR
    options_type = Options
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Count boxes beyond their image, and boxes that fit when they are moved by half their size."""
        fault = batch.once(faults)
        size = batch.box_image_wh
        good = (fault != NOT_FINITE) & (fault != NO_AREA) & ~np.isnan(size).any(axis=1)
        boxes, size = batch.boxes_xyxy[good], size[good]
        half = (boxes[:, 2:] - boxes[:, :2]) / 2

        def inside(moved: float) -> int:
            step = 2 * moved * half
            return int(((boxes[:, :2] + step >= -TOLERANCE) & (boxes[:, 2:] + step <= size + TOLERANCE)).all(axis=1).sum())

        return Counter({"boxes": len(boxes), "inside": inside(0), **{name: inside(part) for name, part in SHIFTS.items()}})

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Decide for the whole set."""
        n, o = state["boxes"], self.options
        shift = max(SHIFTS, key=lambda name: state[name])
        past = n - state["inside"]
        found = n >= o.min_boxes and past >= o.min_share * n and state[shift] >= o.min_fitting * n
        written, expected = ("top-left corner", "centre") if shift == "as_corner" else ("centre", "top-left corner")
        return Result(Findings.of_subjects(
            ["set"] if found else [], "{past:~} of {boxes:~} boxes extend beyond their image, and {fits:~} fit when x and y are "
            "read as the {written} of the box: it is written where the format has the {expected} (limit "
            "{limit:.0%}, option min_share)",
            {"past": past, "boxes": n, "fits": state[shift], "written": written, "expected": expected, "limit": o.min_share}),
            folds=(Fold(("BOX003", "BOX004")),) if found else (),
            disputes=(Dispute(),) if found else ())
