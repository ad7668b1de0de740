"""KPT001 keypoint-faults: keypoints that a trainer cannot use.

Reports an annotation whose keypoints are no list of x, y, visibility; whose number differs from that of most annotations of
its class; that are visible (2) beyond the image by more than `tolerance` px; that have another visibility than 0, 1 or 2; or
that are not labelled (0) and have coordinates. The first of these that holds is reported.

Why it matters: batches of unequal numbers of points fail; a point beyond the image makes Ultralytics leave out the whole
image; a point that is not labelled and has coordinates is learnt by trainers that look at the coordinates, and not by those
that look at the visibility.

Example: 17 points in most persons and 16 in one.

When to ignore: never for the number; a few px beyond the image may be meant.

Source of the default: the COCO format (data format, section 2), detectron2's `transform_keypoint_annotations`, Ultralytics'
`verify_image_label`.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity, option
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.keypoints._points import points_of

State = tuple[Counter[tuple[str, int]], tuple[Findings, ...], tuple[Findings, ...]]
"""Annotations by class and number of points, every annotation with points by its number, and the other faults."""


class Options(BaseOptions, frozen=True):
    """Limits of KPT001."""

    tolerance: Annotated[float, option("px a visible point may lie beyond the image", ge=0)] = 1.0


class KeypointFaults(Check[State, Options]):
    """Annotations with keypoints that a trainer cannot use."""

    code = "KPT001"
    name = "keypoint-faults"
    severity = Severity.ERROR
    options_type = Options
    needs = ("keypoints",)
    wants = FRAME_COLUMNS

    def map(self, batch: Batch) -> State:
        """Find what an annotation tells alone, and count points by class."""
        points = batch.once(points_of)
        n = len(points.length)
        broken = (points.length < 0) | (points.length % 3 != 0)
        x, y, v = points.xyv.T
        size = batch.box_image_wh[points.owner]
        t = self.options.tolerance
        with np.errstate(invalid="ignore"):
            beyond = (v == 2) & ((x < -t) | (y < -t) | (x > size[:, 0] + t) | (y > size[:, 1] + t))
        count = [np.bincount(points.owner[mask], minlength=n) for mask in (
            ~np.isin(v, (0.0, 1.0, 2.0)), beyond, (v == 0) & ((x != 0) | (y != 0)))]
        odd, outside, ghost = count
        parts = [Findings.of_annotations(
            batch, broken, "Keypoints are {numbers:~ number|numbers}, not triples of x, y and visibility",
            {"numbers": np.maximum(points.length[broken], 0)})]
        rest = ~broken
        for counts, message in (
                (odd, "{points:~ keypoint has|keypoints have} a visibility other than 0, 1 and 2"),
                (outside, "{points:~ visible keypoint lies|visible keypoints lie} beyond the image (limit {limit:~} px, option "
                 "tolerance)"),
                (ghost, "{points:~ keypoint is|keypoints are} not labelled (0) and {points:~has|have} coordinates")):
            bad = rest & (counts > 0)
            values = {"points": counts[bad], **({"limit": t} if counts is outside else {})}
            parts.append(Findings.of_annotations(batch, bad, message, values))
            rest = rest & ~bad
        codes, names = batch.category_codes
        judged = np.flatnonzero(rest & (points.length > 0) & (codes >= 0))
        numbers = points.length[judged] // 3
        seen = Counter(zip((names[c] for c in codes[judged].tolist()), numbers.tolist(), strict=True))
        every = Findings.of_annotations(
            batch, judged, "Annotation has {points:~ keypoint|keypoints}, most of class {name} have {most:~}",
            {"points": numbers, "name": batch.annotation_columns["category"][judged], "most": 0})
        found = Findings.concat(parts)
        return seen, (every,) if len(every) else (), (found,) if len(found) else ()

    def merge(self, a: State, b: State) -> State:
        """Add the counts and chain the rest."""
        return a[0] + b[0], a[1] + b[1], a[2] + b[2]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Compare the numbers of points within each class."""
        seen, every, others = state
        most: dict[str, int] = {}
        for (name, number), times in sorted(seen.items()):
            if times > seen.get((name, most.get(name, -1)), 0):
                most[name] = number
        candidates = Findings.concat(every)
        if len(candidates):
            usual = np.array([most[name] for name in candidates.columns["value:name"].tolist()], np.int64)
            candidates = candidates.with_values(most=usual).take(candidates.columns["value:points"] != usual)
        return Result(Findings.concat([*others, candidates]), {"points": dict(sorted(most.items()))})
