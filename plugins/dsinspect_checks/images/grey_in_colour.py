"""IMG018 grey-in-colour: colour files that hold a grey image.

Why it matters: to a detector trained in colour such an image is an odd one; where only some classes are grey it learns the
camera instead of the object.

Example: a black-and-white photograph saved as RGB.

When to ignore: when grey images are part of the task.

Source of the default: there is no limit; users met it in pylc#1.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class GreyInColour(RowCheck[BaseOptions]):
    """Colour files whose channels are equal."""

    code = "IMG018"
    name = "grey-in-colour"
    severity = Severity.INFO
    needs = ("channels_equal",)

    def find(self, batch: Batch) -> Findings:
        """Report images whose channels were found equal."""
        equal = batch.image_columns["channels_equal"] == 1
        return Findings.of_images(batch, equal, "Image is stored in colour, but it is grey: its channels are equal")
