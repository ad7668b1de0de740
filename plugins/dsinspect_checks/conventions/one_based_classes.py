"""CNV004 one-based-classes: class numbers that begin at 1 where the list begins at 0.

Reports a set whose declared classes are numbered from 0, in which no box has class 0, some have the number after the last
class, and none a higher one. The findings of REC006 are folded into this one.

Why it matters: every box is trained as the class after its own, and the last class falls off the end.

Example: names has 3 classes, 0 to 2; the label files hold 1, 2 and 3.

When to ignore: when class 0 is really without boxes and the highest number a slip.

Source of the default: there is no limit.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Fold, Result, Severity
from dsinspect.tables.dataset import DatasetInfo

State = Counter[int]


class OneBasedClasses(Check[State, BaseOptions]):
    """Sets whose class numbers are 1 too high."""

    code = "CNV004"
    name = "one-based-classes"
    severity = Severity.WARNING

    def map(self, batch: Batch) -> State:
        """Count boxes by class number."""
        ids, n = np.unique(batch.annotation_columns["category_id"], return_counts=True)
        return Counter(dict(zip(ids.tolist(), n.tolist(), strict=True)))

    def merge(self, a: State, b: State) -> State:
        """Add the counts."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Compare the numbers used with those declared."""
        declared = sorted({c.category_id for c in dataset.categories})
        if not declared or declared[0] != 0 or not state:
            return Result()
        used = sorted(state)
        beyond = declared[-1] + 1
        found = used[0] >= 1 and used[-1] == beyond
        return Result(Findings.of_subjects(
            ["set"] if found else [], "Class numbers run from {low:~} to {high:~} and none is 0, but the list has 0 to "
            "{last:~}: they begin at 1", {"low": used[0], "high": used[-1], "last": declared[-1]}),
            folds=(Fold(("REC006",)),) if found else ())
