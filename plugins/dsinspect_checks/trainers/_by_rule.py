"""One finding per record, worded by the trainer's rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dsinspect.findings.findings import Findings
from dsinspect.protocols.fates import NO_RULE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsinspect.protocols.trainers import Judged


def by_rule(judged: Judged, rules: NDArray[np.int16], mask: NDArray[np.bool_], what: str,
            report: Callable[[NDArray[np.bool_], str, dict[str, Any]], Findings]) -> Findings:
    """Report the records of a mask, rule by rule.

    Args:
        judged: the trainer.
        rules: of each record, the position of its rule.
        mask: the records to report.
        what: what becomes of them: "leaves out this image".
        report: makes the findings of a mask from a message and its values.
    """
    found = []
    for k in np.unique(rules[mask & (rules != NO_RULE)]).tolist():
        rule = judged.rules[k]
        values = {"trainer": judged.trainer.label, "reason": rule.reason, "where": rule.where}
        found.append(report(mask & (rules == k), f"{{trainer}} {what}: {{reason}} ({{where}})", values))
    return Findings.concat(found)
