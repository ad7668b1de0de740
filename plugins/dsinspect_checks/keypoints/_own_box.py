"""Keypoints outside the box of their own annotation in nearly all of a set: boxes half their size off."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from dsinspect.findings.severity import Severity
from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import Findings
from dsinspect_checks.boxes._geometry import is_judged, sizes_wh
from dsinspect_checks.keypoints._points import points_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_JUDGED = 10
"""Annotations with labelled keypoints from which on they say something about the set."""
MIN_EXPLAINED = 3
"""The same where moved boxes hold all keypoints, which is no chance."""
MOST = 0.9
"""Share of them that are nearly all."""
SLACK = 0.05
"""Part of its box's side by which a keypoint may lie beyond it: boxes are drawn around the visible part."""
SHIFTS = {"as_corner": 0.5, "as_centre": -0.5}
"""Part of its own size that a box moves by when what is written as its centre is its corner, and the reverse."""


def count_outside(batch: Batch, tolerance: float) -> Counter[str]:
    """Count annotations with labelled keypoints, with one outside their box, and with all inside the box moved by each shift.

    Args:
        batch: with the column `keypoints`.
        tolerance: px a keypoint may lie beyond the box, besides `SLACK`.
    """
    points = batch.once(points_of)
    judged = is_judged(batch)
    x, y, v = points.xyv.T
    kept = (v > 0) & np.isfinite(x) & np.isfinite(y) & judged[points.owner]
    owner, places = points.owner[kept], points.xyv[kept, :2]
    low, size = batch.boxes_xyxy[owner, :2], sizes_wh(batch)[owner]
    n = len(points.length)
    has_some = np.bincount(owner, minlength=n) > 0

    def has_outside(shift: float) -> NDArray[np.bool_]:
        start = low + shift * size
        slack = tolerance + SLACK * size
        beyond = ((places < start - slack) | (places > start + size + slack)).any(axis=1)
        found: NDArray[np.bool_] = np.bincount(owner, beyond, minlength=n) > 0
        return found

    counts = Counter({"judged": int(has_some.sum()), "outside": int(has_outside(0).sum())})
    if counts["outside"]:
        counts.update({name: int((has_some & ~has_outside(shift)).sum()) for name, shift in SHIFTS.items()})
    return counts


def boxes_are_off(counts: Counter[str]) -> str:
    """Return the shift that puts nearly all keypoints into their boxes, where nearly all are outside; or nothing."""
    if counts["judged"] < MIN_EXPLAINED or counts["outside"] < MOST * counts["judged"]:
        return ""
    best = max(SHIFTS, key=lambda name: counts[name])
    return best if counts[best] >= MOST * counts["judged"] else ""


def reported(counts: Counter[str]) -> Findings:
    """Report the set where nearly all annotations have a keypoint outside their box."""
    shift = boxes_are_off(counts)
    if not shift and (counts["judged"] < MIN_JUDGED or counts["outside"] < MOST * counts["judged"]):
        return Findings.none()
    values = {"outside": counts["outside"], "judged": counts["judged"], "limit": MOST}
    start = "In {outside:~} of {judged:~} annotations a keypoint lies outside the box"
    if not shift:
        return Findings.of_subjects(["boxes"], start + " (limit {limit:.0%})", values, severity=Severity.WARNING)
    written, expected = ("top-left corner", "centre") if shift == "as_corner" else ("centre", "top-left corner")
    return Findings.of_subjects(
        ["boxes"], start + "; with x and y read as the {written} of the box all lie inside in {inside:~}: the {written} is "
        "written where the format has the {expected} (limit {limit:.0%})",
        values | {"inside": counts[shift], "written": written, "expected": expected})
