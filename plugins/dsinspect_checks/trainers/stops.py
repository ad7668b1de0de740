"""TRN004 stops: what makes the trainer stop with an error.

Only with `--trainer NAME[@RELEASE]`: what it meets first comes first, in its own words, with the function that raises. What is
found while images are read or trained on comes after what loading alone meets.

Why it matters: it costs the time to rent a machine, copy the data and start, for a line that can be known before.

Example: YOLOX on a COCO file whose annotations lack `iscrowd`: KeyError: 'iscrowd'.

When to ignore: never.

Source of the default: there is no limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity
from dsinspect.protocols.fates import TRAINER
from dsinspect.tables.columns import objects
from dsinspect.tables.dataset import DatasetInfo

if TYPE_CHECKING:
    from dsinspect.protocols.trainers import Verdict


class Stops(Check["Verdict | None", BaseOptions]):
    """What makes the trainer stop with an error."""

    code = "TRN004"
    name = "stops"
    severity = Severity.ERROR
    needs = (TRAINER,)

    def map(self, batch: Batch) -> Verdict | None:
        """Keep what stops the trainer in one batch, and what it needs to see of all."""
        if batch.judged is None:
            return None
        from dsinspect.protocols.trainers import Verdict

        fates = batch.judged.fates
        return Verdict(batch.judged.trainer, fates.stops, fates.writes, fates.state)

    def merge(self, a: Verdict | None, b: Verdict | None) -> Verdict | None:
        """Join two verdicts."""
        return b if a is None else a if b is None else a.merged(b)

    def finish(self, state: Verdict | None, dataset: DatasetInfo) -> Result:
        """Report every stop; files that would be rewritten are counted in the metrics."""
        if state is None:
            return Result()
        stops = state.in_order()
        errors = [s.error for s in stops]
        told = [f"{s.error}; {s.found}" if s.found else s.error for s in stops]
        findings = Findings.of_subjects(
            errors, "{trainer} stops: {error} ({where})",
            {"trainer": state.trainer.label, "error": objects(told), "where": objects([s.where for s in stops])},
            image=objects([s.image for s in stops]), split=objects([s.split for s in stops]))
        return Result(findings, {"trainer": state.trainer.label, "stops": len(stops), "files_rewritten": len(state.writes)})
