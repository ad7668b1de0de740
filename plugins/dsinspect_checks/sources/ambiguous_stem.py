"""SRC005 ambiguous-stem: two images that share one label file.

Two images whose names differ in the suffix or folder only, so that one label file is matched with both.

Why it matters: one of them is trained with the boxes of the other.

Example: a.jpg and a.png beside one a.txt.

When to ignore: when both really show the same image.

Source of the default: there is no limit; users met it in cvat#7523.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class AmbiguousStem(RowCheck[BaseOptions]):
    """Images that share the stem a label file is matched by."""

    code = "SRC005"
    name = "ambiguous-stem"
    severity = Severity.WARNING

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "ambiguous-stem", "{reason}")
