"""What each row of findings may choose from: the decisions that its finding can take, as dropdowns over runs of rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from dsinspect.protocols.run import Outcome
from dsinspect_reports._choice_sets import choice_sets

MAX_AREAS = 500
"""Runs of rows in one dropdown; Excel reads some thousands, so there may be several dropdowns with the same choices."""
MAX_RUNS = 50_000
"""Runs of rows in all; the rows after them get a dropdown with all that any of them can take."""


def runs(outcomes: Sequence[Outcome], no_place: Collection[str]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield first and last row and the choices of each run of rows, rows counted from 0 over all findings."""
    start = 0
    pending: tuple[int, int, tuple[str, ...]] | None = None
    for outcome in outcomes:
        codes, sets = choice_sets(outcome, no_place)
        changes = np.flatnonzero(np.diff(codes)) + 1
        begins = [0, *changes.tolist()]
        for k, begin in enumerate(begins):
            end = begins[k + 1] if k + 1 < len(begins) else len(codes)
            choices = sets[codes[begin]]
            if pending is not None and pending[2] == choices:
                pending = pending[0], start + end - 1, choices
            else:
                if pending is not None:
                    yield pending
                pending = start + begin, start + end - 1, choices
        start += len(codes)
    if pending is not None:
        yield pending


def dropdowns(outcomes: Sequence[Outcome], no_place: Collection[str], first: int, last: int,
              letter: str) -> list[tuple[tuple[str, ...], str]]:
    """Return choices and the cells that have them, for the rows of one sheet.

    Args:
        outcomes: with findings, in the order of the rows.
        no_place: actions of edits that the format has no place for.
        first: row of the table that comes first on the sheet, from 0.
        last: row after the last.
        letter: of the column.
    """
    areas: dict[tuple[str, ...], list[str]] = {}
    every: dict[str, None] = {}
    for count, (begin, end, choices) in enumerate(runs(outcomes, no_place)):
        begin, end = max(begin, first), min(end, last - 1)
        every |= dict.fromkeys(choices)
        if begin > end:
            continue
        if count >= MAX_RUNS:
            areas.setdefault(tuple(every), []).append(f"{letter}{begin - first + 2}:{letter}{last - first + 1}")
            break
        cell = f"{letter}{begin - first + 2}"
        areas.setdefault(choices, []).append(cell if begin == end else f"{cell}:{letter}{end - first + 2}")
    return [(choices, " ".join(cells[k:k + MAX_AREAS])) for choices, cells in areas.items()
            for k in range(0, len(cells), MAX_AREAS)]
