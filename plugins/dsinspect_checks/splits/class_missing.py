"""SPL005 class-missing: classes that a split lacks.

Reports a class that train has and val or test has not, or the reverse.

Why it matters: a class that is not in val is never measured; one that is not in train cannot be learnt, and its average
precision of 0 lowers the mean.

Example: `bus` has 12 boxes in train and none in val.

When to ignore: when val is meant for some classes only.

Source of the default: there is no limit; users met it in darknet#7620.
"""

from __future__ import annotations

from dsinspect.protocols.checks import BaseOptions, Findings, Result, Severity
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._counts import ClassCounts, CountsClasses


class ClassMissing(CountsClasses[BaseOptions]):
    """Classes that are in train and not in val or test, or the reverse."""

    code = "SPL005"
    name = "class-missing"
    severity = Severity.WARNING

    def finish(self, state: ClassCounts, dataset: DatasetInfo) -> Result:
        """Compare every split with train; a split without any box has no labels to compare."""
        of = {s: {n for (t, n), count in state.boxes.items() if t == s and count} for s in state.split_images if s}
        train = of.get("train", set())
        rows = []
        for split in sorted(s for s in of if s != "train" and of[s]):
            if not train:
                break
            rows += [(split, name, "train") for name in sorted(train - of[split])]
            rows += [("train", name, split) for name in sorted(of[split] - train)]
        boxes = [state.boxes[(other, name)] for _, name, other in rows]
        return Result(Findings.of_subjects(
            [f"{name} in {split}" for split, name, _ in rows],
            "Class {name} has no box in {missing} and {boxes:~} in {present}",
            {"name": [r[1] for r in rows], "missing": [r[0] for r in rows], "boxes": boxes,
             "present": [r[2] for r in rows]}, split=[r[0] for r in rows], category=[r[1] for r in rows]))
