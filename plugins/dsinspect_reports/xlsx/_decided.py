"""Earlier decisions in a new workbook: beside their findings, on the sheets of checks and additions, or among the gone ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dsinspect.protocols.decisions import Decision, NewBox
from dsinspect.protocols.review_sheet import KEY_HEADERS, row_key
from dsinspect.protocols.run import Outcome, Run

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Placed:
    """Where the decisions of a run go.

    Attributes:
        rows: row in the table of findings, from 0, to the decision beside it.
        checks: code to the decision on the whole check.
        additions: boxes and classes to add, rename or merge.
        earlier: those whose finding is gone, or all of the check, and further ones on one finding.
        own: header of a column that a reviewer added to row in the table of findings to the cell.
        own_earlier: header of such a column to fingerprint of a finding that is gone to the cell.
    """

    rows: dict[int, Decision] = field(default_factory=dict)
    checks: dict[str, Decision] = field(default_factory=dict)
    additions: list[Decision] = field(default_factory=list)
    earlier: list[Decision] = field(default_factory=list)
    own: dict[str, dict[int, Any]] = field(default_factory=dict)
    own_earlier: dict[str, dict[str, Any]] = field(default_factory=dict)


def placed(run: Run, outcomes: Sequence[Outcome]) -> Placed:
    """Say where each decision of a run goes.

    Args:
        run: with decisions.
        outcomes: with findings, in the order of the table.
    """
    out = Placed()
    on_findings: dict[int, list[Decision]] = {}
    codes = {o.code for o in outcomes}
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
    cells = {int(f, 16) for of in run.own_columns.values() for f in of if _is_print(f)}
    rows_of: dict[int, list[int]] = {}
    prints = np.array(sorted({k for k in on_findings if k >= 0} | cells), np.uint64)
    start = 0
    for outcome in outcomes if len(prints) else ():
        own = outcome.findings.fingerprints(outcome.code)
        for k in np.flatnonzero(np.isin(own, prints)).tolist():
            rows_of.setdefault(int(own[k]), []).append(start + k)
            waiting = on_findings.get(int(own[k]))
            if waiting:
                out.rows[start + k] = waiting.pop(0)
        start += len(own)
    out.earlier += [d for waiting in on_findings.values() for d in waiting]
    for header, of in run.own_columns.items():
        known = {f: rows_of.get(int(f, 16), []) if _is_print(f) else [] for f in of}
        out.own[header] = {row: of[f] for f, rows in known.items() for row in rows}
        out.own_earlier[header] = {f: of[f] for f, rows in known.items() if not rows}
    listed = {d.finding for d in out.earlier}
    gone = dict.fromkeys(f for of in out.own_earlier.values() for f in of if f not in listed)
    out.earlier += [Decision("", finding=f) for f in gone]
    return out


@dataclass(frozen=True)
class OwnColumns:
    """Columns that a reviewer added to a sheet.

    Attributes:
        cells: by header, one per row of the sheet.
        gone: what rows were about that are there no longer, with their cells: nothing that was written is lost.
    """

    cells: dict[str, list[Any]]
    gone: list[tuple[str, list[Any]]]

    def row(self, k: int) -> list[Any]:
        """Return the cells of a row."""
        return [of[k] for of in self.cells.values()]


def own_columns(run: Run, title: str, about: Sequence[Any], headers: Collection[str]) -> OwnColumns:
    """Return the columns that a reviewer added to a sheet.

    Args:
        run: with cells of earlier reviews.
        title: of the sheet.
        about: what its rows are about.
        headers: of the sheet.
    """
    names = [str(a) for a in about]
    own = {h: cells for h, cells in run.own_cells.get(title, {}).items() if h not in headers}
    here = set(names)
    gone = dict.fromkeys(name for cells in own.values() for name in cells if name not in here)
    return OwnColumns({h: [cells.get(n) for n in names] for h, cells in own.items()},
                      [(name, [cells.get(name) for cells in own.values()]) for name in gone])


def distinct_by(frame: pd.DataFrame) -> list[str]:
    """Return the first columns of a table that tell its rows apart, all of them where none do.

    >>> import pandas as pd
    >>> distinct_by(pd.DataFrame({"Width": [1, 1], "Height": [2, 3], "Images": [5, 6]}))
    ['Width', 'Height']
    """
    names = [str(c) for c in frame.columns]
    return next((names[:k] for k in range(1, len(names)) if not frame.iloc[:, :k].duplicated().any()), names)


def with_own_cells(run: Run, title: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table of a check with the columns that a reviewer added, and below it what stood beside rows that are gone.

    A row is known by the cells that told it apart when the reviewer saw it, which may be fewer than those that do now.
    """
    import pandas as pd

    own = {h: cells for h, cells in run.own_cells.get(title, {}).items() if h not in frame.columns}
    if not own:
        return frame
    records = frame.to_dict("records")
    cells: dict[str, list[Any]] = {h: [None] * len(records) for h in own}
    gone: dict[str, dict[str, Any]] = {}
    rows_by: dict[tuple[str, ...], dict[str, int]] = {}
    for header, of in own.items():
        for key, value in of.items():
            about = {KEY_HEADERS[title]: key} if title in KEY_HEADERS else _about(key)
            rows = rows_by.get(tuple(about))
            if rows is None:
                known = bool(records) and all(h in frame.columns for h in about)
                rows = rows_by[tuple(about)] = {
                    row_key({h: r[h] for h in about}): k for k, r in reversed(list(enumerate(records)))} if known else {}
            if key in rows:
                cells[header][rows[key]] = value
            else:
                gone.setdefault(key, dict(about))[header] = value
    wide = frame.assign(**{h: np.array(values, object) for h, values in cells.items()}) if len(frame.columns) else frame
    left = pd.DataFrame([{**{h: v for h, v in of.items() if h not in own}, **{h: of.get(h) for h in own}} for of in gone.values()],
                        dtype=object)
    both = pd.concat([wide.astype(object), left], ignore_index=True) if len(left) else wide
    return both.astype(object).where(both.notna(), None) if len(left) else wide


def _about(key: str) -> dict[str, str]:
    """Return the cells that a row is known by."""
    try:
        return msgspec.json.decode(key, type=dict[str, str])
    except msgspec.MsgspecError:
        return {"Row": key}


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
