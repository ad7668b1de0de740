"""A reviewed workbook back into edits: every decision is checked before any is applied.

Columns are found by their headers, so that they may be moved, hidden or joined by others; rows may be sorted, filtered or
deleted. A row is known by its fingerprint, and its code, image and annotation have to be those of the finding, or the
columns were sorted apart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dsinspect.errors import UserError, nearest
from dsinspect.findings.findings import Finding
from dsinspect.fixing.from_findings import fixes_of, frames_of, is_addressed, resolve
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.review_sheet import DECISION, DECISIONS, FINGERPRINT, NEW_VALUE
from dsinspect.protocols.run import KnownFinding, Run
from dsinspect.review.rows import ReviewRow, review_rows
from dsinspect.tables.schema import BOX_COLUMNS

MAX_FAULTS = 50
"""Faulty cells told at most."""
BOX_HEADERS = ("x min", "y min", "x max", "y max")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Decision:
    """One decision of a reviewer about one finding.

    Attributes:
        row: of the workbook.
        finding: it is about.
        decision: one of `workbook.DECISIONS`.
        change: the edit it makes, for `Edits.of`; None for `keep`.
        old: what stands in the dataset, in words.
        new: what will stand there, in words.
    """

    row: ReviewRow
    finding: Finding
    decision: str
    change: dict[str, Any] | None
    old: str
    new: str


@dataclass(frozen=True)
class Review:
    """The decisions of a workbook, all of them possible.

    Attributes:
        decisions: in the order of the rows; equal ones on one finding once.
        rows: rows with findings that were looked at.
    """

    decisions: tuple[Decision, ...]
    rows: int

    @property
    def edits(self) -> Edits:
        """The edits of all decisions."""
        return Edits.of(resolve(d.change for d in self.decisions if d.change is not None))

    @property
    def kept(self) -> list[KnownFinding]:
        """The findings that were decided to be right as they are, as entries of a baseline."""
        return [KnownFinding(d.finding.fingerprint, d.finding.code, d.finding.message, d.finding.image)
                for d in self.decisions if d.decision == "keep"]


@dataclass
class _Faults:
    """What is wrong, by cell."""

    told: list[str] = field(default_factory=list)

    def add(self, cell: str, what: str) -> None:
        self.told.append(f"{cell}: {what}")

    def check(self, workbook: Path) -> None:
        """Raise one UserError with all of them."""
        if not self.told:
            return
        shown = self.told[:MAX_FAULTS]
        if len(self.told) > MAX_FAULTS:
            shown.append(f"and {len(self.told) - MAX_FAULTS:,} more")
        raise UserError(f"{workbook}: nothing is applied, for {len(self.told):,} "
                        f"{'cell is' if len(self.told) == 1 else 'cells are'} wrong", tuple(shown))


def read_review(workbook: Path, run: Run) -> Review:
    """Read the decisions of a reviewed workbook.

    Args:
        workbook: .xlsx or .xls with the columns Decision and Fingerprint.
        run: an inspection of the dataset as it is now, with images, made with the settings of the report.

    Raises:
        UserError: it is no such workbook, or a decision cannot be applied: all cells that are wrong, by address.
    """
    rows, seen = review_rows(workbook)
    findings, fixes = _findings(run, {r.fingerprint for r in rows})
    faults = _Faults()
    names = [c.name for c in run.info.categories] or run.census.categories["name"].tolist()
    decisions: dict[str, Decision] = {}
    for row in rows:
        decision = _decision(row, faults)
        finding = _finding(row, findings, faults) if decision else None
        if decision is None or finding is None:
            continue
        try:
            change, old, new = _change(decision, row, finding, fixes[finding.fingerprint], names)
        except ValueError as e:
            faults.add(row.cell(NEW_VALUE if decision.startswith("set-") else DECISION), str(e))
            continue
        made = Decision(row, finding, decision, change, old, new)
        first = decisions.setdefault(finding.fingerprint, made)
        if (first.decision, first.new) != (made.decision, made.new):
            faults.add(row.cell(DECISION), f"{made.decision}{_to(made)} here, {first.decision}{_to(first)} in "
                                           f"{first.row.cell(DECISION)}: two decisions on one finding")
    _contradictions(decisions.values(), faults)
    faults.check(workbook)
    return Review(tuple(decisions.values()), seen)


def _to(decision: Decision) -> str:
    return f" {decision.new}" if decision.decision.startswith("set-") else ""


def _decision(row: ReviewRow, faults: _Faults) -> str | None:
    text = str(row.values.get(DECISION)).strip()
    name = re.sub(r"[\s_]+", "-", text.casefold())
    if name in DECISIONS:
        return name
    faults.add(row.cell(DECISION), f"no such decision: {text[:40]!r}{nearest(name, DECISIONS)}; "
                                   f"there are {', '.join(DECISIONS)}")
    return None


def _finding(row: ReviewRow, findings: Mapping[str, Finding], faults: _Faults) -> Finding | None:
    """Return the finding of a row, if the rest of the row says the same."""
    cell = row.cell(FINGERPRINT)
    if not re.fullmatch(r"[0-9a-f]{16}", row.fingerprint):
        faults.add(cell, f"{row.fingerprint[:40]!r} is no fingerprint: the cell was edited")
        return None
    finding = findings.get(row.fingerprint)
    if finding is None:
        faults.add(cell, "the dataset has no such finding: it changed since the report, the report was made with other "
                         "settings, or the cell was edited")
        return None
    for header, own in (("Code", finding.code), ("Image", finding.image), ("Annotation", finding.annotation_id)):
        if header in row.values and _plain(row.values[header]) != _plain(own):
            faults.add(row.cell(header), f"is {_plain(row.values[header])[:60]!r}, the finding of this row's fingerprint has "
                                         f"{_plain(own)[:60]!r}: the cell was edited, or the columns were sorted apart")
            return None
    return finding


def _change(decision: str, row: ReviewRow, finding: Finding, fix: Mapping[str, Any],
            names: Sequence[str]) -> tuple[dict[str, Any] | None, str, str]:
    """Return the edit, and the old and new value in words; raise ValueError when it is impossible.

    Args:
        decision: of the reviewer.
        row: of the workbook.
        finding: it is about.
        fix: the change that would mend it, without an action when none is known.
        names: classes of the dataset.
    """
    where = {k: v for k, v in fix.items() if k not in ("action", "text", *BOX_COLUMNS)} | {"reviewer": row.reviewer}
    box = finding.bbox_xyxy
    old_box = box_text(box) if box else ""
    if decision == "keep":
        return None, "", "kept"
    if decision == "drop-image":
        if finding.image is None:
            raise ValueError("drop-image: the finding is about no image")
        return {**where, "action": "drop-image"}, finding.image, ""
    if decision == "fix":
        if not is_addressed(fix):
            raise ValueError("fix: nothing is known that would mend this; choose another decision")
        new = box_text([fix[c] for c in BOX_COLUMNS]) if "x_min" in fix else fix.get("text") or ""
        return {**fix, "reviewer": row.reviewer}, old_box, f"{fix['action']} {new}".strip()
    if decision == "drop" and finding.annotation_id is None and finding.index is not None:
        return {**where, "action": "drop-record"}, f"record {finding.index} of {finding.source}", ""
    if finding.annotation_id is None or finding.source is None:
        raise ValueError(f"{decision}: the finding is about no annotation")
    if decision == "drop":
        return {**where, "action": "drop-annotation"}, f"{finding.category} {old_box}", ""
    if decision == "set-category":
        name = str(row.values.get(NEW_VALUE) or "").strip()
        if name not in names:
            raise ValueError(f"{name!r} is no class of the dataset{nearest(name, list(names))}" if name else
                             "set-category: the new class is missing")
        return {**where, "action": "set-category", "text": name}, finding.category or "", name
    new_box = _new_box(row, (fix["frame_width"], fix["frame_height"]))
    return ({**where, "action": "set-box", **dict(zip(BOX_COLUMNS, new_box, strict=True))}, old_box, box_text(new_box))


def _new_box(row: ReviewRow, frame: tuple[float, float]) -> tuple[float, ...]:
    """Return the new box of a row: of New value, else of the cells of the box.

    Raises:
        ValueError: it is no box, or not one of this image.
    """
    text = _plain(row.values.get(NEW_VALUE))
    numbers = parse_box(text) if text else [_cell_number(row.values.get(h)) for h in BOX_HEADERS]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{text[:60]!r} is not four numbers: x min, y min, x max, y max in px")
    x_min, y_min, x_max, y_max = numbers
    if x_max <= x_min or y_max <= y_min:
        raise ValueError(f"the box {box_text(numbers)} has no area: x min, y min, x max, y max are due")
    width, height = frame  # NaN, which nothing is larger than, where no size is known
    if x_min < -0.5 or y_min < -0.5 or x_max > width + 0.5 or y_max > height + 0.5:
        raise ValueError(f"the box {box_text(numbers)} is not inside the image of {width:g} x {height:g} px")
    return tuple(numbers)


def parse_box(text: str) -> list[float]:
    """Return the numbers of a text: `1, 2, 3, 4`, `1 2 3 4`, or `1,5; 2; 3; 4` with decimal commas.

    >>> parse_box("[1.5, 2, 3, 4]")
    [1.5, 2.0, 3.0, 4.0]
    >>> parse_box("1,5; 2; 3; 4")
    [1.5, 2.0, 3.0, 4.0]
    """
    text = text.strip().strip("[](){}")
    if ";" in text:
        parts = text.split(";")
    elif re.search(r",(?!\s*$)", text) and len(text.split(",")) == 4:
        parts = text.split(",")
    else:
        parts = text.split()
    parts = [p.strip().rstrip(",") for p in parts if p.strip()]
    if not all(_NUMBER.fullmatch(p) for p in parts):
        return []
    return [float(p.replace(",", ".")) for p in parts]


def _cell_number(value: Any) -> float:
    try:
        return float(str(value).replace(",", "."))
    except ValueError:
        return math.nan


def box_text(box: Iterable[float]) -> str:
    """Return a box as a reviewer writes it."""
    return ", ".join(f"{v:.10g}" for v in box)


def _plain(value: Any) -> str:
    """Return a cell as text: whole numbers without a decimal point, as they come back from spreadsheets."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().lstrip("'")


def _contradictions(decisions: Iterable[Decision], faults: _Faults) -> None:
    """Tell decisions on different findings that want different things of one annotation."""
    first: dict[tuple[Any, ...], Decision] = {}
    for made in decisions:
        change = made.change
        if change is None or change["index"] < 0 or change["action"] not in ("drop-annotation", "set-box", "set-category"):
            continue
        for other in ("drop-annotation", "set-box", "set-category"):
            earlier = first.get((change["source"], change["index"], other))
            if earlier is None or earlier.change is None:
                continue
            same = other == change["action"]
            if (same and earlier.new != made.new) or (not same and "drop-annotation" in (other, change["action"])):
                faults.add(made.row.cell(DECISION), f"{made.decision}{_to(made)} here, {earlier.decision}{_to(earlier)} in "
                                                    f"{earlier.row.cell(DECISION)}, on the same annotation")
        first.setdefault((change["source"], change["index"], change["action"]), made)


def _findings(run: Run, wanted: set[str]) -> tuple[dict[str, Finding], dict[str, dict[str, Any]]]:
    """Return the findings of these fingerprints, and what would mend them."""
    prints = np.array(sorted(int(p, 16) for p in wanted if re.fullmatch(r"[0-9a-f]{16}", p)), np.uint64)
    frames = frames_of(run.images)
    findings: dict[str, Finding] = {}
    fixes: dict[str, dict[str, Any]] = {}
    for outcome in run.outcomes:
        rows = np.flatnonzero(np.isin(outcome.findings.fingerprints(outcome.code), prints))
        for finding, change in fixes_of(outcome, rows, frames):
            findings.setdefault(finding.fingerprint, finding)
            fixes.setdefault(finding.fingerprint, change)
    return findings, fixes


def decided(review: Review) -> Iterator[str]:
    """Yield the decisions, a line each."""
    for d in review.decisions:
        place = d.finding.image or d.finding.source or d.finding.subject or ""
        if d.finding.annotation_id is not None:
            place += f" (annotation {d.finding.annotation_id})"
        arrow = f"{d.old} -> {d.new}" if d.new and d.old else d.new or d.old
        yield f"{d.row.cell(DECISION)}: {d.decision}  {d.finding.code}  {place}  {arrow}".rstrip()
