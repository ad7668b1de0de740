"""REC007 area-mismatch: a COCO `area` that is not the object's.

Reports an annotation whose `area` differs from the area of its polygons (of its box without any) by more than `max_share` and
more than `max_px` px². Crowds and run-length masks are left out. Where more than `fold_share` of at least 100 annotations
differ, one finding stands for all of them: then the file has another convention, such as the area of the box, which Roboflow
writes. `fix --set REC007.fold_share=1` corrects each of them.

Why it matters: COCOeval sorts objects into small, medium and large by this field (32² and 96² px): with a wrong one the
averages by size mean something else.

Example: area 0, or the area before the image was resized.

When to ignore: when you do not evaluate with pycocotools.

Source of the default: 1 % and 1 px² are what rounding makes. On one real set 19,296 of 19,316 areas were those of boxes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Fix, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks.records._polygons import EMPTY, POLYGONS, polygons_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_JUDGED = 100
"""Annotations from which on a share of them says something about the file."""
State = tuple[Counter[str], tuple[Findings, ...]]
"""How many annotations were compared, differ, and differ but have the area of their box; a finding for each that differs."""


class Options(BaseOptions, frozen=True):
    """Limits of REC007."""

    max_share: Annotated[float, option("difference as a part of the true area", ge=0)] = 0.01
    max_px: Annotated[float, option("difference, px²", ge=0)] = 1.0
    fold_share: Annotated[float, option("share of annotations that differ, beyond which one finding stands for all", gt=0,
                                        le=1)] = 0.9


class AreaMismatch(Check[State, Options]):
    """Annotations whose area is not that of their polygons or box."""

    code = "REC007"
    name = "area-mismatch"
    severity = Severity.WARNING
    options_type = Options
    needs = ("area", "segmentation")

    def map(self, batch: Batch) -> State:
        """Compare the written area with the one of the geometry."""
        a = batch.annotation_columns
        shapes = batch.once(polygons_of)
        x_min, y_min, x_max, y_max = batch.boxes_xyxy.T
        width, height = x_max - x_min, y_max - y_min
        of_box = np.where((width > 0) & (height > 0), width * height, np.nan)
        true = np.where(shapes.kind == POLYGONS, shapes.area, np.where(shapes.kind == EMPTY, of_box, np.nan))
        written = a["area"]
        judged = ~np.isnan(written) & ~np.isnan(true) & ~a["is_crowd"]
        bad = judged & self.differ(written, true)
        as_box = bad & ~self.differ(written, of_box)
        found = Findings.of_annotations(
            batch, bad, "Area is {area:~} px², but the {what} has {true:~} px² (limits {limit:.0%} and {limit_px:~} px², "
            "options max_share and max_px)",
            {"area": written[bad], "true": true[bad], "limit": self.options.max_share, "limit_px": self.options.max_px,
             "what": np.where(shapes.kind[bad] == POLYGONS, "polygon", "box").astype(object)},
            fix=Fix("safe", "set-area"), new_text=true[bad].round(4))
        counts = Counter({"judged": int(judged.sum()), "off": int(bad.sum()), "as_box": int(as_box.sum())})
        return counts, (found,) if len(found) else ()

    def merge(self, a: State, b: State) -> State:
        """Add the counts and chain the findings."""
        return a[0] + b[0], a[1] + b[1]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report each annotation, or the set where nearly all differ."""
        counts, o = state[0], self.options
        found = Findings.concat(state[1]).ordered()
        judged, off = counts["judged"], counts["off"]
        if judged < MIN_JUDGED or off <= o.fold_share * judged:
            return Result(found)
        first = {name: found.columns[f"value:{name}"][0] for name in ("area", "true", "what")}
        how = "are the areas of boxes" if counts["as_box"] > o.fold_share * off else "follow another convention"
        return Result(Findings.of_subjects(
            ["set"], "{off:~} of {judged:~} areas differ from their polygons' or boxes' and {how}, such as {area:~} px² here, "
            "where the {what} has {true:~} px² (limit {limit:.0%}, option fold_share; with fold_share=1 each is reported, and "
            "fixed)",
            {"off": off, "judged": judged, "how": how, "limit": o.fold_share, **first}, image=found.columns["image"][0]))

    def differ(self, written: NDArray[np.float64], true: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which areas differ by more than both limits."""
        with np.errstate(invalid="ignore"):
            off = np.abs(written - true)
            beyond: NDArray[np.bool_] = (off > self.options.max_px) & (off > self.options.max_share * true)
        return beyond
