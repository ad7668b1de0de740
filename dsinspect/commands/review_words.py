"""What `dsinspect review` says: decisions and faults, a line each."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from dsinspect.findings.rendering import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dsinspect.protocols.decisions import Decision
    from dsinspect.review.resolve import Review
    from dsinspect.review.workbook import Fault

MAX_FAULTS = 50
"""Faults shown at most."""
ALIKE = 3
"""Faults of one kind up to which each has a line of its own."""


def decided(found: Review) -> list[str]:
    """Return the decisions, a line each."""
    lines = []
    for made in found.made:
        f = made.finding
        place = (f.image or f.source or f.subject or "") if f else ""
        if f is not None and f.annotation_id is not None:
            place += f" (annotation {f.annotation_id})"
        old = made.old or ("no class" if made.action == "set-category" else "")
        arrow = f"{old} -> {made.new}" if made.new and old else made.new or old
        edit = f"{made.change['action']} " if made.action == "fix" and made.change is not None else ""
        told = edit + ("" if arrow == place else arrow)
        lines.append(f"{made.place}: {made.action}  {f.code if f else ''}  {place}  {told}".rstrip())
    return lines


def in_vain(decisions: Iterable[Decision]) -> list[str]:
    """Return a line for each decision on a whole check that stands for no finding."""
    return [f"{d.check}: {d.action} on the whole check stands for no finding: each has another decision" for d in decisions]


def refusal(names: str, faults: Sequence[Fault], *, verb: str = "applied", partial: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return the message that nothing is done, and the faults, a line each."""
    from dsinspect.findings.wording import counted
    from dsinspect.review.resolve import NO_SUCH_FINDING

    hint = "; --partial applies the others" if verb == "applied" and not partial else ""
    if faults and all(f.what == NO_SUCH_FINDING for f in faults):
        hint = "; perhaps it is applied to this dataset already"
    return f"{names}: nothing is {verb}, for {counted(len(faults), 'fault')}{hint}", tuple(lines_of(faults))


def lines_of(faults: Sequence[Fault]) -> list[str]:
    """Return the faults, a line each; of one that several decisions make together, how many."""
    alike: dict[str, list[Fault]] = {}
    for fault in sorted(faults, key=_place_of):
        alike.setdefault(fault.what, []).append(fault)
    shown = []
    for fault in sorted(faults, key=_place_of):
        several = alike[fault.what]
        if len(several) <= ALIKE:
            shown.append((f"{len(fault.decisions)} decisions: " if len(fault.decisions) > 1 else "") + str(fault))
        elif fault is several[0]:
            places = ", ".join(f.place for f in several[:ALIKE])
            shown.append(f"{places} and {len(several) - ALIKE:,} more: {fault.what}")
    return shown[:MAX_FAULTS] + ([f"and {len(shown) - MAX_FAULTS:,} more"] if len(shown) > MAX_FAULTS else [])


def _place_of(fault: Fault) -> tuple[str, int, int, str]:
    """Return what faults are sorted by: the sheet or file, then the row, then the column."""
    cell = re.match(r"(.*?)([A-Z]{0,3})([0-9]+)$", fault.place)
    return (fault.place, 0, 0, "") if cell is None else (cell[1], int(cell[3]), len(cell[2]), cell[2])


def report_faults(faults: Sequence[Fault]) -> None:
    """Print the faults on stderr."""
    for line in lines_of(faults):
        print(f"  {printable(line)}", file=sys.stderr)
