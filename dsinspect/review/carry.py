"""Carry decisions over when a report is written again: those of findings that are still there stay beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from dsinspect.errors import UserError
from dsinspect.findings.wording import counted
from dsinspect.protocols.decisions import Decision
from dsinspect.protocols.run import Run
from dsinspect.review.workbook import Reading, read_workbook


@dataclass(frozen=True)
class Carried:
    """What became of the decisions that a workbook held.

    Attributes:
        run: with the decisions.
        kept: decisions that stand beside their findings, their checks or on the sheet of additions.
        gone: decisions whose finding, or all findings of whose check, are gone.
        columns: columns that the reviewer added.
    """

    run: Run
    kept: int
    gone: int
    columns: int = 0

    def told(self, path: Path) -> str:
        """Return in a line what became of them."""
        kept = f"{counted(self.kept, 'decision')} carried over"
        gone = (f"; {self.gone:,} on {'a finding that is' if self.gone == 1 else 'findings that are'} gone "
                f"{'stands' if self.gone == 1 else 'stand'} on the sheet Earlier decisions" if self.gone else "")
        own = f"; {counted(self.columns, 'column')} of your own as well" if self.columns else ""
        return f"{path}: {kept}{gone}{own}"


def decisions_in(path: Path) -> Reading | None:
    """Read what a workbook that is to be replaced holds; None when it is no workbook of a review.

    Raises:
        UserError: it is damaged, so that nobody can say what would be lost.
    """
    if not path.is_file():
        return None
    try:
        with ZipFile(path):
            pass
    except (BadZipFile, OSError):
        if path.stat().st_size == 0:
            return None
        raise UserError(f"-o {path}: cannot be read, so decisions in it would be lost; use --force to replace it") from None
    try:
        return read_workbook(path)
    except UserError as e:
        if "no sheet has the columns" in str(e):
            return None
        raise UserError(f"{e}; its decisions would be lost; use --force to replace it") from None


def carry_over(run: Run, reading: Reading) -> Carried:
    """Give a run the decisions of the workbook that it replaces.

    The same decision in several rows is one; a finding that comes back gets its earlier decision back.
    """
    by_key: dict[tuple[object, ...], Decision] = {}
    for decision in (*reading.decisions.decisions, *reading.earlier):
        key = decision.key if decision.finding is None else ("finding", decision.finding, decision.choice, decision.comment)
        by_key.setdefault(key, decision)
    decisions = tuple(by_key.values())
    about = {d.finding for d in decisions if d.finding is not None}
    here = still_there(run, about)
    found = {o.code for o in run.outcomes if len(o.findings)}
    gone = sum(d.finding not in here if d.finding is not None else d.check is not None and d.check not in found
               for d in decisions)
    columns = len(reading.own_columns) + sum(map(len, reading.own_cells.values()))
    return Carried(replace(run, decisions=decisions, own_columns=reading.own_columns, own_cells=reading.own_cells),
                   len(decisions) - gone, gone, columns)


def still_there(run: Run, fingerprints: set[str]) -> set[str]:
    """Return those of some fingerprints whose finding is in a run."""
    wanted = {int(f, 16): f for f in fingerprints if len(f) == 16 and set(f) <= set("0123456789abcdef")}
    prints = np.array(sorted(wanted), np.uint64)
    found: set[str] = set()
    for outcome in run.outcomes:
        own = outcome.findings.fingerprints(outcome.code)
        found.update(wanted[p] for p in own[np.isin(own, prints)].tolist())
    return found
