"""KPT001 keypoint-faults: keypoints that a trainer cannot use.

Reports an annotation whose keypoints are no list of x, y, visibility; whose number differs from what its class declares, or
from that of most annotations of its class; that are visible (2) beyond the image by more than `tolerance` px; that have
another visibility than 0, 1 or 2; or that are not labelled (0) and have coordinates. The first of these that holds is
reported. Where in 90 % of at least 10 annotations a keypoint lies outside the annotation's own box, one finding says so.
Boxes that would hold the keypoints when moved by half their size (3 are enough then) have corners written as centres, or the
reverse, and no fix of a box is safe. Then `num_keypoints` that is not the number of labelled ones (its safe fix writes it),
and keypoints without a pair to change places with in a mirrored image: `flip_idx` of data.yaml, or a left without its right
among the names that a class declares.

Why it matters: batches of unequal numbers of points fail; a point beyond the image makes Ultralytics leave out the whole
image; a point that is not labelled and has coordinates is learnt by trainers that look at the coordinates, and not by those
that look at the visibility.

COCOeval leaves out objects whose `num_keypoints` is 0; Ultralytics never mirrors a set without `flip_idx`, and stops where it
has another length.

Example: 17 points in most persons and 16 in one.

When to ignore: never for the number; a few px beyond the image may be meant.

Source of the default: the COCO format (data format, section 2), detectron2's `transform_keypoint_annotations`, Ultralytics'
`verify_image_label`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import numpy as np

from dsinspect.geometry.label_swap import mirrored
from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Dispute, Findings, Fix, Result, Severity, option
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import DatasetInfo
from dsinspect.tables.schema import FRAME_COLUMNS
from dsinspect_checks.keypoints._own_box import boxes_are_off, count_outside, reported
from dsinspect_checks.keypoints._points import points_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = tuple[Counter[tuple[str, int]], tuple[Findings, ...], tuple[Findings, ...], Counter[str]]
"""Annotations by class and number of points, every annotation with points by its number, the other faults, and annotations
with points outside their box."""


class Options(BaseOptions, frozen=True):
    """Limits of KPT001."""

    tolerance: Annotated[float, option("px a visible point may lie beyond the image", ge=0)] = 1.0


class KeypointFaults(Check[State, Options]):
    """Annotations with keypoints that a trainer cannot use."""

    code = "KPT001"
    name = "keypoint-faults"
    can_dispute = True
    severity = Severity.ERROR
    options_type = Options
    needs = ("keypoints",)
    wants = (*FRAME_COLUMNS, "coco:num_keypoints")

    def map(self, batch: Batch) -> State:
        """Find what an annotation alone shows, and count points by class."""
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
        parts.append(_miscounted(batch, rest, np.bincount(points.owner[v > 0], minlength=n)))
        parts += [Findings.of_problems(batch, "wrong-flip-pairs"),
                  Findings.of_problems(batch, "no-flip-pairs", severity=Severity.WARNING)]
        codes, names = batch.category_codes
        judged = np.flatnonzero(rest & (points.length > 0) & (codes >= 0))
        numbers = points.length[judged] // 3
        seen = Counter(zip((names[c] for c in codes[judged].tolist()), numbers.tolist(), strict=True))
        every = Findings.of_annotations(
            batch, judged, "Annotation has {points:~ keypoint|keypoints}, {usual}",
            {"points": numbers, "name": batch.annotation_columns["category"][judged], "most": 0, "usual": ""})
        found = Findings.concat(parts)
        return seen, (every,) if len(every) else (), (found,) if len(found) else (), count_outside(batch, t)

    def merge(self, a: State, b: State) -> State:
        """Add the counts and chain the rest."""
        return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Compare the numbers of points within each class."""
        seen, every, others, outside = state
        most: dict[str, int] = {}
        for (name, number), times in sorted(seen.items()):
            if times > seen.get((name, most.get(name, -1)), 0):
                most[name] = number
        declared = {c.name: len(c.keypoints) for c in dataset.categories if c.keypoints}
        candidates = Findings.concat(every)
        if len(candidates):
            names = candidates.columns["value:name"].tolist()
            usual = np.array([declared.get(name, most[name]) for name in names], np.int64)
            words = objects([f"class {name} declares {n:,}" if name in declared else f"most of class {name} have {n:,}"
                             for name, n in zip(names, usual.tolist(), strict=True)])
            candidates = candidates.with_values(most=usual, usual=words).take(candidates.columns["value:points"] != usual)
        return Result(Findings.concat([*others, candidates, _unpaired(dataset), reported(outside)]),
                      {"points": dict(sorted(most.items()))}, disputes=(Dispute(),) if boxes_are_off(outside) else ())


def _miscounted(batch: Batch, rows: NDArray[np.bool_], labelled: NDArray[np.int64]) -> Findings:
    """Report `num_keypoints` that is not the number of labelled keypoints."""
    declared = batch.annotation_columns.get("coco:num_keypoints")
    if declared is None:
        return Findings.none()
    wrong = rows & ~np.isnan(declared) & (declared != labelled)
    return Findings.of_annotations(
        batch, wrong, "num_keypoints is {declared:~}, and {labelled:~ keypoint is|keypoints are} labelled",
        {"declared": declared[wrong], "labelled": labelled[wrong]}, fix=Fix("safe", "set-field"),
        new_text=[f"num_keypoints={n}" for n in labelled[wrong].tolist()])


def _unpaired(dataset: DatasetInfo) -> Findings:
    """Report the classes with a left keypoint without its right one, or the reverse."""
    found = {c.name: [n for n in c.keypoints if mirrored(n) != n and mirrored(n) not in c.keypoints] for c in dataset.categories}
    found = {name: points for name, points in found.items() if points}
    return Findings.of_subjects(
        list(found), "{points:~ keypoint|keypoints} of class {name} {points:~has|have} no pair to change places with in a mirrored "
        "image: {first}", {"name": list(found), "points": [len(p) for p in found.values()],
                           "first": [", ".join(p[:5]) for p in found.values()]},
        severity=Severity.WARNING, category=list(found))
