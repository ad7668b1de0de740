"""Decisions from wherever they were written: a workbook, decisions.json, a store, or several of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from dsinspect.errors import UserError, os_reason
from dsinspect.protocols.decisions import Decision, Decisions
from dsinspect.review.decision import Conflict, merge_decisions, read_decisions
from dsinspect.review.store import is_store, read_counted
from dsinspect.review.workbook import Fault, Reading, read_workbook


@dataclass(frozen=True)
class Several:
    """The decisions of one or several files, together.

    Attributes:
        decisions: that agree and can be read, with the settings of their report.
        faults: what cannot be read, and what contradicts.
        earlier: decisions whose finding was gone when their workbook was written.
        rows: findings that there are to decide on, of the largest file.
        names: of the files.
        of_checks: code of each check with a decision to the number of its findings, where a file says it.
    """

    decisions: Decisions
    faults: tuple[Fault, ...]
    earlier: tuple[Decision, ...]
    rows: int
    names: tuple[str, ...]
    of_checks: Mapping[str, int] = field(default_factory=dict)

    def apart(self, faults: Iterable[Fault]) -> tuple[list[Decision], list[Decision]]:
        """Return the decisions that can be applied, and those that cannot.

        Args:
            faults: of these decisions, at least those of the files.
        """
        wrong = {id(d): d for f in faults for d in f.decisions}
        return [d for d in self.made if id(d) not in wrong], list(wrong.values())

    def decided(self, faults: Iterable[Fault]) -> int:
        """Return the findings with a decision that can be applied; one on a whole check counts for all without one of their own.

        Args:
            faults: as `apart` takes them.
        """
        sound, wrong = self.apart(faults)
        of_checks = {d.check: self.of_checks.get(d.check, 0) for d in sound if d.check is not None}
        own = {d.finding: d.seen.code if d.seen else None for d in sound if d.finding is not None}
        in_vain = {d.finding: d.seen.code if d.seen else None for d in wrong if d.finding is not None and d.action}
        return (sum(of_checks.values()) + sum(code not in of_checks for code in own.values())
                - sum(code in of_checks for code in in_vain.values()))

    @property
    def unread(self) -> set[str]:
        """Findings with a decision that cannot be read, or that contradicts another: no other one stands for them."""
        return {d.finding for f in self.faults for d in f.decisions if d.finding is not None and d.action}

    @property
    def standing_for_none(self) -> list[Decision]:
        """Decisions on whole checks all of whose findings have one of their own, as far as the files say it."""
        written = (*self.made, *(d for f in self.faults for d in f.decisions))
        own = {(d.seen.code, d.finding) for d in written if d.finding is not None and d.action and d.seen is not None}
        of = Counter(code for code, _ in own)
        return [d for d in self.made if d.check is not None and 0 < self.of_checks.get(d.check, 0) <= of[d.check]]

    @property
    def made(self) -> list[Decision]:
        """The decisions, without rows that hold a comment alone."""
        return [d for d in self.decisions.decisions if d.action]


def read_any(path: Path) -> Reading:
    """Read a file of decisions, whatever it is, by its content.

    Raises:
        UserError: it cannot be read, or holds no decisions.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as e:
        raise UserError(f"{path}: {os_reason(e)}") from None
    if is_store(path):
        decisions, count = read_counted(path)
        return Reading(decisions, rows=count)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return Reading(read_decisions(path))
    return read_workbook(path)


def read_several(paths: Sequence[Path]) -> Several:
    """Read the decisions of several reviewers and bring them together.

    Where they contradict each other all are named, and none of them is among the decisions.

    Raises:
        UserError: a file cannot be read, or the files come from reports with different settings.
    """
    readings = [_placed(read_any(p), p.name if len(paths) > 1 else "") for p in paths]
    wrong = {id(d) for r in readings for f in r.faults for d in f.decisions}
    sound = [msgspec.structs.replace(r.decisions, decisions=tuple(d for d in r.decisions.decisions if id(d) not in wrong))
             for r in readings]
    merged = merge_decisions(sound)
    faults = tuple(f for r in readings for f in r.faults) + tuple(map(fault_of, merged.conflicts))
    return Several(merged.decisions, faults, tuple(d for r in readings for d in r.earlier),
                   max((r.rows for r in readings), default=0), tuple(p.name for p in paths),
                   {code: n for r in readings for code, n in r.of_checks.items()})


def fault_of(conflict: Conflict) -> Fault:
    """Return a conflict of reviewers as a fault."""
    return Fault(conflict.decisions[0].place or "?", f"two decisions on one finding or record, {conflict}", conflict.decisions)


def _placed(reading: Reading, name: str) -> Reading:
    """Return what was read with the name of its file in every place."""
    if not name:
        return reading
    moved: dict[int, Decision] = {}
    for decision in (*reading.decisions.decisions, *reading.earlier):
        place = decision.place or ""
        moved[id(decision)] = decision if place.startswith(name) else msgspec.structs.replace(decision, place=f"{name} {place}")
    return Reading(
        msgspec.structs.replace(reading.decisions, decisions=tuple(moved[id(d)] for d in reading.decisions.decisions)),
        tuple(Fault(f"{name} {f.place}", f.what, tuple(moved[id(d)] for d in f.decisions)) for f in reading.faults),
        tuple(moved[id(d)] for d in reading.earlier), reading.rows, reading.of_checks)
