"""TRN003 box-changed: annotations that the trainer reads otherwise than they stand.

Only with `--trainer NAME[@RELEASE]`: cut at the edge of the image, moved, a class cut to a whole number, numbers taken for
corners. The message says which.

Why it matters: a box that is cut is no loss; one that is moved, or made of misread numbers, teaches a wrong place.

Example: YOLOX moves a box that begins left of its image and keeps its width, so that it ends too far right.

When to ignore: boxes that reach past their image by the width of a line.

Source of the default: there is no limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity
from dsinspect.protocols.fates import CHANGED, TRAINER
from dsinspect.tables.columns import objects
from dsinspect_checks.trainers._by_rule import by_rule

if TYPE_CHECKING:
    from dsinspect.protocols.trainers import Judged


class BoxChanged(RowCheck[BaseOptions]):
    """Annotations that the trainer reads otherwise than they stand."""

    code = "TRN003"
    name = "box-changed"
    severity = Severity.WARNING
    needs = (TRAINER,)

    def find(self, batch: Batch) -> Findings:
        """Report the annotations that are changed."""
        if batch.judged is None:
            return Findings.none()
        fates = batch.judged.fates
        changed = by_rule(batch.judged, fates.rule, fates.fate == CHANGED, "reads this annotation otherwise",
                          lambda rows, message, values: Findings.of_annotations(batch, rows, message, values))
        return Findings.concat([changed, _extras(batch, batch.judged)])


def _extras(batch: Batch, judged: Judged) -> Findings:
    """Report the malformed records that the trainer keeps: no row of the tables stands for them."""
    extras = judged.fates.extras
    rules = [judged.rules[e.rule] for e in extras]
    places = {"image": objects([str(batch.image_columns["path"][e.image_row]) for e in extras]),
              "split": objects([batch.image_columns["split"][e.image_row] for e in extras]),
              "source": objects([e.source for e in extras]), "line": np.array([e.line for e in extras], np.int64),
              "index": np.array([e.index for e in extras], np.int64)}
    return Findings.of_places(places, "{trainer} keeps this malformed record: {reason} ({where})", {
        "trainer": judged.trainer.label, "reason": objects([r.reason for r in rules]), "where": objects([r.where for r in rules])})
