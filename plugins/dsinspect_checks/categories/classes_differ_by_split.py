"""CLS006 classes-differ-by-split: splits that declare other classes, or the same in another order.

Why it matters: class 3 of train is then class 4 of val: training looks fine and the metric is nonsense.

Example: instances_train.json has 80 categories, instances_val.json 79.

When to ignore: never; give all splits one list.

Source of the default: there is no limit; users met it in mmdetection#12017.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity
from dsinspect.tables.dataset import DatasetInfo


class ClassesDifferBySplit(Check[None, BaseOptions]):
    """Splits whose declared classes differ in ids, names or order."""

    code = "CLS006"
    name = "classes-differ-by-split"
    severity = Severity.ERROR

    def map(self, batch: Batch) -> None:
        """Keep nothing: the declared lists say all."""
        return

    def merge(self, a: None, b: None) -> None:
        """Keep nothing."""
        return

    def finish(self, state: None, dataset: DatasetInfo) -> Result:
        """Compare each split's list with the first one's."""
        splits = sorted(dataset.split_categories, key=lambda s: (s != "train", s))
        if len(splits) < 2:
            return Result()
        first = splits[0]
        reference = [(c.category_id, c.name) for c in dataset.split_categories[first]]
        rows = []
        for split in splits[1:]:
            own = [(c.category_id, c.name) for c in dataset.split_categories[split]]
            if own == reference:
                continue
            missing = [f"{i} {n}" for i, n in reference if (i, n) not in own]
            extra = [f"{i} {n}" for i, n in own if (i, n) not in reference]
            difference = "the same in another order" if not missing and not extra else "; ".join(
                t for t in (f"lacks {', '.join(missing[:5])}" if missing else "", f"adds {', '.join(extra[:5])}" if extra else "")
                if t)
            rows.append((split, difference, len(missing), len(extra)))
        return Result(Findings.of_subjects(
            [r[0] for r in rows], "Classes of {split} are not those of {first}: {told}",
            {"split": [r[0] for r in rows], "first": first, "told": [r[1] for r in rows], "missing": [r[2] for r in rows],
             "extra": [r[3] for r in rows]}, split=[r[0] for r in rows]))
