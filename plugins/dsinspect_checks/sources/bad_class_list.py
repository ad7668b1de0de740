"""SRC010 bad-class-list: class lists and split paths that contradict each other.

A class list or configuration in which names and nc disagree, a name occurs twice, a mapping of names has gaps, or a path of
train or val does not exist.

Why it matters: class numbers then mean other classes than their names say, or a split is empty.

Example: nc: 80 with 79 names.

When to ignore: never.

Source of the default: there is no limit; users met it in yolov5#7692.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class BadClassList(RowCheck[BaseOptions]):
    """Class lists and split paths that contradict each other."""

    code = "SRC010"
    name = "bad-class-list"
    severity = Severity.ERROR

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "bad-class-list", "{reason}")
