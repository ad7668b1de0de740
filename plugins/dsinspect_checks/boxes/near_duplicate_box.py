"""BOX008 near-duplicate-box: almost the same box twice.

Reports the smaller of two boxes of one image and category with an IoU of `min_iou` or more that are not equal (equal ones are
BOX006). Crowd and ignored regions are exempt, and two objects whose outlines (polygons, rotated boxes, masks) overlap by less
than 0.7.

Why it matters: the object counts twice in the loss, and one of its two boxes can never be matched by a detector with
non-maximum suppression.

Example: two annotators drew the same car, 2 px apart.

When to ignore: when objects really cover each other that closely (stacks of plates).

Source of the default: an IoU of 0.9 is far above what two objects of a class reach in COCO's crowded images.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity, option
from dsinspect_checks.boxes._geometry import sizes_wh
from dsinspect_checks.boxes._outlines import outlines_agree
from dsinspect_checks.boxes._pairs import OUTLINES, named, overlapping_pairs


class Options(BaseOptions, frozen=True):
    """Limits of BOX008."""

    min_iou: Annotated[float, option("IoU from which two boxes are one object", gt=0.5, le=1)] = 0.9


class NearDuplicateBox(RowCheck[Options]):
    """Boxes of one category that almost coincide."""

    code = "BOX008"
    name = "near-duplicate-box"
    severity = Severity.WARNING
    options_type = Options
    wants = OUTLINES

    def find(self, batch: Batch) -> Findings:
        """Report the smaller box of each pair, once, with its best match."""
        pairs = batch.once(overlapping_pairs)
        codes, _ = batch.category_codes
        near = np.flatnonzero((codes[pairs.first] == codes[pairs.second]) & (pairs.iou >= self.options.min_iou) & ~pairs.is_equal)
        near = near[outlines_agree(batch, pairs.first[near], pairs.second[near])]
        area = sizes_wh(batch).prod(axis=1)
        first, second, iou = pairs.first[near], pairs.second[near], pairs.iou[near]
        first_is_smaller = area[first] < area[second]
        smaller, other = np.where(first_is_smaller, first, second), np.where(first_is_smaller, second, first)
        order = np.lexsort((other, -iou, smaller))
        smaller, other, iou = smaller[order], other[order], iou[order]
        once = np.ones(len(smaller), bool)
        once[1:] = smaller[1:] != smaller[:-1]
        ids = batch.annotation_columns["annotation_id"]
        return Findings.of_annotations(
            batch, smaller[once], "Box nearly duplicates {other} of the same class (IoU {iou:.3f}, limit "
            "{limit:~}, option min_iou)", {"other": named(batch, other[once]), "other_id": ids[other[once]],
                                           "iou": iou[once], "limit": self.options.min_iou},
            fix=Fix("unsafe", "drop-annotation"))
