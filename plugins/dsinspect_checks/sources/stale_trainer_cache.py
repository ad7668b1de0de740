"""SRC009 stale-trainer-cache: trainer caches older than what they were made from.

Reports a `*.cache` file beside the labels that is older than a label file, or than data.yaml.

Why it matters: Ultralytics recognises a changed set by the paths and the total size of its files alone: after an edit that
keeps the size (a class 1 that becomes a 2), and after one of data.yaml, it trains on the old labels of the cache
(ultralytics#26207).

Example: labels/train.cache of Monday, a label file corrected on Tuesday.

When to ignore: never; delete the cache, it is made again.

Source of the default: the times of the files.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class StaleTrainerCache(RowCheck[BaseOptions]):
    """Trainer caches older than a label file or the configuration."""

    code = "SRC009"
    name = "stale-trainer-cache"
    severity = Severity.INFO

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "stale-cache", "{reason}")
