"""TRN001 image-left-out: images that the trainer leaves out.

Only with `--trainer NAME[@RELEASE]`. The trainer is not run: its loading rules are known, release by release (`dsinspect
explain ultralytics@8.4`), and compared with fates recorded from its own code.

Why it matters: an image that is left out teaches nothing, and most trainers say so in a line that scrolls by, or not at all;
Ultralytics leaves out a whole image for one bad row.

Example: a label file with one coordinate of 1.02: "non-normalized or out of bounds coordinates".

When to ignore: images without annotations that are meant to be left out.

Source of the default: there is no limit.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity
from dsinspect.protocols.fates import NO_RULE, TRAINER
from dsinspect_checks.trainers._by_rule import by_rule


class ImageLeftOut(RowCheck[BaseOptions]):
    """Images that the trainer leaves out."""

    code = "TRN001"
    name = "image-left-out"
    severity = Severity.ERROR
    needs = (TRAINER,)

    def find(self, batch: Batch) -> Findings:
        """Report the images that are left out."""
        if batch.judged is None:
            return Findings.none()
        fates = batch.judged.fates
        return by_rule(batch.judged, fates.image_rule, fates.image_rule != NO_RULE, "leaves out this image",
                       lambda rows, message, values: Findings.of_images(batch, rows, message, values))
