"""BOX009 extreme-aspect: boxes far longer than wide.

Reports a box whose longer side is `max_ratio` times the shorter one or more. Crowd and ignored regions are exempt.

Why it matters: no anchor fits it, resizing makes its shorter side vanish, and Ultralytics drops it from a ratio of 100 on.

Example: a box of 150 x 4 px.

When to ignore: when objects are like that (poles, wires, lane marks).

Source of the default: 20 is the ratio up to which Ultralytics' augmentation of v5 kept boxes; today it drops at 100.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity, option
from dsinspect_checks.boxes._geometry import is_judged, sizes_wh


class Options(BaseOptions, frozen=True):
    """Limits of BOX009."""

    max_ratio: Annotated[float, option("longer by shorter side", source="Ultralytics augmentation", gt=1)] = 20.0


class ExtremeAspect(RowCheck[Options]):
    """Boxes many times as long as they are wide."""

    code = "BOX009"
    name = "extreme-aspect"
    severity = Severity.WARNING
    options_type = Options

    def find(self, batch: Batch) -> Findings:
        """Report boxes by the ratio of their sides."""
        wh = sizes_wh(batch)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = wh.max(axis=1, initial=0) / wh.min(axis=1, initial=np.inf)
        long = is_judged(batch) & (ratio >= self.options.max_ratio)
        return Findings.of_annotations(
            batch, long, "Box of {width:~} x {height:~} px is {ratio:~} times as long as it is wide (limit {limit:~}, option "
            "max_ratio)", {"width": wh[long, 0], "height": wh[long, 1], "ratio": ratio[long],
                                    "limit": self.options.max_ratio})
