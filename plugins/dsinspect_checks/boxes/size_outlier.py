"""BOX010 size-outlier: boxes far larger or smaller than the others of their class.

Reports a box whose logarithm of the area lies beyond `fence` interquartile ranges outside the quartiles of its class, in
classes of at least `min_boxes` boxes. Crowd and ignored regions are exempt.

Why it matters: it is often a slip: a box over a whole group, a box of another class, or a dot.

Example: among 400 boxes of `person` of 2,000 to 20,000 px², one of 9.

When to ignore: when the distances to the camera differ that much.

Source of the default: Tukey's far-out fence, 3 interquartile ranges.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.columns import Columns, codes_of
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._places import place_columns, places_of
from dsinspect_checks.boxes._geometry import is_judged, sizes_wh

State = tuple[Columns, ...]
"""Area and place of every judged box, so that the quartiles are those of the whole set."""


class Options(BaseOptions, frozen=True):
    """Limits of BOX010."""

    fence: Annotated[float, option("interquartile ranges beyond the quartiles", source="Tukey 1977", gt=0)] = 3.0
    min_boxes: Annotated[int, option("boxes a class must have to be judged", ge=4)] = 30


class SizeOutlier(Check[State, Options]):
    """Boxes far larger or smaller than the others of their class."""

    code = "BOX010"
    name = "size-outlier"
    severity = Severity.INFO
    options_type = Options

    def map(self, batch: Batch) -> State:
        """Keep areas and places."""
        judged = np.flatnonzero(is_judged(batch) & (batch.category_codes[0] >= 0))
        if not len(judged):
            return ()
        places = places_of(batch)
        return (places.with_columns({"area": sizes_wh(batch).prod(axis=1)}).take(
            judged if len(judged) < len(places) else slice(None)),)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Fence each class with its quartiles."""
        if not state:
            return Result()
        table = Columns.concat(state)
        codes, _ = codes_of(table["category"])
        log_area = np.log(table["area"])
        order = np.argsort(codes, kind="stable")
        by_class = np.split(log_area[order], np.cumsum(np.bincount(codes))[:-1])
        q1, q3 = np.array([np.quantile(values, [0.25, 0.75]) for values in by_class]).T
        reach = (q3 - q1) * self.options.fence
        low, high = (q1 - reach)[codes], (q3 + reach)[codes]
        enough = np.bincount(codes)[codes] >= self.options.min_boxes
        # Classes whose boxes are all alike have no spread to measure by; half a percent is none.
        far = np.flatnonzero(enough & ((log_area < low - 0.005) | (log_area > high + 0.005)))
        outliers = table.take(far)
        return Result(Findings.of_places(
            place_columns(outliers), "Box area {area:~} px² is {side} the usual {low:~} to {high:~} px² of class {name} "
            "(option fence: {limit:~} IQR)", {
                "area": outliers["area"], "low": np.exp(low[far]), "high": np.exp(high[far]), "name": outliers["category"],
                "side": np.where(log_area[far] < low[far], "below", "above").astype(object),
                                             "limit": self.options.fence}))
