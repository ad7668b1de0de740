"""BOX009 extreme-aspect: boxes far longer than wide.

Reports a box whose longer side is `max_ratio` times the shorter one or more and, in classes of at least `min_boxes` boxes, more
than `fence` interquartile ranges beyond the quartiles of its class, by the logarithm of width by height. Crowd and ignored
regions are exempt.

Why it matters: it is often a slip of the mouse, or what a border left of a box. No anchor fits it, resizing makes its shorter side
vanish, and Ultralytics drops it from a ratio of 100 on.

Example: a box of 150 x 4 px.

When to ignore: when single objects are like that, in a class of other shapes.

Source of the default: 20 is the ratio up to which Ultralytics' augmentation of v5 kept boxes; today it drops at 100. Looked at on
68 real sets: lines of text, fences, roads and poles are long by nature, and all 45 boxes of such classes were right; Tukey's
far-out fence, 3 interquartile ranges, leaves these out. Of the 165 that remain in 3 sets 161 are hairlines left at borders
or drawn by a slip, and 4 windows seen from the side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns, codes_of
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._places import place_columns, places_of
from dsinspect_checks.boxes._geometry import is_judged, sizes_wh

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLACK = 0.005
"""By how much a box must be beyond the fence: classes whose boxes are all alike have no spread to measure by."""
State = tuple[tuple[Columns, Columns], ...]
"""By batch: class and logarithm of width by height of every judged box; sides and places of the long ones."""


class Options(BaseOptions, frozen=True):
    """Limits of BOX009."""

    max_ratio: Annotated[float, option("ratio of the longer to the shorter side", source="Ultralytics augmentation", gt=1)] = 20.0
    fence: Annotated[float, option("interquartile ranges beyond the quartiles of the class", source="Tukey 1977", gt=0)] = 3.0
    min_boxes: Annotated[int, option("boxes from which a class has quartiles", ge=4)] = 30


class ExtremeAspect(Check[State, Options]):
    """Boxes many times as long as they are wide, in classes that are not like that."""

    code = "BOX009"
    name = "extreme-aspect"
    severity = Severity.WARNING
    options_type = Options

    def map(self, batch: Batch) -> State:
        """Keep the shape of every judged box, and the places of the long ones."""
        wh = sizes_wh(batch)
        good = np.flatnonzero(is_judged(batch) & (wh > 0).all(axis=1) & np.isfinite(wh).all(axis=1))
        if not len(good):
            return ()
        shape = np.log(wh[good, 0] / wh[good, 1])
        ratio = wh[good].max(axis=1) / wh[good].min(axis=1)
        long = np.flatnonzero(ratio >= self.options.max_ratio)
        sides = {"width": wh[good[long], 0], "height": wh[good[long], 1], "ratio": ratio[long], "shape": shape[long]}
        shapes = Columns({"category": batch.annotation_columns["category"][good], "shape": shape})
        return ((shapes, places_of(batch).take(good[long]).with_columns(sides)),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Hold the long ones against the shapes of their class."""
        long = Columns.concat([places for _, places in state]) if state else Columns({"category": np.empty(0, object)})
        if not len(long):
            return Result()
        fences = self.fences(Columns.concat([shapes for shapes, _ in state]), long)
        found = np.flatnonzero(np.abs(long["shape"]) > fences + SLACK)
        chosen = long.take(found)
        return Result(Findings.of_places(
            place_columns(chosen), "Box of {width:~} x {height:~} px is {ratio:~} times as long as it is wide (limit {limit:~}, "
            "options max_ratio and fence)",
            {"width": chosen["width"], "height": chosen["height"], "ratio": chosen["ratio"],
             "limit": np.maximum(self.options.max_ratio, np.exp(fences[found]))}))

    def fences(self, shapes: Columns, long: Columns) -> NDArray[np.float64]:
        """Return for each long box the logarithm of the ratio on its side up to which its class is usual; 0 for small classes."""
        codes, names = codes_of(shapes["category"])
        fences = np.zeros(len(long))
        with_long = set(long["category"].tolist())
        for code, name in enumerate(names):
            rows = np.flatnonzero(codes == code) if name in with_long else codes[:0]
            if len(rows) < self.options.min_boxes:
                continue
            q1, q3 = np.quantile(shapes["shape"][rows], [0.25, 0.75])
            reach = self.options.fence * (q3 - q1)
            own = long["category"] == name
            fences[own] = np.where(long["shape"][own] > 0, q3 + reach, reach - q1)
        return np.maximum(fences, 0)
