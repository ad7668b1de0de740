"""CLS005 id-gaps: category ids with holes, or of an unusual base.

Reports declared ids that are not contiguous, and whether they begin at 0 or 1. Roboflow's unused placeholder with id 0 does
not count.

Why it matters: trainers that take the id for the output's index need as many outputs as the highest id, or train the wrong
class; converters that subtract 1 shift every class when ids begin at 0.

Example: ids 1, 2, 3, 4, 6, 8, as COCO's own with its 80 classes in 1 to 90.

When to ignore: when your trainer maps ids, as most do for COCO.

Source of the default: there is no limit; users met it in fiftyone#4293.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity
from dsinspect.tables.dataset import DatasetInfo


class IdGaps(Check[None, BaseOptions]):
    """Declared category ids that are not contiguous."""

    code = "CLS005"
    name = "id-gaps"
    severity = Severity.INFO

    def map(self, batch: Batch) -> None:
        """Keep nothing: the declared list says all."""
        return

    def merge(self, a: None, b: None) -> None:
        """Keep nothing."""
        return

    def finish(self, state: None, dataset: DatasetInfo) -> Result:
        """Look for holes between the lowest and the highest id."""
        ids = sorted({c.category_id for c in dataset.categories})
        if not ids:
            return Result()
        ids_set = set(ids)
        metrics = {"base": ids[0], "highest": ids[-1], "count": len(ids)}
        missing = [k for k in range(ids[0], min(ids[-1], ids[0] + 100_000)) if k not in ids_set] \
            if ids[-1] - ids[0] + 1 != len(ids) else []
        subjects, holes = (["ids"], [_some(missing)]) if missing else ([], [])
        odd_base = ["base"] if ids[0] not in (0, 1) else []
        return Result(Findings.concat([
            Findings.of_subjects(subjects, "Category ids run from {base:~} to {highest:~} with gaps: {missing:~ id is|ids are} "
                                 "unused ({some})", {"base": ids[0], "highest": ids[-1],
                                                            "missing": len(missing), "some": holes}),
            Findings.of_subjects(odd_base, "Category ids begin at {base:~}, neither 0 nor 1", {"base": ids[0]})]), metrics)


def _some(ids: list[int]) -> str:
    return ", ".join(map(str, ids[:5])) + (", ..." if len(ids) > 5 else "")
