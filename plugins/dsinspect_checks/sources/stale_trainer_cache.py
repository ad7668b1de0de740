"""SRC009 stale-trainer-cache: trainer caches older than the labels.

A `*.cache` file beside the labels that is older than a label file.

Why it matters: trainers may go on with the old labels they have in the cache.

Example: labels/train.cache of Monday, labels corrected on Tuesday.

When to ignore: when your trainer checks the cache against the files.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class StaleTrainerCache(RowCheck[BaseOptions]):
    """Trainer caches older than a label file."""

    code = "SRC009"
    name = "stale-trainer-cache"
    severity = Severity.INFO

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "stale-cache", "{reason}")
