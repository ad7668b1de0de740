"""Earlier decisions in a new workbook: beside their findings, on the sheets of checks and additions, or among the gone ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dsinspect.protocols.decisions import Decision, NewBox
from dsinspect.protocols.run import Outcome, Run


@dataclass
class Placed:
    """Where the decisions of a run go.

    Attributes:
        rows: row in the table of findings, from 0, to the decision beside it.
        checks: code to the decision on the whole check.
        additions: boxes and classes to add, rename or merge.
        earlier: those whose finding is gone, and further ones on one finding.
    """

    rows: dict[int, Decision] = field(default_factory=dict)
    checks: dict[str, Decision] = field(default_factory=dict)
    additions: list[Decision] = field(default_factory=list)
    earlier: list[Decision] = field(default_factory=list)

    @property
    def has_reasons(self) -> bool:
        """Say whether a decision was handed back with the reason."""
        return any(d.reason for d in (*self.rows.values(), *self.checks.values(), *self.additions, *self.earlier))


def placed(run: Run, outcomes: Sequence[Outcome]) -> Placed:
    """Say where each decision of a run goes.

    Args:
        run: with decisions.
        outcomes: with findings, in the order of the table.
    """
    out = Placed()
    on_findings: dict[int, list[Decision]] = {}
    codes = {o.code for o in run.outcomes}
    for decision in run.decisions:
        if decision.finding is not None:
            key = int(decision.finding, 16) if _is_print(decision.finding) else -1
            on_findings.setdefault(key, []).append(decision)
        elif decision.check in codes and decision.check not in out.checks:
            out.checks[decision.check] = decision
        elif decision.record is not None:
            out.additions.append(decision)
        else:
            out.earlier.append(decision)
    prints = np.array(sorted(k for k in on_findings if k >= 0), np.uint64)
    start = 0
    for outcome in outcomes if len(prints) else ():
        own = outcome.findings.fingerprints(outcome.code)
        for k in np.flatnonzero(np.isin(own, prints)).tolist():
            waiting = on_findings.get(int(own[k]))
            if waiting:
                out.rows[start + k] = waiting.pop(0)
        start += len(own)
    out.earlier += [d for waiting in on_findings.values() for d in waiting]
    return out


def _is_print(text: str) -> bool:
    return len(text) == 16 and set(text) <= set("0123456789abcdef")


def value_text(value: Any) -> str | None:
    """Return a new value as a reviewer writes it.

    >>> value_text((1.0, 2.5, 3.0, 4.0))
    '1, 2.5, 3, 4'
    """
    if isinstance(value, NewBox):
        value = value.bbox_xyxy
    if isinstance(value, tuple):
        return ", ".join(f"{v:.10g}" for v in value)
    return None if value is None else str(value)


class DecidedColumn:
    """A column of which few cells hold something.

    Args:
        values: by row.
    """

    def __init__(self, values: Mapping[int, Any]) -> None:
        self._values = values
        self._rows = np.array(sorted(values), np.intp)

    def __getitem__(self, rows: slice) -> list[Any]:
        cells: list[Any] = [None] * (rows.stop - rows.start)
        low, high = np.searchsorted(self._rows, [rows.start, rows.stop])
        for k in self._rows[low:high].tolist():
            cells[k - rows.start] = self._values[k]
        return cells
