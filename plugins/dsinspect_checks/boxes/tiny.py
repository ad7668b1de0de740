"""BOX005 tiny: boxes too small to learn from.

Reports a box whose shorter side is under `min_side` px. Crowd and ignored regions are exempt.

Why it matters: Ultralytics' augmentation drops such boxes without a word, so the object is learnt as background; most are
slips of the mouse.

Example: a box 1 px wide and 30 px high.

When to ignore: when objects really are that small; then train with larger images or tiles.

Source of the default: the 2 px below which Ultralytics' augmentation drops a box.
"""

from __future__ import annotations

from typing import Annotated

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity, option
from dsinspect_checks.boxes._geometry import is_judged, sizes_wh


class Options(BaseOptions, frozen=True):
    """Limits of BOX005."""

    min_side: Annotated[float, option("shorter side, px", source="Ultralytics augmentation", ge=0)] = 2.0


class Tiny(RowCheck[Options]):
    """Boxes too small to learn from."""

    code = "BOX005"
    name = "tiny"
    severity = Severity.WARNING
    options_type = Options

    def find(self, batch: Batch) -> Findings:
        """Report boxes by their shorter side."""
        wh = sizes_wh(batch)
        # A side of 2 px written as a fraction with 6 digits comes back as 1.9999.
        small = is_judged(batch) & (wh.min(axis=1, initial=float("inf")) < self.options.min_side * (1 - 1e-4))
        return Findings.of_annotations(
            batch, small, "Box is {width:~} x {height:~} px, too small to learn from (limit {limit:~} px for the shorter side, "
            "option min_side)",
            {"width": wh[small, 0], "height": wh[small, 1], "limit": self.options.min_side},
            fix=Fix("unsafe", "drop-annotation"))
