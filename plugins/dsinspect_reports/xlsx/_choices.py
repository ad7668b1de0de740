"""What each row of findings may choose from: the decisions that its finding can take, as dropdowns over runs of rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dsinspect.findings.findings import Fix
from dsinspect.protocols.edits import FIX_WORDS
from dsinspect.protocols.run import Outcome
from dsinspect_reports._choice_sets import choice_sets

MAX_AREAS = 500
"""Runs of rows in one dropdown; Excel reads some thousands, so there may be several dropdowns with the same choices."""
MAX_RUNS = 50_000
"""Runs of rows in all; the rows after them get a dropdown with all that any of them can take."""


class Offer(NamedTuple):
    """What a row may choose from.

    Attributes:
        choices: decisions.
        fix: what `fix` does there, in words; None where it is not among them.
    """

    choices: tuple[str, ...]
    fix: str | None = None


def fix_words(fix: Fix | None) -> str | None:
    """Return what would fix a finding, in words."""
    return f"{FIX_WORDS.get(fix.action, fix.action)} ({fix.safety})" if fix else None


def runs(outcomes: Sequence[Outcome], no_place: Collection[str]) -> Iterator[tuple[int, int, Offer]]:
    """Yield first and last row and the choices of each run of rows, rows counted from 0 over all findings."""
    start = 0
    pending: tuple[int, int, Offer] | None = None
    for outcome in outcomes:
        codes, sets = choice_sets(outcome, no_place)
        found = outcome.findings
        one_of_each = np.unique(codes, return_index=True)[1]  # findings of one set are of one template
        offers = [Offer(choices, fix_words(found.templates[found.columns["template"][k]].fix) if "fix" in choices else None)
                  for choices, k in zip(sets, one_of_each.tolist(), strict=True)]
        changes = np.flatnonzero(np.diff(codes)) + 1
        begins = [0, *changes.tolist()]
        for k, begin in enumerate(begins):
            end = begins[k + 1] if k + 1 < len(begins) else len(codes)
            offer = offers[codes[begin]]
            if pending is not None and pending[2] == offer:
                pending = pending[0], start + end - 1, offer
            else:
                if pending is not None:
                    yield pending
                pending = start + begin, start + end - 1, offer
        start += len(codes)
    if pending is not None:
        yield pending


def dropdowns(outcomes: Sequence[Outcome], no_place: Collection[str], first: int, last: int,
              letter: str) -> list[tuple[Offer, str]]:
    """Return choices and the cells that have them, for the rows of one sheet.

    Args:
        outcomes: with findings, in the order of the rows.
        no_place: actions of edits that the format has no place for.
        first: row of the table that comes first on the sheet, from 0.
        last: row after the last.
        letter: of the column.
    """
    areas: dict[Offer, list[str]] = {}
    every: dict[str, None] = {}
    for count, (begin, end, offer) in enumerate(runs(outcomes, no_place)):
        begin, end = max(begin, first), min(end, last - 1)
        every |= dict.fromkeys(offer.choices)
        if begin > end:
            continue
        if count >= MAX_RUNS:
            areas.setdefault(Offer(tuple(every)), []).append(f"{letter}{begin - first + 2}:{letter}{last - first + 1}")
            break
        cell = f"{letter}{begin - first + 2}"
        areas.setdefault(offer, []).append(cell if begin == end else f"{cell}:{letter}{end - first + 2}")
    return [(offer, " ".join(cells[k:k + MAX_AREAS])) for offer, cells in areas.items()
            for k in range(0, len(cells), MAX_AREAS)]
