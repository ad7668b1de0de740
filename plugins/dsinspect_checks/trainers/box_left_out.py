"""TRN002 box-left-out: annotations that the trainer drops from images it keeps.

Only with `--trainer NAME[@RELEASE]`. Those of images that are left out are TRN001's.

Why it matters: an object without its box is background to the trainer: it learns not to find it.

Example: a box 0.5 px wide, which mmdetection drops in silence.

When to ignore: crowd regions, which most trainers leave out on purpose.

Source of the default: there is no limit.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity
from dsinspect.protocols.fates import DROPPED, NO_RULE, TRAINER
from dsinspect_checks.trainers._by_rule import by_rule


class BoxLeftOut(RowCheck[BaseOptions]):
    """Annotations that the trainer drops from images it keeps."""

    code = "TRN002"
    name = "box-left-out"
    severity = Severity.WARNING
    needs = (TRAINER,)

    def find(self, batch: Batch) -> Findings:
        """Report the annotations that are dropped."""
        if batch.judged is None:
            return Findings.none()
        fates = batch.judged.fates
        rows = batch.annotation_columns["image_row"] if batch.judged.image_row is None else batch.judged.image_row
        out = np.append(fates.image_rule != NO_RULE, False)[rows]
        return by_rule(batch.judged, fates.rule, (fates.fate == DROPPED) & ~out, "drops this annotation",
                       lambda rows, message, values: Findings.of_annotations(batch, rows, message, values))
